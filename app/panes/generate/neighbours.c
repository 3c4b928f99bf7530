/* What is beside must not slow down or outshine what is shown: nothing is drawn before the settings
 * have been still for a moment, and the pictures are small and faint until the pointer is there. */
#include "panes/generate/neighbours.h"

#include "panes/generate/draw-task.h"
#include "panes/generate/generate.h"
#include "widgets/lim-thumbs.h"

#define SHOWN    8
#define STILL_MS 300
#define EXPECTED 32 /* pixels: the height of the strip before the first samples */

struct _LimGenerateNeighbours {
    LimGeneratePart parent_instance;
    struct {
        GtkWidget *button;
        GtkWidget *label;
        LimThumbs *thumbs;
    } side[2]; /* the seed before, the seed after */
    guint source;
};

G_DEFINE_FINAL_TYPE(LimGenerateNeighbours, lim_generate_neighbours, LIM_TYPE_GENERATE_PART)

static gboolean
still(gpointer data)
{
    LimGenerateNeighbours *self = data;
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    LimModel *model = pane ? lim_generate_get_model(pane) : NULL;

    self->source = 0;
    if (!model)
        return G_SOURCE_REMOVE;
    LimSampleRequest around[2] = {lim_generate_get_request(pane), lim_generate_get_request(pane)};
    around[0].seed--;
    around[1].seed++;
    LimSample samples[2 * SHOWN];
    int n = MIN(SHOWN, around[0].count);
    for (int i = 0; i < 2 * n; i++)
        samples[i] = (LimSample){around[i / n], i % n};
    lim_generate_part_post(LIM_GENERATE_PART(self),
                           lim_draw_samples_task_new(model, samples, 2 * n, false),
                           LIM_GENERATE_SLOT_NEIGHBOURS);
    return G_SOURCE_REMOVE;
}

void
lim_generate_neighbours_soon(LimGenerateNeighbours *self)
{
    g_clear_handle_id(&self->source, g_source_remove);
    self->source = g_timeout_add(STILL_MS, still, self);
}

/* Keeps its place also while there is nothing to see. */
static void
show_button(GtkWidget *button, gboolean show)
{
    gtk_widget_set_opacity(button, show);
    gtk_widget_set_can_target(button, show);
    gtk_widget_set_focusable(button, show);
}

static void
done(LimGeneratePart *part, LimTask *t)
{
    LimGenerateNeighbours *self = LIM_GENERATE_NEIGHBOURS(part);
    const LimDrawTask *task = (const LimDrawTask *)t;
    LimShape s = lim_generator_image_shape(lim_model_generator(task->model));

    int n = task->n / 2;

    for (int k = 0; k < 2; k++) {
        g_autofree char *text =
            g_strdup_printf("Seed %" G_GUINT64_FORMAT, task->samples[k * n].request.seed);
        gtk_label_set_text(GTK_LABEL(self->side[k].label), text);
        lim_thumbs_set(self->side[k].thumbs,
                       task->pixels + (gsize)(k * n) * (gsize)lim_shape_size(s), n, s.d[2], s.d[1],
                       s.d[0]);
        show_button(self->side[k].button, TRUE);
    }
}

static GtkWidget *
build_side(LimGenerateNeighbours *self, int k)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    GtkWidget *label = self->side[k].label = gtk_label_new(NULL);
    GtkWidget *thumbs = lim_thumbs_new();
    GtkWidget *icon = gtk_image_new_from_icon_name(k ? "go-next-symbolic" : "go-previous-symbolic");
    GtkWidget *parts[] = {icon, label, thumbs};

    self->side[k].thumbs = LIM_THUMBS(thumbs);
    lim_thumbs_set_height(self->side[k].thumbs, EXPECTED);
    gtk_widget_add_css_class(label, "numeric");
    for (int i = 0; i < 3; i++)
        gtk_box_append(GTK_BOX(box), parts[k ? 2 - i : i]);
    GtkWidget *button = self->side[k].button = gtk_button_new();
    gtk_button_set_child(GTK_BUTTON(button), box);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(button),
                                   k ? "view.next-seed" : "view.previous-seed");
    gtk_widget_set_tooltip_text(button, k ? "Next seed (Alt+Right)" : "Previous seed (Alt+Left)");
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   k ? "Samples of the next seed" : "Samples of the previous seed",
                                   -1);
    gtk_widget_add_css_class(button, "flat");
    gtk_widget_add_css_class(button, "neighbours");
    gtk_widget_set_hexpand(button, TRUE);
    gtk_widget_set_halign(button, k ? GTK_ALIGN_END : GTK_ALIGN_START);
    show_button(button, FALSE);
    return button;
}

static void
dispose(GObject *object)
{
    g_clear_handle_id(&LIM_GENERATE_NEIGHBOURS(object)->source, g_source_remove);
    G_OBJECT_CLASS(lim_generate_neighbours_parent_class)->dispose(object);
}

static void
lim_generate_neighbours_class_init(LimGenerateNeighboursClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    LIM_GENERATE_PART_CLASS(klass)->done = done;
}

static void
lim_generate_neighbours_init(LimGenerateNeighbours *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    GtkWidget *keep = gtk_button_new_with_label("Keep sample");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(keep), "view.keep-sample");
    gtk_widget_set_tooltip_text(keep, "Puts the picture that was clicked last aside, to compare it "
                                      "with later ones (Ctrl+D: the one under the pointer)");
    gtk_widget_add_css_class(keep, "flat");
    gtk_widget_set_valign(keep, GTK_ALIGN_CENTER);
    gtk_box_append(GTK_BOX(box), build_side(self, 0));
    gtk_box_append(GTK_BOX(box), keep);
    gtk_box_append(GTK_BOX(box), build_side(self, 1));
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Neighbouring seeds", -1);
}
