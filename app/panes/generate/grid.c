/* Samples under the settings of the form, redrawn as these move. */
#include "panes/generate/grid.h"

#include "models/attention-map.h"
#include "panes/generate/attention.h"
#include "panes/generate/draw-task.h"
#include "panes/generate/file-task.h"
#include "panes/generate/generate.h"
#include "panes/generate/neighbours.h"
#include "schema-form.h"

#define WALK_PER_WIDTH 5.0 /* sigma per width of a picture that is dragged */

struct _LimGenerateGrid {
    LimGeneratePart parent_instance;
    LimImageGrid *grid;
    LimGenerateNeighbours *neighbours;
    char *note;
    int cell; /* of probes */

    /* What is shown. */
    int w, h, c, latent;
    LimSampleRequest shown;
    LimModel *model; /* that drew it */
    GBytes *pixels;  /* [count][h][w][c] */
    gboolean others; /* stand in the place of some */
    float *latents;  /* [count][latent] */
    LimTensor *maps; /* or NULL */
    LimAttentionInfo attention;

    LimSampleRequest posted; /* the last request */
    gboolean posted_maps;
    LimModel *posted_model; /* compared, not used; NULL: none yet */

    double walk_x, walk_y; /* where a drag began */
};

enum { DRAWN, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimGenerateGrid, lim_generate_grid, LIM_TYPE_GENERATE_PART)

static LimGenerate *
pane_of(LimGenerateGrid *self)
{
    return lim_generate_of(GTK_WIDGET(self));
}

LimImageGrid *
lim_generate_grid_get_images(LimGenerateGrid *self)
{
    return self->grid;
}

void
lim_generate_grid_get_size(LimGenerateGrid *self, int *w, int *h)
{
    *w = self->w;
    *h = self->h;
}

const LimTensor *
lim_generate_grid_get_maps(LimGenerateGrid *self, LimAttentionInfo *a)
{
    *a = self->attention;
    return self->maps;
}

int
lim_generate_grid_get_cell(LimGenerateGrid *self)
{
    return self->cell;
}

/* What is shown: the picture under the pointer, or all of them. */
static void
show_status(LimGenerateGrid *self)
{
    LimGenerate *pane = pane_of(self);
    int n = lim_image_grid_get_n(self->grid);
    int pointed = lim_image_grid_get_pointed(self->grid);
    g_autofree char *text = NULL;

    if (!pane || !n)
        return;
    if (self->note) {
        text = g_strdup(self->note);
    } else if (pointed >= 0) {
        text = g_strdup_printf("Picture %d of %d: %s (double-click: %s; drag: walk)", pointed + 1,
                               n, lim_image_grid_get_label(self->grid, pointed),
                               lim_image_grid_get_enlarged(self->grid) ? "show all" : "enlarge");
    } else {
        LimModel *model = lim_generate_get_model(pane);
        g_autofree char *name = model ? g_path_get_basename(lim_model_path(model)) : g_strdup("");
        text = g_strdup_printf("%d %s of %d × %d pixels, drawn by %s", n,
                               n == 1 ? "sample" : "samples", self->w, self->h, name);
    }
    lim_generate_part_set_status(LIM_GENERATE_PART(self), text);
}

void
lim_generate_grid_set_note(LimGenerateGrid *self, const char *note)
{
    if (g_strcmp0(note, self->note) == 0)
        return;
    g_free(self->note);
    self->note = g_strdup(note);
    show_status(self);
}

/* The latent of the picture under the pointer, else of the one at the cursor. */
static void
show_latent(LimGenerateGrid *self)
{
    LimGenerate *pane = pane_of(self);
    int i = lim_image_grid_get_pointed(self->grid);

    if (i < 0)
        i = lim_image_grid_get_cursor(self->grid);
    if (!pane || i < 0 || i >= self->shown.count)
        return;
    g_autofree char *of = g_strdup_printf("Picture %d", i + 1);
    lim_generate_show_latent(pane, of, self->latents + (gsize)i * (gsize)self->latent, self->latent,
                             lim_generator_slots(lim_model_generator(self->model)), &self->shown);
}

static void
pointed(LimGenerateGrid *self)
{
    show_status(self);
    show_latent(self);
}

const guint8 *
lim_generate_grid_get_picture(LimGenerateGrid *self, int i, int *w, int *h, int *c)
{
    if (!self->pixels || i < 0 || i >= self->shown.count)
        return NULL;
    *w = self->w;
    *h = self->h;
    *c = self->c;
    return (const guint8 *)g_bytes_get_data(self->pixels, NULL) +
           (gsize)i * (gsize)(self->w * self->h * self->c);
}

LimModel *
lim_generate_grid_get_shown(LimGenerateGrid *self, LimSampleRequest *request)
{
    *request = self->shown;
    return self->model;
}

static void
show_pictures(LimGenerateGrid *self, GBytes *pixels)
{
    const LimSampleRequest *r = &self->shown;
    LimGenerator *g = lim_model_generator(self->model);
    int classes = lim_generator_classes(g);
    g_autofree const char **labels = g_new(const char *, r->count);

    for (int i = 0; i < r->count; i++)
        labels[i] = lim_generator_class_name(g, r->label < 0 ? i % classes : r->label);
    lim_image_grid_set_pictures(self->grid, pixels, r->count, self->w, self->h, self->c, labels);
    lim_image_grid_set_captions(self->grid, r->label < 0);
}

void
lim_generate_grid_set_others(LimGenerateGrid *self, const LimGenerateOther *others, int n)
{
    if (!self->pixels || (!n && !self->others))
        return;
    self->others = n > 0;
    gsize size, one = (gsize)(self->w * self->h * self->c);
    const guint8 *own = g_bytes_get_data(self->pixels, &size);
    guint8 *mixed = g_memdup2(own, size);
    for (int i = 0; i < n; i++) {
        const LimGenerateOther *o = &others[i];
        if (o->index < self->shown.count && o->w == self->w && o->h == self->h && o->c == self->c)
            memcpy(mixed + (gsize)o->index * one, g_bytes_get_data(o->pixels, NULL), one);
    }
    g_autoptr(GBytes) pixels = g_bytes_new_take(mixed, size);
    show_pictures(self, n ? pixels : self->pixels);
    lim_generate_grid_set_note(self,
                               n ? "Kept samples in their places; release for the present ones"
                                 : NULL);
}

static void
done(LimGeneratePart *part, LimTask *t)
{
    LimGenerateGrid *self = LIM_GENERATE_GRID(part);
    LimDrawTask *task = (LimDrawTask *)t;
    const LimSampleRequest *r = &task->samples[0].request;
    LimGenerator *g = lim_model_generator(task->model);
    LimShape s = lim_generator_image_shape(g); /* {c, h, w} */

    self->w = s.d[2];
    self->h = s.d[1];
    self->c = s.d[0];
    self->latent = lim_generator_latent_size(g);
    self->shown = *r;
    lim_model_ref(task->model);
    lim_model_unref(self->model);
    self->model = task->model;
    g_clear_pointer(&self->pixels, g_bytes_unref);
    self->pixels = g_bytes_new(task->pixels, (gsize)r->count * (gsize)lim_shape_size(s));
    self->others = FALSE;

    g_autofree char *title = lim_generate_dup_title(task->model, r);
    g_autofree char *subtitle = lim_generate_dup_subtitle(r);
    lim_generate_part_set_title(part, title, subtitle);
    free(self->latents);
    self->latents = g_steal_pointer(&task->latents);
    lim_tensor_unref(self->maps);
    const LimTensor *maps = lim_sample_task_maps(task->sample);
    self->maps = maps ? lim_tensor_ref((LimTensor *)maps) : NULL;
    lim_generator_attention(g, &self->attention);
    show_pictures(self, self->pixels);
    pointed(self);
    g_signal_emit(self, signals[DRAWN], 0);
    lim_generate_neighbours_soon(self->neighbours);
}

static void
update(LimGeneratePart *part)
{
    LimGenerateGrid *self = LIM_GENERATE_GRID(part);
    LimGenerate *pane = pane_of(self);
    LimModel *model = lim_generate_get_model(pane);
    LimSampleRequest r = lim_generate_get_request(pane);
    LimLook look = lim_generate_get_look(pane);
    LimGenerator *g = lim_model_generator(model);
    LimAttentionInfo a;
    bool maps = look.attention && lim_generator_attention(g, &a);

    self->cell =
        maps ? lim_generator_image_shape(g).d[2] / lim_attention_cells(&a, (LimSense)look.sense)
             : 0;
    lim_image_grid_set_probing(self->grid, self->cell);
    lim_image_grid_set_walking(self->grid, !look.attention);
    if (self->posted_model == model && self->posted_maps == maps &&
        lim_sample_equal(&r, &self->posted)) {
        show_latent(self); /* another mode may have been in front */
        return;
    }
    self->posted = r;
    self->posted_maps = maps;
    self->posted_model = model;
    lim_generate_part_post(part, lim_draw_request_task_new(model, &r, maps),
                           LIM_GENERATE_SLOT_GRID);
}

/* ---- dragging a picture walks its latent plane ---- */

static void
walk_to(LimGenerateGrid *self, double x, double y)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(
        &dict, lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, walk_x))->name, "d", x);
    g_variant_dict_insert(
        &dict, lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, walk_y))->name, "d", y);
    lim_generate_set_values(pane_of(self), g_variant_dict_end(&dict));
}

static void
walk_begin(LimGenerateGrid *self)
{
    LimGenerate *pane = pane_of(self);
    LimSampleRequest r = lim_generate_get_request(pane);

    lim_generate_flush(pane);
    self->walk_x = r.walk_x;
    self->walk_y = r.walk_y;
}

static void
walk(LimGenerateGrid *self, double dx, double dy)
{
    walk_to(self, self->walk_x + WALK_PER_WIDTH * dx, self->walk_y - WALK_PER_WIDTH * dy);
}

static void
walk_end(LimGenerateGrid *self, gboolean keep)
{
    LimGenerate *pane = pane_of(self);

    if (!pane)
        return;
    if (keep)
        lim_generate_settle(pane);
    else
        walk_to(self, self->walk_x, self->walk_y);
}

/* With pins, what is exported are the maps of their places; FALSE: there are none. */
static gboolean
get_sheet(LimGenerateGrid *self, LimAttentionSheet *sheet)
{
    LimGenerate *pane = pane_of(self);
    LimLook look = lim_generate_get_look(pane);
    LimAttentionInfo info;
    LimPoint places[LIM_PIN_MAX];
    LimGeneratePart *attention = lim_generate_get_part(pane, LIM_TYPE_GENERATE_ATTENTION);
    int n = lim_generate_attention_get_places(LIM_GENERATE_ATTENTION(attention), places);

    if (!look.attention || !n ||
        !lim_generator_attention(lim_model_generator(lim_generate_get_model(pane)), &info))
        return FALSE;
    *sheet = (LimAttentionSheet){.request = lim_generate_get_request(pane),
                                 .sense = look.sense,
                                 .opacity = look.opacity};
    lim_attention_text(places, n, sheet->at);
    return TRUE;
}

static char *
dup_command(LimGeneratePart *part)
{
    LimGenerate *pane = pane_of(LIM_GENERATE_GRID(part));
    LimSampleRequest r = lim_generate_get_request(pane);
    g_autofree char *path = g_shell_quote(lim_model_path(lim_generate_get_model(pane)));
    LimAttentionSheet sheet;

    if (get_sheet(LIM_GENERATE_GRID(part), &sheet)) {
        g_autofree char *maps = lim_schema_flags(lim_attention_schema, &sheet);
        r.count = (int)lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, count))->def;
        g_autofree char *samples = lim_schema_flags(lim_sample_schema, &r); /* all but the number */
        return g_strdup_printf("attention %s%s%s", path, maps, samples);
    }
    g_autofree char *flags = lim_schema_flags(lim_sample_schema, &r);

    return g_strdup_printf("sample %s%s", path, flags);
}

static LimTask *
new_export(LimGeneratePart *part, const char *path)
{
    LimGenerate *pane = pane_of(LIM_GENERATE_GRID(part));
    LimSampleRequest r = lim_generate_get_request(pane);
    LimAttentionSheet sheet;

    if (get_sheet(LIM_GENERATE_GRID(part), &sheet))
        return lim_attention_export_task_new(path, lim_generate_get_model(pane), &sheet);
    return lim_export_task_new(path, lim_generate_get_model(pane), &r);
}

static char *
dup_file_name(LimGeneratePart *part)
{
    LimGenerate *pane = pane_of(LIM_GENERATE_GRID(part));
    LimSampleRequest r = lim_generate_get_request(pane);

    return g_strdup_printf("%s, threshold %.2f, seed %" G_GUINT64_FORMAT ".png",
                           lim_generate_class_title(lim_generate_get_model(pane), r.label),
                           r.threshold, r.seed);
}

static void
finalize(GObject *object)
{
    LimGenerateGrid *self = LIM_GENERATE_GRID(object);

    g_free(self->note);
    g_clear_pointer(&self->pixels, g_bytes_unref);
    lim_model_unref(self->model);
    free(self->latents);
    lim_tensor_unref(self->maps);
    G_OBJECT_CLASS(lim_generate_grid_parent_class)->finalize(object);
}

static void
lim_generate_grid_class_init(LimGenerateGridClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    signals[DRAWN] = g_signal_new("drawn", LIM_TYPE_GENERATE_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
    part_class->update = update;
    part_class->done = done;
    part_class->dup_command = dup_command;
    part_class->new_export = new_export;
    part_class->dup_file_name = dup_file_name;
}

static void
lim_generate_grid_init(LimGenerateGrid *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->grid = LIM_IMAGE_GRID(lim_image_grid_new());
    self->neighbours = LIM_GENERATE_NEIGHBOURS(g_object_new(LIM_TYPE_GENERATE_NEIGHBOURS, NULL));
    gtk_widget_set_vexpand(GTK_WIDGET(self->grid), TRUE);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->grid));
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->neighbours));
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    g_object_bind_property(self, "stale", self->grid, "stale", G_BINDING_SYNC_CREATE);
    g_signal_connect_object(self->grid, "notify::pointed", G_CALLBACK(pointed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "notify::cursor", G_CALLBACK(show_latent), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "walk-begin", G_CALLBACK(walk_begin), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "walk", G_CALLBACK(walk), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "walk-end", G_CALLBACK(walk_end), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "notify::enlarged", G_CALLBACK(show_status), self,
                            G_CONNECT_SWAPPED);
}
