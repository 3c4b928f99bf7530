/* A kept sample holds its picture, its settings and the model that drew it, so it stays what it was
 * whatever happens to the settings, also when another model is opened.
 *
 * Undo remembers which samples were kept; the samples themselves stay in a pool until the view
 * goes, so that a sample that was taken away by mistake comes back. */
#include "panes/generate/kept.h"

#include "panes/generate/generate.h"
#include "panes/generate/grid.h"
#include "schema-form.h"

#define STRIP_H 34 /* pixels: the row of all kept samples */
#define PAIR_H  156

struct _LimGenerateKept {
    LimGeneratePart parent_instance;
    LimImageGrid *strip; /* all that are kept, small */
    LimImageGrid *pair;  /* the selected one, and what has its number now */
    GtkWidget *settings; /* label */
    GtkWidget *compare;  /* toggle button */

    LimGenerateGrid *grid;  /* borrowed: lives as long as this */
    GPtrArray *pool;        /* of LimKeptSample, all there ever were */
    int kept[LIM_KEPT_MAX]; /* places in the pool */
    int n;
    int selected;
};

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimGenerateKept, lim_generate_kept, LIM_TYPE_GENERATE_PART)

static void
sample_free(gpointer data)
{
    LimKeptSample *s = data;

    lim_model_unref(s->model);
    g_free(s->title);
    g_bytes_unref(s->pixels);
    g_free(s);
}

int
lim_generate_kept_get_n(LimGenerateKept *self)
{
    return self->n;
}

const LimKeptSample *
lim_generate_kept_get(LimGenerateKept *self, int i)
{
    return g_ptr_array_index(self->pool, self->kept[i]);
}

/* The bytes of a picture as RGB, appended. */
static void
append_rgb(GByteArray *to, const guint8 *pixels, int n, int c)
{
    for (int i = 0; i < n; i++, pixels += c)
        for (int k = 0; k < 3; k++)
            g_byte_array_append(to, pixels + (c == 3 ? k : 0), 1);
}

static void
show_strip(LimGenerateKept *self)
{
    const LimKeptSample *first = lim_generate_kept_get(self, 0);
    GByteArray *bytes = g_byte_array_new();
    const char *labels[LIM_KEPT_MAX];
    int n = 0;

    for (int i = 0; i < self->n; i++) {
        const LimKeptSample *s = lim_generate_kept_get(self, i);
        if (s->w != first->w || s->h != first->h)
            break; /* of a model with other pictures */
        append_rgb(bytes, g_bytes_get_data(s->pixels, NULL), s->w * s->h, s->c);
        labels[n++] = s->title;
    }
    g_autoptr(GBytes) pixels = g_byte_array_free_to_bytes(bytes);
    lim_image_grid_set_pictures(self->strip, pixels, n, first->w, first->h, 3, labels);
    lim_image_grid_set_cursor(self->strip, self->selected);
}

static void
show_pair(LimGenerateKept *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    const LimKeptSample *s = lim_generate_kept_get(self, self->selected);
    GByteArray *bytes = g_byte_array_new();
    const char *labels[2] = {"Kept", "Now"};
    int n = 1, w = 0, h = 0, c = 0, i = s->sample.index;

    append_rgb(bytes, g_bytes_get_data(s->pixels, NULL), s->w * s->h, s->c);
    const guint8 *now = lim_generate_grid_get_picture(self->grid, i, &w, &h, &c);
    if (now && w == s->w && h == s->h) {
        append_rgb(bytes, now, w * h, c);
        n++;
    }
    g_autoptr(GBytes) pixels = g_byte_array_free_to_bytes(bytes);
    lim_image_grid_set_pictures(self->pair, pixels, n, s->w, s->h, 3, labels);

    g_autofree char *subtitle = lim_generate_dup_subtitle(&s->sample.request);
    g_autofree char *model = s->model == lim_generate_get_model(pane)
                                 ? g_strdup("")
                                 : g_strconcat(", ", lim_model_path(s->model), NULL);
    g_autofree char *text =
        g_strdup_printf("%s, picture %d: %s%s", s->title, i + 1, subtitle, model);
    gtk_label_set_text(GTK_LABEL(self->settings), text);
}

static void
show_all(LimGenerateKept *self)
{
    gboolean on = self->n && gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(self->compare));
    LimGenerateOther others[LIM_KEPT_MAX];

    gtk_widget_set_visible(GTK_WIDGET(self), self->n > 0);
    if (!self->grid)
        return;
    for (int i = 0; i < self->n; i++) {
        const LimKeptSample *s = lim_generate_kept_get(self, i);
        others[i] = (LimGenerateOther){s->sample.index, s->pixels, s->w, s->h, s->c};
    }
    lim_generate_grid_set_others(self->grid, others, on ? self->n : 0);
    if (!self->n)
        return;
    show_strip(self);
    show_pair(self);
}

static void
kept_changed(LimGenerateKept *self)
{
    self->selected = CLAMP(self->selected, 0, MAX(self->n - 1, 0));
    show_all(self);
    g_signal_emit(self, signals[CHANGED], 0);
}

void
lim_generate_kept_add(LimGenerateKept *self, int picture)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    LimKeptSample s = {.sample = {.index = picture}};
    const guint8 *pixels =
        self->grid ? lim_generate_grid_get_picture(self->grid, picture, &s.w, &s.h, &s.c) : NULL;

    if (!pixels) /* nothing is shown yet */
        return;
    if (self->n == LIM_KEPT_MAX) {
        lim_generate_flash(pane, "Six samples are kept; remove one first");
        return;
    }
    lim_generate_flush(pane);
    s.model = lim_model_ref(lim_generate_grid_get_shown(self->grid, &s.sample.request));
    s.title = g_strdup(lim_image_grid_get_label(lim_generate_grid_get_images(self->grid), picture));
    s.pixels = g_bytes_new(pixels, (gsize)(s.w * s.h * s.c));
    g_ptr_array_add(self->pool, g_memdup2(&s, sizeof s));
    self->selected = self->n;
    self->kept[self->n++] = (int)self->pool->len - 1;
    lim_generate_settle(pane);
    kept_changed(self);
    g_autofree char *text = g_strdup_printf("Kept picture %d, %s", picture + 1, s.title);
    lim_generate_flash(pane, text);
}

void
lim_generate_kept_set_compare(LimGenerateKept *self, gboolean compare)
{
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(self->compare), compare);
}

static void
remove_selected(LimGenerateKept *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));

    if (!self->n)
        return;
    lim_generate_flush(pane);
    for (int i = self->selected; i + 1 < self->n; i++)
        self->kept[i] = self->kept[i + 1];
    self->n--;
    lim_generate_settle(pane);
    kept_changed(self);
}

/* The settings of the selected sample become those of the view. */
static void
go_back(LimGenerateKept *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    const LimKeptSample *s = lim_generate_kept_get(self, self->selected);

    lim_generate_flush(pane);
    lim_generate_set_values(pane, lim_schema_values(lim_sample_schema, &s->sample.request));
    lim_generate_settle(pane);
}

static void
strip_cursor(LimGenerateKept *self)
{
    int i = lim_image_grid_get_cursor(self->strip);

    if (i < 0 || i == self->selected || i >= self->n)
        return;
    self->selected = i;
    show_pair(self);
}

static gboolean
strip_key(LimGenerateKept *self, guint keyval)
{
    if (keyval != GDK_KEY_Delete && keyval != GDK_KEY_BackSpace)
        return GDK_EVENT_PROPAGATE;
    remove_selected(self);
    return GDK_EVENT_STOP;
}

static void
update(LimGeneratePart *part)
{
    LimGenerateKept *self = LIM_GENERATE_KEPT(part);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(part));

    if (self->grid)
        return;
    self->grid = LIM_GENERATE_GRID(lim_generate_get_part(pane, LIM_TYPE_GENERATE_GRID));
    g_signal_connect_object(self->grid, "drawn", G_CALLBACK(show_all), self, G_CONNECT_SWAPPED);
}

static GVariant *
get_state(LimGeneratePart *part)
{
    LimGenerateKept *self = LIM_GENERATE_KEPT(part);

    return g_variant_new_fixed_array(G_VARIANT_TYPE_INT32, self->kept, (gsize)self->n, sizeof(int));
}

static void
set_state(LimGeneratePart *part, GVariant *state)
{
    LimGenerateKept *self = LIM_GENERATE_KEPT(part);
    gsize n;
    const int *kept = g_variant_get_fixed_array(state, &n, sizeof(int));

    g_return_if_fail(n <= LIM_KEPT_MAX);
    if ((int)n == self->n && (!n || !memcmp(kept, self->kept, n * sizeof(int))))
        return;
    self->n = (int)n;
    if (n) /* an empty array may be nowhere */
        memcpy(self->kept, kept, n * sizeof(int));
    kept_changed(self);
}

static void
finalize(GObject *object)
{
    g_ptr_array_unref(LIM_GENERATE_KEPT(object)->pool);
    G_OBJECT_CLASS(lim_generate_kept_parent_class)->finalize(object);
}

static void
lim_generate_kept_class_init(LimGenerateKeptClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    part_class->update = update;
    part_class->get_state = get_state;
    part_class->set_state = set_state;
    signals[CHANGED] = g_signal_new("changed", LIM_TYPE_GENERATE_KEPT, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
add_button(LimGenerateKept *self, GtkWidget *box, const char *label, const char *tooltip,
           void (*clicked)(LimGenerateKept *self))
{
    GtkWidget *button = gtk_button_new_with_label(label);

    gtk_widget_set_tooltip_text(button, tooltip);
    gtk_widget_set_hexpand(button, TRUE);
    g_signal_connect_swapped(button, "clicked", G_CALLBACK(clicked), self);
    gtk_box_append(GTK_BOX(box), button);
    return button;
}

static void
lim_generate_kept_init(LimGenerateKept *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *title = gtk_label_new("Kept samples");
    GtkWidget *buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    self->pool = g_ptr_array_new_with_free_func(sample_free);
    gtk_widget_add_css_class(title, "part-title");
    gtk_label_set_xalign(GTK_LABEL(title), 0);

    self->strip = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->strip, "Kept samples");
    lim_image_grid_set_room(self->strip, LIM_KEPT_MAX);
    lim_image_grid_set_min_size(self->strip, -1, STRIP_H);
    g_signal_connect_object(self->strip, "notify::cursor", G_CALLBACK(strip_cursor), self,
                            G_CONNECT_SWAPPED);
    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(strip_key), self);
    gtk_widget_add_controller(GTK_WIDGET(self->strip), keys);

    self->pair = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->pair, "The selected sample and its present form");
    lim_image_grid_set_room(self->pair, 2);
    lim_image_grid_set_captions(self->pair, TRUE);
    lim_image_grid_set_min_size(self->pair, -1, PAIR_H);

    self->settings = gtk_label_new(NULL);
    gtk_label_set_wrap(GTK_LABEL(self->settings), TRUE);
    gtk_label_set_xalign(GTK_LABEL(self->settings), 0);
    gtk_label_set_max_width_chars(GTK_LABEL(self->settings), 34);
    gtk_widget_add_css_class(self->settings, "dim-label");
    gtk_widget_add_css_class(self->settings, "numeric");

    self->compare = gtk_toggle_button_new_with_label("Compare");
    gtk_widget_set_tooltip_text(self->compare,
                                "Shows the kept samples in place of those with the same number; "
                                "or hold C for as long");
    gtk_widget_set_hexpand(self->compare, TRUE);
    g_signal_connect_swapped(self->compare, "toggled", G_CALLBACK(show_all), self);
    gtk_box_append(GTK_BOX(buttons), self->compare);
    add_button(self, buttons, "Go back",
               "Makes the settings of the selected sample the present ones", go_back);
    add_button(self, buttons, "Remove", "Removes the selected sample (Delete)", remove_selected);

    gtk_box_append(GTK_BOX(box), title);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->strip));
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->pair));
    gtk_box_append(GTK_BOX(box), self->settings);
    gtk_box_append(GTK_BOX(box), buttons);
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Comparison", -1);
    gtk_widget_set_visible(GTK_WIDGET(self), FALSE);
}
