/* Samples under the settings of the form, redrawn as these move. */
#include "panes/generate/grid.h"

#include "panes/generate/draw-task.h"
#include "panes/generate/file-task.h"
#include "panes/generate/generate.h"
#include "schema-form.h"
#include "widgets/lim-image-grid.h"

struct _LimGenerateGrid {
    LimGeneratePart parent_instance;
    LimImageGrid *grid;
    int w, h;                /* of the pictures shown */
    LimSampleRequest posted; /* the last request */
    LimModel *posted_model;  /* compared, not used; NULL: none yet */
};

G_DEFINE_FINAL_TYPE(LimGenerateGrid, lim_generate_grid, LIM_TYPE_GENERATE_PART)

static LimGenerate *
pane_of(LimGenerateGrid *self)
{
    return lim_generate_of(GTK_WIDGET(self));
}

/* What is shown: the picture under the pointer, or all of them. */
static void
show_status(LimGenerateGrid *self)
{
    LimGenerate *pane = pane_of(self);
    int n = lim_image_grid_get_n(self->grid), pointed;
    g_autofree char *text = NULL;

    if (!pane || !n)
        return;
    g_object_get(self->grid, "pointed", &pointed, NULL);
    if (pointed >= 0) {
        text = g_strdup_printf("Picture %d of %d: %s (double-click: %s)", pointed + 1, n,
                               lim_image_grid_get_label(self->grid, pointed),
                               lim_image_grid_get_enlarged(self->grid) ? "show all" : "enlarge");
    } else {
        LimModel *model = lim_generate_get_model(pane);
        g_autofree char *name = model ? g_path_get_basename(lim_model_path(model)) : g_strdup("");
        text = g_strdup_printf("%d %s of %d × %d pixels, drawn by %s", n,
                               n == 1 ? "sample" : "samples", self->w, self->h, name);
    }
    lim_generate_part_set_status(LIM_GENERATE_PART(self), text);
}

static void
done(LimGeneratePart *part, LimTask *t)
{
    LimGenerateGrid *self = LIM_GENERATE_GRID(part);
    const LimDrawTask *task = (const LimDrawTask *)t;
    const LimSampleRequest *r = &task->request;
    LimGenerator *g = lim_model_generator(task->model);
    LimShape s = lim_generator_image_shape(g); /* {c, h, w} */
    int classes = lim_generator_classes(g);
    g_autofree const char **labels = g_new(const char *, r->count);
    gsize size = (gsize)r->count * (gsize)lim_shape_size(s);
    g_autoptr(GBytes) pixels = g_bytes_new(task->pixels, size);

    for (int i = 0; i < r->count; i++)
        labels[i] = lim_generator_class_name(g, r->label < 0 ? i % classes : r->label);
    lim_image_grid_set_pictures(self->grid, pixels, r->count, s.d[2], s.d[1], s.d[0], labels);
    lim_image_grid_set_captions(self->grid, r->label < 0);

    g_autofree char *settings =
        g_strdup_printf("truncation threshold %.2f, seed %" G_GUINT64_FORMAT, r->threshold,
                        r->seed);
    lim_generate_part_set_title(part, lim_generate_class_title(task->model, r->label), settings);
    self->w = s.d[2];
    self->h = s.d[1];
    show_status(self);
}

static void
update(LimGeneratePart *part)
{
    LimGenerateGrid *self = LIM_GENERATE_GRID(part);
    LimGenerate *pane = pane_of(self);
    LimModel *model = lim_generate_get_model(pane);
    LimSampleRequest r = lim_generate_get_request(pane);

    if (self->posted_model == model && lim_sample_equal(&r, &self->posted))
        return;
    self->posted = r;
    self->posted_model = model;
    lim_generate_part_post(part, lim_draw_task_new(model, &r), LIM_GENERATE_SLOT_GRID);
}

static char *
dup_command(LimGeneratePart *part)
{
    LimGenerate *pane = pane_of(LIM_GENERATE_GRID(part));
    LimSampleRequest r = lim_generate_get_request(pane);
    g_autofree char *path = g_shell_quote(lim_model_path(lim_generate_get_model(pane)));
    g_autofree char *flags = lim_schema_flags(lim_sample_schema, &r);

    return g_strdup_printf("sample %s%s", path, flags);
}

static LimTask *
new_export(LimGeneratePart *part, const char *path)
{
    LimGenerate *pane = pane_of(LIM_GENERATE_GRID(part));
    LimSampleRequest r = lim_generate_get_request(pane);

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
lim_generate_grid_class_init(LimGenerateGridClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    part_class->update = update;
    part_class->done = done;
    part_class->dup_command = dup_command;
    part_class->new_export = new_export;
    part_class->dup_file_name = dup_file_name;
}

static void
lim_generate_grid_init(LimGenerateGrid *self)
{
    self->grid = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_generate_part_set_child(LIM_GENERATE_PART(self), GTK_WIDGET(self->grid));
    g_object_bind_property(self, "stale", self->grid, "stale", G_BINDING_SYNC_CREATE);
    g_signal_connect_object(self->grid, "notify::pointed", G_CALLBACK(show_status), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "notify::enlarged", G_CALLBACK(show_status), self,
                            G_CONNECT_SWAPPED);
}
