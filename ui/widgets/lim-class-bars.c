/* LimClassBars: lines share the height they get, so that all classes are always seen. */
#include "widgets/lim-class-bars.h"

#include <string.h>

#define LEAST_LINE 13
#define PAD        4
#define NUMBER     "100 %"

struct _LimClassBars {
    GtkWidget parent_instance;
    char *name;
    char **names;      /* [n] */
    float *confidence; /* [n], or NULL */
    int n, right, predicted;
};

G_DEFINE_FINAL_TYPE(LimClassBars, lim_class_bars, GTK_TYPE_WIDGET)

static void
describe(LimClassBars *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!self->confidence && self->predicted >= 0)
        g_string_append_printf(text, "%s (said; no confidences are known)",
                               self->names[self->predicted]);
    else if (!self->confidence)
        g_string_append(text, "Not known yet");
    for (int i = 0; i < self->n && self->confidence; i++)
        if (self->confidence[i] >= 0.005F || i == self->right || i == self->predicted)
            g_string_append_printf(text, "%s%s %.0f %%%s%s", text->len ? ", " : "", self->names[i],
                                   100 * (double)self->confidence[i],
                                   i == self->predicted ? " (predicted)" : "",
                                   i == self->right ? " (right)" : "");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->name,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

void
lim_class_bars_set_names(LimClassBars *self, const char *const *names, int n)
{
    g_strfreev(self->names);
    g_clear_pointer(&self->confidence, g_free);
    self->names = g_new0(char *, n + 1);
    for (int i = 0; i < n; i++)
        self->names[i] = g_strdup(names[i]);
    self->n = n;
    self->predicted = self->right = -1;
    describe(self);
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_class_bars_set(LimClassBars *self, const float *confidence, int right)
{
    if (!confidence && !self->confidence && self->predicted < 0)
        return;
    g_free(self->confidence);
    self->confidence =
        confidence ? g_memdup2(confidence, (gsize)self->n * sizeof *confidence) : NULL;
    self->right = right;
    self->predicted = -1;
    for (int i = 0; i < self->n && confidence; i++)
        if (self->predicted < 0 || confidence[i] > confidence[self->predicted])
            self->predicted = i;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_class_bars_set_decision(LimClassBars *self, int said, int right)
{
    g_clear_pointer(&self->confidence, g_free);
    self->predicted = said < self->n ? said : -1;
    self->right = right;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

int
lim_class_bars_get_predicted(LimClassBars *self)
{
    return self->predicted;
}

static PangoLayout *
make_text(LimClassBars *self, const char *text, gboolean bold)
{
    PangoLayout *layout = gtk_widget_create_pango_layout(GTK_WIDGET(self), text);
    g_autoptr(PangoAttrList) attrs = pango_attr_list_new();

    pango_attr_list_insert(attrs, pango_attr_font_features_new("tnum"));
    if (bold)
        pango_attr_list_insert(attrs, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
    pango_layout_set_attributes(layout, attrs);
    return layout;
}

static void
draw_text(GtkSnapshot *snapshot, PangoLayout *text, double x, double y, const GdkRGBA *color)
{
    gtk_snapshot_save(snapshot);
    gtk_snapshot_translate(snapshot, &GRAPHENE_POINT_INIT((float)x, (float)y));
    gtk_snapshot_append_layout(snapshot, text, color);
    gtk_snapshot_restore(snapshot);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimClassBars *self = LIM_CLASS_BARS(widget);
    GtkStyleContext *style = gtk_widget_get_style_context(widget);
    int width = gtk_widget_get_width(widget), height = gtk_widget_get_height(widget);
    GdkRGBA color, accent;
    int w, h, number_w, names_w = 0;

    if (!self->n)
        return;
    gtk_style_context_get_color(style, &color);
    if (!gtk_style_context_lookup_color(style, "limen_accent", &accent))
        accent = color;
    GdkRGBA track = color, plain = color;
    track.alpha *= 0.08F;
    plain.alpha *= 0.45F;

    g_autoptr(PangoLayout) number = make_text(self, NUMBER, TRUE);
    pango_layout_get_pixel_size(number, &number_w, &h);
    for (int i = 0; i < self->n; i++) {
        g_autofree char *ticked = g_strdup_printf("%s ✓", self->names[i]);
        g_autoptr(PangoLayout) name = make_text(self, ticked, TRUE);
        pango_layout_get_pixel_size(name, &w, &h);
        names_w = MAX(names_w, w);
    }
    names_w = MIN(names_w, width * 45 / 100);
    double line = (double)height / self->n, left = names_w + PAD;
    double room = MAX(width - left - number_w - PAD, 1);
    for (int i = 0; i < self->n; i++) {
        gboolean predicted = i == self->predicted;
        double y = i * line;
        g_autofree char *ticked =
            g_strdup_printf("%s%s", self->names[i], i == self->right ? " ✓" : "");
        g_autoptr(PangoLayout) name = make_text(self, ticked, predicted);
        pango_layout_set_width(name, names_w * PANGO_SCALE);
        pango_layout_set_ellipsize(name, PANGO_ELLIPSIZE_END);
        pango_layout_get_pixel_size(name, &w, &h);
        draw_text(snapshot, name, 0, y + (line - h) / 2, &color);
        double bar = MIN(line * 0.6, 12), top = y + (line - bar) / 2;
        gtk_snapshot_append_color(snapshot, &track,
                                  &GRAPHENE_RECT_INIT((float)left, (float)top, (float)room,
                                                      (float)bar));
        if (!self->confidence && predicted) { /* said: no bar, there is no number */
            g_autoptr(PangoLayout) said = make_text(self, "said", TRUE);
            pango_layout_get_pixel_size(said, &w, &h);
            draw_text(snapshot, said, width - w, y + (line - h) / 2, &accent);
        }
        if (!self->confidence)
            continue;
        double c = CLAMP((double)self->confidence[i], 0, 1);
        gtk_snapshot_append_color(snapshot, predicted ? &accent : &plain,
                                  &GRAPHENE_RECT_INIT((float)left, (float)top, (float)(room * c),
                                                      (float)bar));
        g_autofree char *percent = g_strdup_printf("%.0f %%", 100 * c);
        g_autoptr(PangoLayout) text = make_text(self, percent, predicted);
        pango_layout_get_pixel_size(text, &w, &h);
        draw_text(snapshot, text, width - w, y + (line - h) / 2, &color);
    }
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimClassBars *self = LIM_CLASS_BARS(widget);
    g_autoptr(PangoLayout) text = make_text(self, NUMBER, TRUE);
    int w, h;

    pango_layout_get_pixel_size(text, &w, &h);
    if (orientation == GTK_ORIENTATION_VERTICAL) {
        *minimum = self->n * LEAST_LINE;
        *natural = self->n * MAX(h, LEAST_LINE);
    } else {
        *minimum = 3 * w;
        *natural = 5 * w;
    }
}

static void
finalize(GObject *object)
{
    LimClassBars *self = LIM_CLASS_BARS(object);

    g_free(self->name);
    g_strfreev(self->names);
    g_free(self->confidence);
    G_OBJECT_CLASS(lim_class_bars_parent_class)->finalize(object);
}

static void
lim_class_bars_class_init(LimClassBarsClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "classbars");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_class_bars_init(LimClassBars *self)
{
    self->predicted = self->right = -1;
}

GtkWidget *
lim_class_bars_new(const char *name)
{
    LimClassBars *self = g_object_new(LIM_TYPE_CLASS_BARS, NULL);

    self->name = g_strdup(name);
    describe(self);
    return GTK_WIDGET(self);
}
