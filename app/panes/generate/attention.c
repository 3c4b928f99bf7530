/* The places that are asked about are settings of their own, so they stay where they are while the
 * threshold or the seed moves; only the maps are those of the samples shown. */
#include "panes/generate/attention.h"

#include "models/attention-map.h"
#include "panes/generate/generate.h"
#include "panes/generate/grid.h"
#include "tensor/colormap.h"
#include "widgets/lim-pin.h"

#include <math.h>

#define NEAR_ZERO 0.02 /* of gamma */
#define SCALE_H   8
#define PER_ROW   3 /* small maps */
#define ROW_H     122

typedef struct {
    gboolean set;
    LimPlace place;
} Pin;

struct _LimGenerateAttention {
    LimGeneratePart parent_instance;
    GtkWidget *gamma;   /* label */
    GtkWidget *message; /* label in place of the maps */
    GtkWidget *scale;   /* the colours, from 0 to the most */
    LimImageGrid *maps; /* one small picture per pin, in the order of their letters */

    LimGenerateGrid *grid; /* borrowed: lives as long as this */
    LimImageGrid *images;  /* its pictures */
    uint8_t colours[256][3];
    LimLook look;
    Pin pins[LIM_PIN_MAX];
    int selected; /* pin, or -1 */
};

G_DEFINE_FINAL_TYPE(LimGenerateAttention, lim_generate_attention, LIM_TYPE_GENERATE_PART)

/* The pixel at the middle of a place's cell. */
static double
middle(int at, int size, int cells)
{
    int cell = at * cells / size;

    return (cell + 0.5) * size / cells;
}

/* The maps of the pictures that are shown; FALSE when there are none (yet). */
static gboolean
get_maps(LimGenerateAttention *self, LimAttentionInfo *a, const float **maps)
{
    const LimTensor *t = self->grid ? lim_generate_grid_get_maps(self->grid, a) : NULL;

    if (t)
        *maps = lim_tensor_f32(t);
    return t != NULL;
}

/* Whether there is such a place now: a pin may wait for its picture, or for larger pictures. */
static gboolean
exists(LimGenerateAttention *self, LimPlace p)
{
    int w, h;

    lim_generate_grid_get_size(self->grid, &w, &h);
    return p.picture >= 0 && p.picture < lim_image_grid_get_n(self->images) && p.x < w && p.y < h;
}

static LimAttentionMap
map_of(LimGenerateAttention *self, const LimAttentionInfo *a, const float *maps, LimPlace p)
{
    LimAttentionMap m;
    int w, h, cells = lim_attention_cells(a, (LimSense)self->look.sense);

    lim_generate_grid_get_size(self->grid, &w, &h);
    lim_attention_map_init(&m, a, maps, p.picture, p.x * cells / w, p.y * cells / h,
                           (LimSense)self->look.sense);
    return m;
}

/* In words: where, and how much at most. */
static char *
describe(LimGenerateAttention *self, const LimAttentionInfo *a, const LimAttentionMap *m,
         LimPlace p)
{
    int w, h;
    const char *label = lim_image_grid_get_label(self->images, p.picture);

    lim_generate_grid_get_size(self->grid, &w, &h);
    return g_strdup_printf("%s %d, place %d, %d: %s %d, %d (%.2f; evenly it would be %.3f)",
                           label ? label : "Picture", p.picture + 1, p.x, p.y,
                           self->look.sense == LIM_SENSE_ROW ? "looks most at"
                                                             : "most looked at from",
                           m->most_x * w / m->side, m->most_y * h / m->side, m->most,
                           1.0 / (a->key * a->key));
}

/* The map over the pictures: of the probe, else of the selected pin. */
static void
show_overlay(LimGenerateAttention *self)
{
    LimPlace p = lim_image_grid_get_probe(self->images);
    LimAttentionInfo a;
    const float *maps;
    gboolean probed = p.picture >= 0;

    if (!probed && self->selected >= 0)
        p = self->pins[self->selected].place;
    if (!get_maps(self, &a, &maps) || !exists(self, p)) {
        lim_image_grid_set_overlay(self->images, -1, NULL, 0, 0, 0);
        lim_generate_grid_set_note(self->grid, NULL);
        return;
    }
    LimAttentionMap m = map_of(self, &a, maps, p);
    guint8 *rgb = g_malloc((gsize)(m.side * m.side * 3));
    lim_attention_map_paint(&m, (const uint8_t(*)[3])self->colours, rgb);
    g_autoptr(GBytes) bytes = g_bytes_new_take(rgb, (gsize)(m.side * m.side * 3));
    lim_image_grid_set_overlay(self->images, p.picture, bytes, m.side, m.side, self->look.opacity);
    g_autofree char *note = describe(self, &a, &m, p);
    lim_generate_grid_set_note(self->grid, probed ? note : NULL);
    lim_attention_map_clear(&m);
}

/* Which pin stands at a position among the small maps, and back; -1: none. */
static int
pin_at(LimGenerateAttention *self, int position)
{
    for (int k = 0; k < LIM_PIN_MAX; k++)
        if (self->pins[k].set && position-- == 0)
            return k;
    return -1;
}

static int
position_of(LimGenerateAttention *self, int pin)
{
    int position = 0;

    for (int k = 0; k < pin; k++)
        position += self->pins[k].set;
    return position;
}

/* The pins on the pictures, and each one's small map. */
static void
show_pins(LimGenerateAttention *self)
{
    LimAttentionInfo a;
    const float *maps;
    LimGridPin marks[LIM_PIN_MAX], small[LIM_PIN_MAX];
    const char *labels[LIM_PIN_MAX];
    int n = 0, w, h;

    if (!get_maps(self, &a, &maps)) {
        lim_image_grid_set_pins(self->images, NULL, 0);
        return;
    }
    lim_generate_grid_get_size(self->grid, &w, &h);
    gsize size, picture = (gsize)(w * h);
    const guint8 *pixels = g_bytes_get_data(lim_image_grid_get_pixels(self->images), &size);
    int shown = lim_image_grid_get_n(self->images);
    int channels = (int)(size / ((gsize)shown * picture));
    int cells = lim_attention_cells(&a, (LimSense)self->look.sense);
    guint8 *rgb = g_malloc0(LIM_PIN_MAX * picture * 3);
    for (int k = 0; k < LIM_PIN_MAX; k++) {
        LimPlace p = self->pins[k].place;
        if (!self->pins[k].set)
            continue;
        marks[n] = (LimGridPin){p.picture, k, middle(p.x, w, cells), middle(p.y, h, cells),
                                k == self->selected};
        small[n] = marks[n];
        small[n].picture = n;
        if (exists(self, p)) {
            LimAttentionMap m = map_of(self, &a, maps, p);
            lim_attention_map_cover(&m, (const uint8_t(*)[3])self->colours,
                                    pixels + (gsize)p.picture * picture * (gsize)channels, w, h,
                                    channels, self->look.opacity, rgb + (gsize)n * picture * 3);
            labels[n] = g_strdup_printf("%s  0–%.3f", lim_pin_letter(k), m.most);
            lim_attention_map_clear(&m);
        } else {
            labels[n] = g_strdup_printf("%s  picture %d", lim_pin_letter(k), p.picture + 1);
            marks[n].picture = small[n].picture = -1;
        }
        n++;
    }
    g_autoptr(GBytes) bytes = g_bytes_new_take(rgb, (gsize)n * picture * 3);
    lim_image_grid_set_pins(self->images, marks, n);
    int rows = n > PER_ROW ? 2 : 1;
    lim_image_grid_set_room(self->maps, rows * PER_ROW);
    lim_image_grid_set_min_size(self->maps, -1, rows * ROW_H);
    lim_image_grid_set_pictures(self->maps, bytes, n, w, h, 3, labels);
    lim_image_grid_set_pins(self->maps, small, n);
    if (self->selected >= 0)
        lim_image_grid_set_cursor(self->maps, position_of(self, self->selected));
    for (int i = 0; i < n; i++)
        g_free((char *)labels[i]);
}

/* What is in the way of maps, or what to do to see one. */
static void
show_message(LimGenerateAttention *self, LimModel *model)
{
    LimAttentionInfo a = {0};
    gboolean has = model && lim_generator_attention(lim_model_generator(model), &a);
    gboolean none = pin_at(self, 0) < 0;
    g_autofree char *gamma = NULL, *text = NULL;

    if (!has) {
        text = g_strdup("This model has no attention. Open one that was trained with "
                        "--g-attention.");
    } else {
        gamma = g_strdup_printf("γ = %s%.3f", a.gamma < 0 ? "−" : "", fabs(a.gamma));
        if (fabs(a.gamma) < NEAR_ZERO)
            text = g_strdup("γ is near zero: the block adds γ times its attention to the picture, "
                            "so these maps have next to no say in it.");
        else if (none)
            text = g_strdup("Point at a picture for the map of that place. Click, or press Enter, "
                            "to pin up to five.");
    }
    gtk_label_set_text(GTK_LABEL(self->gamma), gamma ? gamma : "");
    gtk_label_set_text(GTK_LABEL(self->message), text ? text : "");
    gtk_widget_set_visible(self->message, text != NULL);
    gtk_widget_set_visible(GTK_WIDGET(self->maps), has && !none);
    gtk_widget_set_visible(self->scale, has);
}

static void
show_all(LimGenerateAttention *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));

    if (!pane || !self->images || !self->look.attention)
        return;
    show_message(self, lim_generate_get_model(pane));
    show_pins(self);
    show_overlay(self);
}

static gboolean
same_cell(LimGenerateAttention *self, LimPlace a, LimPlace b)
{
    int cell = lim_generate_grid_get_cell(self->grid);

    return a.picture == b.picture && a.x / cell == b.x / cell && a.y / cell == b.y / cell;
}

static int
pin_on(LimGenerateAttention *self, LimPlace p)
{
    for (int k = 0; k < LIM_PIN_MAX; k++)
        if (self->pins[k].set && same_cell(self, self->pins[k].place, p))
            return k;
    return -1;
}

/* A place that is pinned already is selected. */
static void
pin(LimGenerateAttention *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    LimPlace p = lim_image_grid_get_probe(self->images);
    int k = pin_on(self, p);

    if (k < 0) {
        for (k = 0; k < LIM_PIN_MAX && self->pins[k].set; k++)
            ;
        if (k == LIM_PIN_MAX) {
            lim_generate_flash(pane, "Five places are pinned; Delete takes the selected one away");
            return;
        }
        lim_generate_flush(pane);
        self->pins[k] = (Pin){TRUE, p};
        self->selected = k;
        lim_generate_settle(pane);
    }
    self->selected = k;
    show_all(self);
}

static void
unpin(LimGenerateAttention *self, int k)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));

    if (k < 0)
        return;
    lim_generate_flush(pane);
    self->pins[k].set = FALSE;
    if (k == self->selected)
        self->selected = pin_at(self, 0);
    lim_generate_settle(pane);
    show_all(self);
}

/* The pin under the probe, else the selected one. */
static void
unpin_here(LimGenerateAttention *self)
{
    int k = pin_on(self, lim_image_grid_get_probe(self->images));

    unpin(self, k >= 0 ? k : self->selected);
}

static gboolean
maps_key(LimGenerateAttention *self, guint keyval)
{
    if (keyval != GDK_KEY_Delete && keyval != GDK_KEY_BackSpace)
        return GDK_EVENT_PROPAGATE;
    unpin(self, self->selected);
    return GDK_EVENT_STOP;
}

static void
maps_cursor(LimGenerateAttention *self)
{
    int k = pin_at(self, lim_image_grid_get_cursor(self->maps));

    if (k < 0 || k == self->selected)
        return;
    self->selected = k;
    show_all(self);
}

static void
attach(LimGenerateAttention *self, LimGenerate *pane)
{
    self->grid = LIM_GENERATE_GRID(lim_generate_get_part(pane, LIM_TYPE_GENERATE_GRID));
    self->images = lim_generate_grid_get_images(self->grid);
    g_signal_connect_object(self->images, "probe-moved", G_CALLBACK(show_overlay), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->images, "probe-pin", G_CALLBACK(pin), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->images, "probe-unpin", G_CALLBACK(unpin_here), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "drawn", G_CALLBACK(show_all), self, G_CONNECT_SWAPPED);
}

static void
update(LimGeneratePart *part)
{
    LimGenerateAttention *self = LIM_GENERATE_ATTENTION(part);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(part));

    if (!self->images)
        attach(self, pane);
    self->look = lim_generate_get_look(pane);
    gtk_widget_set_visible(GTK_WIDGET(self), lim_generate_shows_maps(pane));
    if (self->look.attention) {
        show_all(self);
    } else {
        lim_image_grid_set_pins(self->images, NULL, 0);
        lim_image_grid_set_overlay(self->images, -1, NULL, 0, 0, 0);
        lim_generate_grid_set_note(self->grid, NULL);
    }
}

int
lim_generate_attention_get_places(LimGenerateAttention *self, LimPoint places[LIM_PIN_MAX])
{
    int n = 0;

    for (int k = 0; k < LIM_PIN_MAX; k++) {
        LimPoint p = {self->pins[k].place.x, self->pins[k].place.y};
        gboolean known = FALSE; /* the same place of two pictures */
        for (int i = 0; i < n; i++)
            known |= places[i].x == p.x && places[i].y == p.y;
        if (self->pins[k].set && !known)
            places[n++] = p;
    }
    return n;
}

void
lim_generate_attention_set_places(LimGenerateAttention *self, const LimPoint *places, int n)
{
    for (int k = 0; k < LIM_PIN_MAX; k++) {
        self->pins[k].set = k < n;
        if (k < n)
            self->pins[k].place = (LimPlace){0, places[k].x, places[k].y};
    }
    self->selected = n ? 0 : -1;
    show_all(self);
}

/* Pins are undone like settings. */
static GVariant *
get_state(LimGeneratePart *part)
{
    LimGenerateAttention *self = LIM_GENERATE_ATTENTION(part);
    GVariantBuilder b = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(iiii)"));

    for (int k = 0; k < LIM_PIN_MAX; k++)
        if (self->pins[k].set)
            g_variant_builder_add(&b, "(iiii)", k, self->pins[k].place.picture,
                                  self->pins[k].place.x, self->pins[k].place.y);
    return g_variant_builder_end(&b);
}

static void
set_state(LimGeneratePart *part, GVariant *state)
{
    LimGenerateAttention *self = LIM_GENERATE_ATTENTION(part);
    GVariantIter iter;
    int k;
    LimPlace p;

    for (k = 0; k < LIM_PIN_MAX; k++)
        self->pins[k].set = FALSE;
    g_variant_iter_init(&iter, state);
    while (g_variant_iter_next(&iter, "(iiii)", &k, &p.picture, &p.x, &p.y))
        self->pins[k] = (Pin){TRUE, p};
    if (self->selected < 0 || !self->pins[self->selected].set)
        self->selected = pin_at(self, 0);
    show_all(self);
}

static void
draw_scale(GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
    LimGenerateAttention *self = data;

    for (int x = 0; x < width; x++) {
        const uint8_t *c = self->colours[255 * x / MAX(width - 1, 1)];
        cairo_set_source_rgb(cr, c[0] / 255.0, c[1] / 255.0, c[2] / 255.0);
        cairo_rectangle(cr, x, 0, 1, height);
        cairo_fill(cr);
    }
}

/* The colours with their ends. */
static GtkWidget *
build_scale(LimGenerateAttention *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    GtkWidget *bar =
        g_object_new(GTK_TYPE_DRAWING_AREA, "accessible-role", GTK_ACCESSIBLE_ROLE_IMG, NULL);

    gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(bar), draw_scale, self, NULL);
    gtk_drawing_area_set_content_height(GTK_DRAWING_AREA(bar), SCALE_H);
    gtk_accessible_update_property(GTK_ACCESSIBLE(bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Colours from black for nothing to light yellow for the most",
                                   -1);
    gtk_widget_set_hexpand(bar, TRUE);
    gtk_widget_set_valign(bar, GTK_ALIGN_CENTER);
    GtkWidget *from = gtk_label_new("0"), *to = gtk_label_new("most");
    gtk_widget_add_css_class(from, "dim-label");
    gtk_widget_add_css_class(to, "dim-label");
    gtk_box_append(GTK_BOX(box), from);
    gtk_box_append(GTK_BOX(box), bar);
    gtk_box_append(GTK_BOX(box), to);
    return box;
}

static void
lim_generate_attention_class_init(LimGenerateAttentionClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    part_class->update = update;
    part_class->get_state = get_state;
    part_class->set_state = set_state;
}

static void
lim_generate_attention_init(LimGenerateAttention *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *title = gtk_label_new("Attention");

    self->selected = -1;
    lim_colormap_amount(self->colours);
    gtk_widget_add_css_class(title, "part-title");
    gtk_label_set_xalign(GTK_LABEL(title), 0);
    gtk_widget_set_hexpand(title, TRUE);
    self->gamma = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->gamma, "numeric");
    gtk_widget_add_css_class(self->gamma, "dim-label");
    gtk_widget_set_tooltip_text(self->gamma,
                                "The block's output is γ times what it gathered, plus its input. "
                                "Training starts at 0.");
    gtk_box_append(GTK_BOX(head), title);
    gtk_box_append(GTK_BOX(head), self->gamma);

    self->message = gtk_label_new(NULL);
    gtk_label_set_wrap(GTK_LABEL(self->message), TRUE);
    gtk_label_set_xalign(GTK_LABEL(self->message), 0);
    gtk_label_set_max_width_chars(GTK_LABEL(self->message), 34);
    gtk_widget_add_css_class(self->message, "dim-label");

    self->maps = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_captions(self->maps, TRUE);
    lim_image_grid_set_name(self->maps, "Maps of the pinned places");
    g_signal_connect_object(self->maps, "notify::cursor", G_CALLBACK(maps_cursor), self,
                            G_CONNECT_SWAPPED);
    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(maps_key), self);
    gtk_widget_add_controller(GTK_WIDGET(self->maps), keys);

    self->scale = build_scale(self);
    gtk_box_append(GTK_BOX(box), head);
    gtk_box_append(GTK_BOX(box), self->scale);
    gtk_box_append(GTK_BOX(box), self->message);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->maps));
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Attention maps", -1);
    gtk_widget_set_visible(GTK_WIDGET(self), FALSE);
}
