/* Generate: samples of a class-conditional generator under a truncation threshold.
 *
 * The form is the request. At most once per frame, and only when something has changed, the visible
 * parts are told; what they show is described by the title above them. This file holds them
 * together: form, modes, side, undo, and the actions. */
#include "panes/generate/generate.h"

#include "panes/generate/attention.h"
#include "panes/generate/file-task.h"
#include "panes/generate/grid.h"
#include "panes/generate/interpolation.h"
#include "panes/generate/kept.h"
#include "panes/generate/sheet.h"
#include "panes/generate/tradeoff.h"
#include "schema-form.h"
#include "widgets/lim-density-plot.h"

/* What the middle can show, in the order of the switcher; the first is shown at start. */
static const struct {
    const char *name, *title;
    GType (*type)(void); /* of a LimGeneratePart */
} modes[] = {
    {"grid", "Grid", lim_generate_grid_get_type},
    {"sheet", "Sheet", lim_generate_sheet_get_type},
    {"interpolation", "Interpolation", lim_generate_interpolation_get_type},
};

/* What stands at the right of every mode, from top to bottom. */
static GType (*const sides[])(void) = {lim_generate_tradeoff_get_type,
                                       lim_generate_attention_get_type, lim_generate_kept_get_type};

#define SIDE_WIDTH 300

struct _LimGenerate {
    LimFormPane parent_instance;
    LimForm *form;
    LimDensityPlot *density;
    GtkWidget *title;
    GtkWidget *subtitle;
    GtkWidget *send;     /* button of the grid */
    GtkWidget *modes;    /* GtkStack of LimGenerateParts */
    GtkWidget *side;     /* box of LimGenerateParts */
    GtkWidget *scrolled; /* around it */
    LimStatusLine *status;
    gboolean comparing; /* the key is held */
    guint tick;         /* waits for the next frame */
};

/* "current": whether what the mode shows belongs to the settings. */
enum { PROP_CURRENT = 1, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE(LimGenerate, lim_generate, LIM_TYPE_FORM_PANE)

LimGenerate *
lim_generate_of(GtkWidget *inside)
{
    GtkWidget *pane = gtk_widget_get_ancestor(inside, LIM_TYPE_GENERATE);
    return pane ? LIM_GENERATE(pane) : NULL;
}

LimModel *
lim_generate_get_model(LimGenerate *self)
{
    return lim_session_get_model(lim_pane_get_session(LIM_PANE(self)));
}

LimSampleRequest
lim_generate_get_request(LimGenerate *self)
{
    LimSampleRequest r = {0};

    lim_schema_form_read(self->form, lim_sample_schema, &r);
    /* The sliders reach down to 0, which stands for the threshold; just above is no value. */
    for (int k = 0; k < LIM_SLOTS; k++)
        if (r.slot_threshold[k] > 0)
            r.slot_threshold[k] = MAX(r.slot_threshold[k], LIM_THRESHOLD_MIN);
    return r;
}

LimLook
lim_generate_get_look(LimGenerate *self)
{
    LimLook look = {0};

    lim_schema_form_read(self->form, lim_look_schema, &look);
    return look;
}

LimForm *
lim_generate_get_form(LimGenerate *self)
{
    return self->form;
}

void
lim_generate_flash(LimGenerate *self, const char *text)
{
    lim_status_line_flash(self->status, text);
}

static LimGeneratePart *
visible_mode(LimGenerate *self)
{
    return LIM_GENERATE_PART(gtk_stack_get_visible_child(GTK_STACK(self->modes)));
}

const char *
lim_generate_get_mode(LimGenerate *self)
{
    return gtk_stack_get_visible_child_name(GTK_STACK(self->modes));
}

void
lim_generate_set_mode(LimGenerate *self, const char *name)
{
    gtk_stack_set_visible_child_name(GTK_STACK(self->modes), name);
}

/* ---- from settings to parts ---- */

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimGenerate *self = LIM_GENERATE(widget);

    self->tick = 0;
    if (!lim_generate_get_model(self))
        return G_SOURCE_REMOVE;
    lim_generate_part_update(visible_mode(self));
    for (GtkWidget *w = gtk_widget_get_first_child(self->side); w;
         w = gtk_widget_get_next_sibling(w))
        lim_generate_part_update(LIM_GENERATE_PART(w));
    return G_SOURCE_REMOVE;
}

/* However many events arrive between two frames, one request is enough. */
void
lim_generate_update_soon(LimGenerate *self)
{
    if (!self->tick)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

void
lim_generate_set_values(LimGenerate *self, GVariant *values)
{
    lim_form_set_values(self->form, values);
}

/* All parts, one after the other, beginning with NULL. */
static LimGeneratePart *
next_part(LimGenerate *self, LimGeneratePart *part)
{
    GtkWidget *next = part ? gtk_widget_get_next_sibling(GTK_WIDGET(part))
                           : gtk_widget_get_first_child(self->modes);

    if (!next && (!part || gtk_widget_get_parent(GTK_WIDGET(part)) == self->modes))
        next = gtk_widget_get_first_child(self->side);
    return next ? LIM_GENERATE_PART(next) : NULL;
}

LimGeneratePart *
lim_generate_get_part(LimGenerate *self, GType type)
{
    LimGeneratePart *part = NULL;

    while ((part = next_part(self, part)) && !G_TYPE_CHECK_INSTANCE_TYPE(part, type))
        ;
    return part;
}

/* A state of undo: the values of the form, and below the names of the parts' types what they have.
 */
static GVariant *
dup_state(LimFormPane *pane)
{
    LimGenerate *self = LIM_GENERATE(pane);
    g_autoptr(GVariant) values = lim_form_dup_settled(self->form);
    GVariantDict state;

    g_variant_dict_init(&state, values);
    for (LimGeneratePart *p = NULL; (p = next_part(self, p));)
        if (LIM_GENERATE_PART_GET_CLASS(p)->get_state)
            g_variant_dict_insert_value(&state, G_OBJECT_TYPE_NAME(p),
                                        LIM_GENERATE_PART_GET_CLASS(p)->get_state(p));
    return g_variant_ref_sink(g_variant_dict_end(&state));
}

static void
restore(LimFormPane *pane, GVariant *state)
{
    LimGenerate *self = LIM_GENERATE(pane);

    lim_form_set_values(self->form, state);
    for (LimGeneratePart *p = NULL; (p = next_part(self, p));) {
        g_autoptr(GVariant) own = g_variant_lookup_value(state, G_OBJECT_TYPE_NAME(p), NULL);
        if (own)
            LIM_GENERATE_PART_GET_CLASS(p)->set_state(p, own);
    }
}

static void
flush(LimFormPane *pane)
{
    LimGenerate *self = LIM_GENERATE(pane);

    lim_form_flush(self->form);
    for (LimGeneratePart *p = NULL; (p = next_part(self, p));)
        if (LIM_GENERATE_PART_GET_CLASS(p)->flush)
            LIM_GENERATE_PART_GET_CLASS(p)->flush(p);
}

static gboolean
is_open(LimFormPane *pane)
{
    LimGenerate *self = LIM_GENERATE(pane);

    if (lim_form_is_open(self->form))
        return TRUE;
    for (LimGeneratePart *p = NULL; (p = next_part(self, p));)
        if (LIM_GENERATE_PART_GET_CLASS(p)->is_open && LIM_GENERATE_PART_GET_CLASS(p)->is_open(p))
            return TRUE;
    return FALSE;
}

void
lim_generate_setting_changed(LimGenerate *self)
{
    lim_form_pane_watch(LIM_FORM_PANE(self));
    lim_generate_update_soon(self);
}

void
lim_generate_settle(LimGenerate *self)
{
    lim_form_pane_settle(LIM_FORM_PANE(self));
}

void
lim_generate_flush(LimGenerate *self)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
}

void
lim_generate_show_latent(LimGenerate *self, const char *of, const float *z, int n, int parts,
                         const LimSampleRequest *r)
{
    double bounds[LIM_SLOTS];
    gboolean differ = FALSE;

    if (!g_str_equal(lim_generate_get_mode(self), "grid"))
        return; /* computed behind another mode */
    for (int k = 0; k < parts; k++) {
        double t = lim_sample_threshold(r, k);
        bounds[k] = r->truncation == LIM_TRUNC_SCALE ? 2 * t : t;
        differ |= bounds[k] != bounds[0];
    }
    lim_density_plot_set_ticks(self->density, of, z, n, bounds, differ ? parts : 1);
}

gboolean
lim_generate_shows_maps(LimGenerate *self)
{
    return g_strcmp0(lim_generate_get_mode(self), "grid") == 0 &&
           lim_generate_get_look(self).attention;
}

/* What has no meaning in the present mode, or without another setting, cannot be used. */
static void
enable_rows(LimGenerate *self)
{
    gboolean grid = g_strcmp0(lim_generate_get_mode(self), "grid") == 0;
    gboolean maps = lim_generate_shows_maps(self);

    lim_form_row_set_enabled(lim_generate_form_row(self->form, offsetof(LimSampleRequest, count)),
                             grid);
    lim_form_row_set_enabled(lim_form_get_row(self->form, "attention"), grid);
    lim_form_row_set_enabled(lim_form_get_row(self->form, "opacity"), maps);
    lim_form_row_set_enabled(lim_form_get_row(self->form, "attention-sense"), maps);
}

static void
changed(LimFormPane *pane)
{
    LimGenerate *self = LIM_GENERATE(pane);
    LimSampleRequest r = lim_generate_get_request(self);

    if (r.truncation == LIM_TRUNC_SCALE)
        lim_density_plot_set(self->density, r.threshold, 2 * r.threshold);
    else
        lim_density_plot_set(self->density, 1, r.threshold);
    enable_rows(self);
    lim_generate_update_soon(self);
}

/* ---- from parts to the screen ---- */

/* Everything around the modes that speaks of the visible one. */
static void
describe_mode(LimGenerate *self)
{
    g_autofree char *title = NULL, *subtitle = NULL, *status = NULL;
    gboolean stale;

    g_object_get(visible_mode(self), "title", &title, "subtitle", &subtitle, "status", &status,
                 "stale", &stale, NULL);
    gtk_label_set_text(GTK_LABEL(self->title), title ? title : "");
    gtk_label_set_text(GTK_LABEL(self->subtitle), subtitle ? subtitle : "");
    lim_status_line_set_text(self->status, status ? status : "");
    lim_status_line_set_stale(self->status, stale);
}

static void
mode_notify(LimGenerate *self, GParamSpec *pspec, GObject *part)
{
    if (part == G_OBJECT(visible_mode(self)) && pspec->owner_type == LIM_TYPE_GENERATE_PART)
        describe_mode(self);
}

static void
mode_changed(LimGenerate *self)
{
    GtkWidget *mode = gtk_stack_get_visible_child(GTK_STACK(self->modes));

    if (!mode) /* the view is going */
        return;
    gtk_widget_set_visible(self->send, LIM_IS_GENERATE_GRID(mode));
    GAction *action = g_action_map_lookup_action(lim_pane_get_actions(LIM_PANE(self)), "mode");
    g_simple_action_set_state(G_SIMPLE_ACTION(action),
                              g_variant_new_string(lim_generate_get_mode(self)));
    describe_mode(self);
    enable_rows(self);
    if (!g_str_equal(lim_generate_get_mode(self), "grid")) /* no one sample */
        lim_density_plot_set_ticks(self->density, NULL, NULL, 0, &(double){1}, 1);
    lim_generate_update_soon(self);
}

void
lim_generate_part_shown(LimGenerate *self, LimGeneratePart *part)
{
    if (part == visible_mode(self))
        lim_form_pane_show_view(LIM_FORM_PANE(self));
}

void
lim_generate_set_timing(LimGenerate *self, LimGeneratePart *part, double queued, double ran,
                        double shown)
{
    if (part == visible_mode(self))
        lim_status_line_set_timing(self->status, queued, ran, shown);
}

static void
show_message(LimGenerate *self, const char *title, const char *text)
{
    /* With a model at hand the way back to its pictures, otherwise the way to another model. */
    gboolean have = lim_generate_get_model(self) != NULL;

    lim_form_pane_show_message(LIM_FORM_PANE(self), title, text,
                               have ? "Back to the pictures" : "Open model…",
                               have ? "view.back" : "win.open-model");
}

void
lim_generate_part_failed(LimGenerate *self, LimGeneratePart *part, const char *text)
{
    if (part == visible_mode(self))
        show_message(self, "These pictures could not be computed", text);
}

static void
model_changed(LimGenerate *self)
{
    const char *error = lim_session_get_error(lim_pane_get_session(LIM_PANE(self)));

    if (error) {
        show_message(self, "This model cannot be opened", error);
        return;
    }
    lim_generate_form_set_model(self->form, lim_generate_get_model(self));
    lim_form_pane_resume(LIM_FORM_PANE(self));
    lim_generate_update_soon(self);
}

/* ---- actions ---- */

/* The picture under the pointer, else the one at the cursor. */
static void
do_keep(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    LimGeneratePart *grid = lim_generate_get_part(self, LIM_TYPE_GENERATE_GRID);
    LimGeneratePart *kept = lim_generate_get_part(self, LIM_TYPE_GENERATE_KEPT);
    LimImageGrid *images = lim_generate_grid_get_images(LIM_GENERATE_GRID(grid));
    int i = lim_image_grid_get_pointed(images);

    if (grid == visible_mode(self))
        lim_generate_kept_add(LIM_GENERATE_KEPT(kept),
                              i >= 0 ? i : lim_image_grid_get_cursor(images));
}

/* The same picture becomes what the Attack view attacks. */
static void
do_send(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    LimGenerateGrid *grid = LIM_GENERATE_GRID(lim_generate_get_part(self, LIM_TYPE_GENERATE_GRID));
    LimImageGrid *images = lim_generate_grid_get_images(grid);
    int pointed = lim_image_grid_get_pointed(images);
    LimPanePicture p = {.index = pointed >= 0 ? pointed : lim_image_grid_get_cursor(images)};
    LimSampleRequest r;
    LimModel *model = lim_generate_grid_get_shown(grid, &r);

    p.pixels = lim_generate_grid_get_picture(grid, p.index, &p.w, &p.h, &p.c);
    if (!p.pixels || LIM_GENERATE_PART(grid) != visible_mode(self))
        return;
    g_autofree char *path = g_shell_quote(lim_model_path(model));
    g_autofree char *settings = lim_schema_flags(lim_sample_schema, &r);
    g_autofree char *flags = g_strdup_printf(" --generate %s%s", path, settings);
    p.from = lim_model_path(model);
    p.flags = flags;
    p.seed = r.seed;
    lim_pane_send(LIM_PANE(self), "attack", &p);
}

/* C, for as long as it is held. */
static gboolean
compare_key(LimGenerate *self, guint keyval, guint code, GdkModifierType state,
            GtkEventController *keys)
{
    LimGeneratePart *kept = lim_generate_get_part(self, LIM_TYPE_GENERATE_KEPT);

    if (gdk_keyval_to_lower(keyval) != GDK_KEY_c ||
        state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK))
        return GDK_EVENT_PROPAGATE;
    lim_generate_kept_set_compare(LIM_GENERATE_KEPT(kept), TRUE);
    self->comparing = TRUE;
    return GDK_EVENT_STOP;
}

static void
compare_end(LimGenerate *self)
{
    LimGeneratePart *kept = lim_generate_get_part(self, LIM_TYPE_GENERATE_KEPT);

    if (self->comparing)
        lim_generate_kept_set_compare(LIM_GENERATE_KEPT(kept), FALSE);
    self->comparing = FALSE;
}

static void
do_back(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;

    lim_form_pane_show_view(LIM_FORM_PANE(self));
    lim_generate_update_soon(self);
}

static void
do_mode(GSimpleAction *action, GVariant *state, gpointer data)
{
    LimGenerate *self = data;
    const char *name = g_variant_get_string(state, NULL);

    if (gtk_stack_get_child_by_name(GTK_STACK(self->modes), name))
        lim_generate_set_mode(self, name); /* sets the state */
}

/* ---- out of the window, and back ---- */

static char *
dup_command(LimFormPane *pane, char **said)
{
    LimGenerate *self = LIM_GENERATE(pane);
    LimGeneratePart *mode = visible_mode(self);

    if (!lim_generate_get_model(self))
        return NULL;
    g_autofree char *what = LIM_GENERATE_PART_GET_CLASS(mode)->dup_command(mode);
    *said = g_strdup("The command for these pictures is on the clipboard");
    return g_strdup_printf("limen-cli %s --out sheet.png", what);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimGenerate *self = LIM_GENERATE(pane);
    LimGeneratePart *mode = visible_mode(self);

    if (lim_generate_get_model(self))
        lim_form_pane_export(pane, path, LIM_GENERATE_PART_GET_CLASS(mode)->new_export(mode, path),
                             NULL);
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimGenerate *self = LIM_GENERATE(pane);
    LimGeneratePart *mode = visible_mode(self);

    return lim_generate_get_model(self) ? LIM_GENERATE_PART_GET_CLASS(mode)->dup_file_name(mode)
                                        : NULL;
}

static void
restore_maps(LimGenerate *self, const LimAttentionSheet *sheet)
{
    LimGeneratePart *attention = lim_generate_get_part(self, LIM_TYPE_GENERATE_ATTENTION);
    LimLook look = {.attention = true,
                    .opacity = sheet->opacity,
                    .sense = MIN(sheet->sense, LIM_SENSE_COLUMN)}; /* both: rows */
    LimPoint places[LIM_MARKS];
    int n = lim_attention_points(sheet->at, G_MAXINT, places, NULL);

    lim_generate_set_values(self, lim_schema_values(lim_look_schema, &look));
    lim_generate_attention_set_places(LIM_GENERATE_ATTENTION(attention), places, n);
}

static void
restored(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimGenerate) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimRestoreTask *task = (const LimRestoreTask *)t;

    if (!self || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK && task->of_attack &&
        lim_pane_pass_file(LIM_PANE(self), "attack", task->path))
        return;
    if (status != LIM_OK) {
        g_autofree char *why = g_strdup_printf("This picture has no settings: %s", err->text);
        lim_generate_flash(self, why);
        return;
    }
    lim_generate_flush(self);
    lim_generate_set_values(self, lim_schema_values(lim_sample_schema, &task->request));
    if (task->has_sweep) {
        LimGeneratePart *sheet = lim_generate_get_part(self, LIM_TYPE_GENERATE_SHEET);
        lim_generate_sheet_set_sweep(LIM_GENERATE_SHEET(sheet), &task->sweep);
    }
    if (task->has_way) {
        LimGeneratePart *way = lim_generate_get_part(self, LIM_TYPE_GENERATE_INTERPOLATION);
        lim_generate_interpolation_set_way(LIM_GENERATE_INTERPOLATION(way), &task->way);
    }
    if (task->has_attention)
        restore_maps(self, &task->attention);
    lim_generate_set_mode(self, task->has_sweep ? "sheet"
                                : task->has_way ? "interpolation"
                                                : "grid");
    lim_generate_settle(self); /* one step: Ctrl+Z brings the former settings back */

    LimModel *model = lim_generate_get_model(self);
    g_autofree char *open = model ? g_path_get_basename(lim_model_path(model)) : NULL;
    g_autofree char *text =
        g_strcmp0(open, task->made_with) == 0
            ? g_strdup("Settings restored from the picture")
            : g_strdup_printf("Settings restored; the picture was made with %s", task->made_with);
    lim_generate_flash(self, text);
}

/* A picture: its settings become ours, when it has any. */
static gboolean
open_file(LimPane *pane, const char *path)
{
    lim_worker_submit(lim_session_get_worker(lim_pane_get_session(pane)),
                      lim_restore_task_new(path), LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = restored,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(pane, 0)});
    return TRUE;
}

/* ---- construction ---- */

static LimForm *
build_form(LimGenerate *self)
{
    LimForm *form = lim_generate_form_new();

    self->density = LIM_DENSITY_PLOT(lim_density_plot_new());
    lim_form_add_below(
        form, lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, threshold))->name,
        GTK_WIDGET(self->density));
    return form;
}

/* The title of what is shown, and the switcher of modes. */
static GtkWidget *
build_head(LimGenerate *self)
{
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);

    self->title = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->title, "picture-title");
    self->subtitle = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->subtitle, "dim-label");
    gtk_widget_add_css_class(self->subtitle, "numeric");
    gtk_label_set_ellipsize(GTK_LABEL(self->subtitle), PANGO_ELLIPSIZE_END);
    gtk_label_set_xalign(GTK_LABEL(self->subtitle), 0);
    gtk_widget_set_hexpand(self->subtitle, TRUE);
    gtk_widget_set_valign(self->subtitle, GTK_ALIGN_BASELINE);
    gtk_widget_set_valign(self->title, GTK_ALIGN_BASELINE);
    gtk_box_append(GTK_BOX(head), self->title);
    gtk_box_append(GTK_BOX(head), self->subtitle);

    self->send = gtk_button_new_with_label("Send to Attack");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(self->send), "view.send-to-attack");
    gtk_widget_set_tooltip_text(self->send, "Attacks the picture that was clicked last in the view "
                                            "Attack (Ctrl+T: the one under the pointer)");
    gtk_widget_add_css_class(self->send, "flat");
    gtk_widget_set_valign(self->send, GTK_ALIGN_CENTER);
    gtk_box_append(GTK_BOX(head), self->send);

    GtkWidget *switcher = gtk_stack_switcher_new();
    gtk_stack_switcher_set_stack(GTK_STACK_SWITCHER(switcher), GTK_STACK(self->modes));
    gtk_widget_add_css_class(switcher, "modes");
    gtk_accessible_update_property(GTK_ACCESSIBLE(switcher), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "What to show", -1);
    gtk_widget_set_visible(switcher, G_N_ELEMENTS(modes) > 1);
    gtk_box_append(GTK_BOX(head), switcher);
    return head;
}

/* No empty column at the right. */
static void
show_side(LimGenerate *self)
{
    gboolean any = FALSE;

    for (GtkWidget *w = gtk_widget_get_first_child(self->side); w;
         w = gtk_widget_get_next_sibling(w))
        any |= gtk_widget_get_visible(w);
    gtk_widget_set_visible(self->scrolled, any);
}

static GtkWidget *
build_pictures(LimGenerate *self)
{
    GtkWidget *pictures = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);

    self->modes = gtk_stack_new();
    gtk_widget_set_hexpand(self->modes, TRUE);
    gtk_widget_set_vexpand(self->modes, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        GtkWidget *mode = g_object_new(modes[i].type(), NULL);
        gtk_stack_add_titled(GTK_STACK(self->modes), mode, modes[i].name, modes[i].title);
        gtk_accessible_update_property(GTK_ACCESSIBLE(mode), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       modes[i].title, -1);
        g_signal_connect_object(mode, "notify", G_CALLBACK(mode_notify), self, G_CONNECT_SWAPPED);
    }
    self->side = gtk_box_new(GTK_ORIENTATION_VERTICAL, 18);
    for (gsize i = 0; i < G_N_ELEMENTS(sides); i++)
        gtk_box_append(GTK_BOX(self->side), g_object_new(sides[i](), NULL));
    gtk_widget_set_size_request(self->side, SIDE_WIDTH, -1);
    gtk_widget_set_hexpand(self->side, FALSE);
    for (GtkWidget *w = gtk_widget_get_first_child(self->side); w;
         w = gtk_widget_get_next_sibling(w))
        g_signal_connect_object(w, "notify::visible", G_CALLBACK(show_side), self,
                                G_CONNECT_SWAPPED);

    self->scrolled = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(self->scrolled), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(self->scrolled), self->side);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scrolled), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Beside the pictures", -1);
    show_side(self);
    gtk_box_append(GTK_BOX(box), self->modes);
    gtk_box_append(GTK_BOX(box), self->scrolled);
    gtk_box_append(GTK_BOX(pictures), build_head(self));
    gtk_box_append(GTK_BOX(pictures), box);
    gtk_widget_add_css_class(pictures, "pictures");
    return pictures;
}

static void
constructed(GObject *object)
{
    static const GActionEntry entries[] = {
        {.name = "keep-sample", .activate = do_keep},
        {.name = "send-to-attack", .activate = do_send},
        {.name = "back", .activate = do_back},
        {.name = "mode", .parameter_type = "s", .state = "''", .change_state = do_mode},
    };
    LimGenerate *self = LIM_GENERATE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_generate_parent_class)->constructed(object);
    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), entries,
                                    G_N_ELEMENTS(entries), self);

    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(compare_key), self);
    g_signal_connect_swapped(keys, "key-released", G_CALLBACK(compare_end), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    GtkEventController *focus = gtk_event_controller_focus_new();
    g_signal_connect_swapped(focus, "leave", G_CALLBACK(compare_end), self);
    gtk_widget_add_controller(GTK_WIDGET(self), focus);

    self->form = build_form(self);
    self->status = lim_form_pane_get_status(pane);
    lim_form_pane_build(pane, self->form, build_pictures(self));
    g_signal_connect_object(self->modes, "notify::visible-child", G_CALLBACK(mode_changed), self,
                            G_CONNECT_SWAPPED);
    mode_changed(self);
    changed(pane);
    g_signal_connect_object(lim_pane_get_session(LIM_PANE(self)), "model-changed",
                            G_CALLBACK(model_changed), self, G_CONNECT_SWAPPED);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimGenerate *self = LIM_GENERATE(object);

    g_value_set_boolean(value, !self->tick && lim_generate_part_get_current(visible_mode(self)));
}

static void
lim_generate_class_init(LimGenerateClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    LIM_PANE_CLASS(klass)->open_file = open_file;
    LIM_FORM_PANE_CLASS(klass)->copy_tooltip =
        "Copies the limen-cli command that writes these pictures, byte for byte (Ctrl+Shift+C)";
    LIM_FORM_PANE_CLASS(klass)->export_tooltip =
        "Saves the pictures, or the attention maps of what is pinned, with their settings inside: "
        "drop the file on this window to restore them (Ctrl+E)";
    LIM_FORM_PANE_CLASS(klass)->changed = changed;
    LIM_FORM_PANE_CLASS(klass)->dup_state = dup_state;
    LIM_FORM_PANE_CLASS(klass)->restore = restore;
    LIM_FORM_PANE_CLASS(klass)->flush = flush;
    LIM_FORM_PANE_CLASS(klass)->is_open = is_open;
    LIM_FORM_PANE_CLASS(klass)->dup_command = dup_command;
    LIM_FORM_PANE_CLASS(klass)->dup_file_name = dup_file_name;
    LIM_FORM_PANE_CLASS(klass)->export_to = export_to;
    props[PROP_CURRENT] = g_param_spec_boolean("current", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
}

static void
lim_generate_init(LimGenerate *self)
{
}

const LimPaneDef lim_pane_generate = {"generate", "Generate", lim_generate_get_type};
