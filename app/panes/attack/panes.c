/* Pictures change at once; words and bars follow when the worker has asked the classifier. */
#include "panes/attack/panes.h"

#include "tensor/image.h"
#include "widgets/lim-class-bars.h"
#include "widgets/lim-picture-view.h"

#include <math.h>

static const char *const titles[LIM_ATTACK_N_PANES] = {"Clean", "Adversarial", "Denoised",
                                                       "Difference"};

struct _LimAttackView {
    GtkWidget parent_instance;
    GtkWidget *box;
    LimZoom *zoom;
    GtkWidget *column[LIM_ATTACK_N_PANES];
    LimPictureView *view[LIM_ATTACK_N_PANES];
    GtkLabel *value[LIM_ATTACK_N_PANES]; /* the number that matters, beside the title */
    LimClassBars *bars[LIM_ATTACK_N_PANES];
    GtkWidget *norms;
    GtkWidget *more; /* the other two differences */
    LimPictureView *correction, *remainder;
    GtkSizeGroup *level;
    LimAttackRun *run;
    float *x;        /* shown, [c][h][w] */
    float *denoised; /* of it, or of the one before while the worker is at it; NULL: no defence */
    double gain;
};

G_DEFINE_FINAL_TYPE(LimAttackView, lim_attack_view, GTK_TYPE_WIDGET)

GtkWidget *
lim_attack_view_get(LimAttackView *self, LimAttackColumn pane)
{
    return self->column[pane];
}

double
lim_difference_gain(double largest)
{
    static const double steps[] = {5, 2, 1};

    for (double ten = 1000; ten >= 1; ten /= 10)
        for (int i = 0; i < 3; i++)
            if (steps[i] * ten * largest <= 1)
                return steps[i] * ten;
    return 1;
}

/* Planes [c][h][w] in [0,1] to interleaved bytes; g_free(). */
static guint8 *
bytes_of(LimShape s, const float *x)
{
    const int c = s.d[0], h = s.d[1], w = s.d[2];
    guint8 *pixels = g_malloc((gsize)lim_shape_size(s));

    lim_image_put_f32(lim_image_view(pixels, w, h, (size_t)(w * c),
                                     c == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8),
                      c, LIM_RANGE_UNIT, x);
    return pixels;
}

static void
put(LimAttackView *self, LimAttackColumn pane, const float *x)
{
    const LimShape s = lim_attack_run_shape(self->run);
    g_autofree guint8 *pixels = bytes_of(s, x);

    lim_picture_view_set_picture(self->view[pane], pixels, s.d[2], s.d[1], s.d[0]);
}

guint8 *
lim_difference_pixels(LimShape s, const float *from, const float *to, double gain)
{
    static const float more[3] = {0.95F, 0.45F, 0.02F}, less[3] = {0.10F, 0.45F, 0.95F};
    const int c = s.d[0], plane = s.d[1] * s.d[2];
    guint8 *pixels = g_malloc((gsize)plane * 3);

    for (int i = 0; i < plane; i++) {
        float d = 0;
        for (int k = 0; k < c; k++)
            d += from[k * plane + i] - (to ? to[k * plane + i] : 0);
        d = CLAMP(d / (float)c * (float)gain, -1, 1);
        for (int k = 0; k < 3; k++)
            pixels[3 * i + k] =
                (guint8)lrintf(255 * (0.5F + fabsf(d) * ((d > 0 ? more : less)[k] - 0.5F)));
    }
    return pixels;
}

static void
put_difference(LimAttackView *self, LimPictureView *view, const float *from, const float *to)
{
    const LimShape s = lim_attack_run_shape(self->run);
    g_autofree guint8 *pixels = lim_difference_pixels(s, from, to, self->gain);

    lim_picture_view_set_picture(view, pixels, s.d[2], s.d[1], 3);
}

/* All of them with one gain. */
static void
put_differences(LimAttackView *self)
{
    const int n = (int)lim_shape_size(lim_attack_run_shape(self->run));
    const float *clean = lim_attack_run_clean(self->run);
    double largest = lim_linf(self->x, clean, (size_t)n);

    if (self->denoised) {
        largest = fmax(largest, lim_linf(self->denoised, self->x, (size_t)n));
        largest = fmax(largest, lim_linf(self->denoised, clean, (size_t)n));
    }
    self->gain = lim_difference_gain(largest);
    put_difference(self, self->view[LIM_ATTACK_DIFFERENCE], self->x, clean);
    g_autofree char *text = g_strdup_printf("gain ×%g (±%.2g)", self->gain, 1 / self->gain);
    gtk_label_set_text(self->value[LIM_ATTACK_DIFFERENCE], text);
    lim_picture_view_set_description(self->view[LIM_ATTACK_DIFFERENCE], text);
    if (!self->denoised)
        return;
    put_difference(self, self->correction, self->denoised, self->x);
    put_difference(self, self->remainder, self->denoised, clean);
    lim_picture_view_set_description(self->correction, text);
    lim_picture_view_set_description(self->remainder, text);
}

char *
lim_attack_view_dup_pixel(LimAttackView *self)
{
    int x, y;

    if (!self->run || !self->x || !lim_zoom_get_pixel(self->zoom, &x, &y))
        return NULL;
    const LimShape s = lim_attack_run_shape(self->run);
    const int at = y * s.d[2] + x;
    const double clean = (double)lim_attack_run_clean(self->run)[at], now = (double)self->x[at];
    if (self->denoised)
        return g_strdup_printf("Pixel column %d, row %d: clean %.4f, adversarial %.4f, denoised "
                               "%.4f",
                               x, y, clean, now, (double)self->denoised[at]);
    return g_strdup_printf("Pixel column %d, row %d: clean %.4f, adversarial %.4f, difference "
                           "%+.4f",
                           x, y, clean, now, now - clean);
}

void
lim_attack_view_begin(LimAttackView *self, LimAttackRun *run)
{
    const int n = lim_attack_run_classes(run);
    g_autofree const char **names = g_new(const char *, n);

    lim_attack_run_ref(run);
    lim_attack_run_unref(self->run);
    self->run = run;
    for (int k = 0; k < n; k++)
        names[k] = lim_attack_run_class_name(run, k);
    for (int i = LIM_ATTACK_CLEAN; i <= LIM_ATTACK_DENOISED; i++)
        lim_class_bars_set_names(self->bars[i], names, n);
    put(self, LIM_ATTACK_CLEAN, lim_attack_run_clean(run));
    g_clear_pointer(&self->denoised, g_free);
    const gboolean defended = lim_attack_run_plan(run)->denoiser != NULL;
    gtk_widget_set_visible(self->more, defended);
    gtk_label_set_text(self->value[LIM_ATTACK_DENOISED], NULL);
    if (!defended) {
        lim_picture_view_set_picture(self->view[LIM_ATTACK_DENOISED], NULL, 0, 0, 0);
        lim_class_bars_set(self->bars[LIM_ATTACK_DENOISED], NULL, -1);
    }
}

void
lim_attack_view_show(LimAttackView *self, LimAttackRun *run, const float *x)
{
    g_return_if_fail(run == self->run);
    g_free(self->x);
    self->x = g_memdup2(x, (gsize)lim_shape_size(lim_attack_run_shape(run)) * sizeof *x);
    put(self, LIM_ATTACK_ADVERSARIAL, x);
    put_differences(self);
}

static void
judge_pane(LimAttackView *self, LimAttackColumn pane, const float *probability, int label)
{
    const int right = lim_attack_run_right(self->run);

    if (!probability) { /* an external program says no more */
        const char *name = label >= 0 ? lim_attack_run_class_name(self->run, label) : "";
        lim_class_bars_set_decision(self->bars[pane], label, right);
        gtk_label_set_text(self->value[pane], name);
        lim_picture_view_set_description(self->view[pane], name);
        return;
    }
    lim_class_bars_set(self->bars[pane], probability, right);
    const int k = lim_class_bars_get_predicted(self->bars[pane]);
    g_autofree char *text = g_strdup_printf("%s, %.0f %%", lim_attack_run_class_name(self->run, k),
                                            100 * (double)probability[k]);
    gtk_label_set_text(self->value[pane], text);
    lim_picture_view_set_description(self->view[pane], text);
}

void
lim_attack_view_judge(LimAttackView *self, const LimLookTask *look)
{
    if (look->run != self->run)
        return;
    judge_pane(self, LIM_ATTACK_CLEAN, look->clean, look->clean_label);
    judge_pane(self, LIM_ATTACK_ADVERSARIAL, look->as_is.probability, look->as_is.label);
    if (look->picture) {
        g_free(self->denoised);
        self->denoised =
            g_memdup2(look->picture,
                      (gsize)lim_shape_size(lim_attack_run_shape(self->run)) * sizeof(float));
        put(self, LIM_ATTACK_DENOISED, self->denoised);
        judge_pane(self, LIM_ATTACK_DENOISED, look->denoised.probability, look->denoised.label);
        put_differences(self);
        g_autofree char *short_text =
            g_strdup_printf("l2\t%.4f → %.4f\nl∞\t%.4f → %.4f", look->as_is.l2, look->denoised.l2,
                            look->as_is.linf, look->denoised.linf);
        gtk_label_set_text(GTK_LABEL(self->norms), short_text);
        return;
    }
    g_autofree char *text =
        g_strdup_printf("l2 distance\t%.4f\nl∞ distance\t%.4f\nmean square\t%.2e\n\nrounded to 8 "
                        "bit\nl2 distance\t%.4f\nl∞ distance\t%.4f",
                        look->as_is.l2, look->as_is.linf, look->as_is.mse, look->rounded.l2,
                        look->rounded.linf);
    gtk_label_set_text(GTK_LABEL(self->norms), text);
}

/* A small difference with its name below. */
static LimPictureView *
add_small(LimAttackView *self, const char *name, const char *label, const char *teach)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 3);
    GtkWidget *title = gtk_label_new(name), *view = lim_picture_view_new(label, self->zoom);

    gtk_widget_set_tooltip_text(column, teach);
    lim_picture_view_set_side(LIM_PICTURE_VIEW(view), 64, 96);
    gtk_box_append(GTK_BOX(column), view);
    gtk_box_append(GTK_BOX(column), title);
    gtk_box_append(GTK_BOX(self->more), column);
    return LIM_PICTURE_VIEW(view);
}

static GtkWidget *
build_numbers(LimAttackView *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->norms = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(self->norms), 0);
    gtk_label_set_yalign(GTK_LABEL(self->norms), 0);
    gtk_label_set_ellipsize(GTK_LABEL(self->norms), PANGO_ELLIPSIZE_END);
    gtk_widget_add_css_class(self->norms, "numeric");
    gtk_box_append(GTK_BOX(box), self->norms);
    self->more = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    gtk_box_set_homogeneous(GTK_BOX(self->more), TRUE);
    self->correction =
        add_small(self, "Correction", "Denoised − adversarial",
                  "Denoised − adversarial: what the denoiser changed, with the same gain");
    self->remainder = add_small(self, "Remainder", "Denoised − clean",
                                "Denoised − clean: what is left of the change, with the same gain");
    gtk_box_append(GTK_BOX(box), self->more);
    gtk_widget_set_visible(self->more, FALSE);
    return box;
}

static GtkWidget *
build_column(LimAttackView *self, LimAttackColumn pane)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    GtkWidget *title = gtk_label_new(titles[pane]);
    g_autofree char *bars = g_strdup_printf("Classes, %s", titles[pane]);

    gtk_widget_add_css_class(title, "part-title");
    self->value[pane] = GTK_LABEL(gtk_label_new(NULL));
    gtk_label_set_ellipsize(self->value[pane], PANGO_ELLIPSIZE_END);
    gtk_label_set_xalign(self->value[pane], 1);
    gtk_widget_set_hexpand(GTK_WIDGET(self->value[pane]), TRUE);
    gtk_widget_add_css_class(GTK_WIDGET(self->value[pane]), "numeric");
    gtk_box_append(GTK_BOX(head), title);
    gtk_box_append(GTK_BOX(head), GTK_WIDGET(self->value[pane]));
    gtk_box_append(GTK_BOX(column), head);

    self->view[pane] = LIM_PICTURE_VIEW(lim_picture_view_new(titles[pane], self->zoom));
    gtk_widget_set_vexpand(GTK_WIDGET(self->view[pane]), TRUE);
    gtk_widget_set_size_request(GTK_WIDGET(self->view[pane]), 128, 128);
    gtk_box_append(GTK_BOX(column), GTK_WIDGET(self->view[pane]));
    GtkWidget *below; /* of one height in all columns, so that the pictures are level */
    if (pane == LIM_ATTACK_DIFFERENCE) {
        below = build_numbers(self);
    } else {
        self->bars[pane] = LIM_CLASS_BARS(lim_class_bars_new(bars));
        below = GTK_WIDGET(self->bars[pane]);
    }
    gtk_size_group_add_widget(self->level, below);
    gtk_box_append(GTK_BOX(column), below);
    gtk_widget_add_css_class(column, "attack-pane");
    gtk_accessible_update_property(GTK_ACCESSIBLE(column), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   titles[pane], -1);
    return column;
}

static void
dispose(GObject *object)
{
    LimAttackView *self = LIM_ATTACK_VIEW(object);

    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_attack_view_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimAttackView *self = LIM_ATTACK_VIEW(object);

    lim_attack_run_unref(self->run);
    g_free(self->x);
    g_free(self->denoised);
    g_clear_object(&self->zoom);
    g_clear_object(&self->level);
    G_OBJECT_CLASS(lim_attack_view_parent_class)->finalize(object);
}

static void
lim_attack_view_class_init(LimAttackViewClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_attack_view_init(LimAttackView *self)
{
    self->zoom = lim_zoom_new();
    self->level = gtk_size_group_new(GTK_SIZE_GROUP_VERTICAL);
    self->box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    gtk_box_set_homogeneous(GTK_BOX(self->box), TRUE);
    for (int i = 0; i < LIM_ATTACK_N_PANES; i++) {
        self->column[i] = build_column(self, (LimAttackColumn)i);
        gtk_box_append(GTK_BOX(self->box), self->column[i]);
    }
    lim_picture_view_set_empty_text(self->view[LIM_ATTACK_DENOISED],
                                    "No defence is chosen.\n\nWhat a defence makes of the "
                                    "adversarial picture will stand here.");
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
}

LimZoom *
lim_attack_view_get_zoom(LimAttackView *self)
{
    return self->zoom;
}

GtkWidget *
lim_attack_view_new(void)
{
    return g_object_new(LIM_TYPE_ATTACK_VIEW, NULL);
}
