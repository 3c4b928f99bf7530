/* What the Universal view is built of. What it does stands in the files that pane.h names. */
#include "panes/universal/pane.h"

#include "panes/universal/graph.h"
#include "schema-form.h"
#include "shipped.h"
#include "widgets/lim-text-row.h"

#define SCALE_MAX 3
#define BOTTOM    190

G_DEFINE_FINAL_TYPE(LimUniversalPane, lim_universal_pane, LIM_TYPE_FORM_PANE)

LimWorker *
lim_universal_pane_worker(LimUniversalPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

LimUniversalRun *
lim_universal_pane_get_run(LimUniversalPane *self)
{
    return self->run;
}

const char *
lim_universal_pane_get_verdict(LimUniversalPane *self)
{
    return gtk_label_get_text(GTK_LABEL(self->verdict));
}

gboolean
lim_universal_pane_get_current(LimUniversalPane *self)
{
    return self->run && !self->tick && !self->looking &&
           !lim_form_pane_goes_on(LIM_FORM_PANE(self)) && self->snap.ended &&
           self->looked_passes == self->snap.n_passes &&
           lim_universal_plan_equal(lim_universal_run_plan(self->run), &self->posted);
}

static LimForm *
build_form(void)
{
    static const char *const shipped[] = {"First classifier", NULL};
    static const char *const methods[] = {"DeepFool", "Gradients on v", NULL};
    static const char *const norms[] = {"l2", "l∞", NULL};
    static const char group[] = "How it is made";
    const LimFormHint setup[] = {{.name = "model", .texts = shipped},
                                 {.name = "pictures", .beside = true}};
    const LimFormHint hints[] = {
        {.name = "method", .texts = methods},
        {.name = "norm", .texts = norms},
        {.name = "xi", .digits = 3},
        {.name = "delta", .group = group},
        {.name = "passes", .group = group, .beside = true},
        {.name = "patience", .group = group, .beside = true},
        {.name = "batch", .group = group, .beside = true},
        {.name = "steps", .group = group, .beside = true},
        {.name = "overshoot", .group = group, .digits = 3},
        {.name = "rate", .group = group, .digits = 3},
    };
    LimForm *form = LIM_FORM(lim_form_new());

    lim_schema_form_fill(form, lim_universal_setup_schema, setup, G_N_ELEMENTS(setup));
    lim_text_row_set_file(LIM_TEXT_ROW(lim_form_get_row(form, "file")),
                          "Open a Universal Perturbation", "safetensors");
    lim_schema_form_fill(form, lim_universal_schema, hints, G_N_ELEMENTS(hints));
    return form;
}

/* A title over a widget. */
static GtkWidget *
column_new(const char *title, GtkWidget *child, GtkWidget *below)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6), *head = gtk_label_new(title);

    gtk_label_set_xalign(GTK_LABEL(head), 0);
    gtk_widget_add_css_class(head, "picture-title");
    gtk_widget_set_vexpand(child, TRUE);
    gtk_widget_set_hexpand(child, TRUE);
    gtk_box_append(GTK_BOX(box), head);
    gtk_box_append(GTK_BOX(box), child);
    if (below)
        gtk_box_append(GTK_BOX(box), below);
    return box;
}

static GtkWidget *
build_top(LimUniversalPane *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);

    self->zoom = lim_zoom_new();
    self->view = LIM_PICTURE_VIEW(lim_picture_view_new("Perturbation", self->zoom));
    self->gain = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(self->gain), 0);
    gtk_label_set_ellipsize(GTK_LABEL(self->gain), PANGO_ELLIPSIZE_END);
    gtk_widget_add_css_class(self->gain, "numeric");
    self->plot = LIM_PLOT(lim_plot_new("Fooling ratio"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Pass", FALSE);
    lim_plot_set_whole(self->plot, GTK_ORIENTATION_HORIZONTAL, TRUE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Fooled (%)", FALSE);
    lim_plot_set_range(self->plot, GTK_ORIENTATION_VERTICAL, 0, 100);
    lim_plot_set_empty_text(self->plot, "No pass is over yet");
    lim_plot_add_series(self->plot, "X", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    lim_plot_add_series(self->plot, "Unseen", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    lim_plot_add_series(self->plot, "Noise of equal norm", LIM_PLOT_LINE);
    self->strip = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->strip, "Pictures that contributed last");
    lim_image_grid_set_min_size(self->strip, 130, 110);
    lim_image_grid_set_room(self->strip, LIM_UNIVERSAL_STRIP);
    gtk_box_append(GTK_BOX(row), column_new("Perturbation", GTK_WIDGET(self->view), self->gain));
    gtk_box_append(GTK_BOX(row), column_new("Fooling ratio", GTK_WIDGET(self->plot), NULL));
    gtk_box_append(GTK_BOX(row), column_new("Contributed last", GTK_WIDGET(self->strip), NULL));
    gtk_box_set_homogeneous(GTK_BOX(row), TRUE);
    return row;
}

static GtkWidget *
build_controls(LimUniversalPane *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new("Scale");

    self->pause = gtk_button_new_with_label("Pause");
    gtk_widget_set_tooltip_text(self->pause, "Stops or goes on with making v; nothing is lost (k)");
    self->scale = gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, SCALE_MAX, 0.05);
    gtk_range_set_value(GTK_RANGE(self->scale), 1);
    gtk_scale_add_mark(GTK_SCALE(self->scale), 1, GTK_POS_BOTTOM, NULL);
    gtk_widget_set_hexpand(self->scale, TRUE);
    gtk_widget_set_size_request(self->scale, 120, -1);
    gtk_widget_set_tooltip_text(self->scale,
                                "v is multiplied by it before it is added: see which pictures flip "
                                "first, and which never do");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Scale", -1);
    self->said = g_object_new(GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END,
                              "width-chars", 24, NULL);
    gtk_widget_add_css_class(self->said, "numeric");
    GtkWidget *apply = gtk_button_new_with_label("Apply in Attack");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(apply), "view.apply-in-attack");
    gtk_widget_set_tooltip_text(apply, "Takes the flipped picture under the cursor, v "
                                       "included, to the Attack view (Ctrl+Shift+T)");
    gtk_box_append(GTK_BOX(row), self->pause);
    gtk_box_append(GTK_BOX(row), name);
    gtk_box_append(GTK_BOX(row), self->scale);
    gtk_box_append(GTK_BOX(row), self->said);
    gtk_box_append(GTK_BOX(row), apply);
    return row;
}

static const struct {
    const char *name, *title, *text;
} pages[] = {
    {"flips", "Flips",
     "One <a href='v'>perturbation</a> for all pictures. Every pass visits the pictures in another "
     "order, and those that it does not fool yet change it a little. The <a "
     "href='plot'>curves</a> rise on the pictures it is made from and on others that it never "
     "sees. <a href='flips'>These</a> of the unseen pictures get another label at the chosen <a "
     "href='scale'>scale</a>."},
    {"labels", "Labels",
     "The <a href='labels'>graph</a> of all unseen pictures at the chosen <a "
     "href='scale'>scale</a>: from the label that the classifier gives a picture to the one that "
     "it gives it with v. Most arrows end at a few dominant labels."},
    {"transfer", "Transfer",
     "v is made for one classifier, and fools others too. The <a href='transfer'>table</a> has a "
     "row for each classifier that v is made on, and a column for each that it is tried on."},
    {"shuffles", "Shuffles",
     "The same pictures in another order give another v that fools about as many. The <a "
     "href='shuffles'>table</a> has their inner products: the nearer to 0, the less two of them "
     "have in common."},
};

static void
page_changed(LimUniversalPane *self)
{
    const char *name = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    for (gsize i = 0; i < G_N_ELEMENTS(pages) && name; i++)
        if (g_str_equal(name, pages[i].name))
            lim_explain_set_text(self->explain, pages[i].text);
}

static GtkWidget *
build_bottom(LimUniversalPane *self)
{
    LimSession *session = lim_pane_get_session(LIM_PANE(self));

    self->flips = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->flips, "Pictures that flip");
    lim_image_grid_set_min_size(self->flips, 240, BOTTOM - 10);
    lim_image_grid_set_captions(self->flips, TRUE);
    lim_image_grid_set_room(self->flips, LIM_UNIVERSAL_FLIPPED);
    self->graph = lim_label_graph_new();
    self->transfer = LIM_SERIES_PAGE(lim_series_page_new(session, LIM_SERIES_CLASSIFIERS));
    self->shuffles = LIM_SERIES_PAGE(lim_series_page_new(session, LIM_SERIES_SHUFFLES));
    GtkWidget *const children[] = {GTK_WIDGET(self->flips), self->graph, GTK_WIDGET(self->transfer),
                                   GTK_WIDGET(self->shuffles)};
    self->explain = LIM_EXPLAIN(lim_explain_new());
    self->pages = gtk_stack_new();
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gtk_stack_add_titled(GTK_STACK(self->pages), children[i], pages[i].name, pages[i].title);
        lim_explain_add_term(self->explain, pages[i].name, children[i]);
    }
    lim_explain_add_term(self->explain, "v", GTK_WIDGET(self->view));
    lim_explain_add_term(self->explain, "plot", GTK_WIDGET(self->plot));
    lim_explain_add_term(self->explain, "scale", self->scale);
    g_signal_connect_object(self->pages, "notify::visible-child", G_CALLBACK(page_changed), self,
                            G_CONNECT_SWAPPED);
    page_changed(self);
    return lim_explain_row_new(self->explain, self->pages, BOTTOM,
                               "What to show of the perturbation", "About the perturbation");
}

static GtkWidget *
build_universal(LimUniversalPane *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6), *top;

    self->verdict = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS,
                                 "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->verdict, "picture-title");
    gtk_box_append(GTK_BOX(box), self->verdict);
    top = build_top(self);
    gtk_widget_set_vexpand(top, TRUE);
    gtk_box_append(GTK_BOX(box), top);
    gtk_box_append(GTK_BOX(box), build_controls(self));
    gtk_box_append(GTK_BOX(box), build_bottom(self));
    gtk_widget_add_css_class(box, "pictures");
    return box;
}

static void
map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(lim_universal_pane_parent_class)->map(widget);
    lim_universal_pane_list(LIM_UNIVERSAL_PANE(widget));
}

static void
constructed(GObject *object)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_universal_pane_parent_class)->constructed(object);
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    self->bench = lim_bench_new(models, samples);
    self->pictures = lim_universal_pictures_new(samples);
    self->form = build_form();
    self->status = lim_form_pane_get_status(pane);
    GtkWidget *view = build_universal(self);
    lim_universal_shown_connect(self, view);
    lim_universal_settings_connect(self);
    lim_universal_export_connect(self);
    lim_form_pane_build(pane, self->form, view);
}

static void
dispose(GObject *object)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);

    g_clear_object(&self->zoom);
    G_OBJECT_CLASS(lim_universal_pane_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);

    lim_universal_snap_clear(&self->snap);
    lim_universal_run_unref(self->run);
    lim_universal_pictures_unref(self->pictures);
    lim_bench_unref(self->bench);
    g_free(self->opened);
    G_OBJECT_CLASS(lim_universal_pane_parent_class)->finalize(object);
}

static void
lim_universal_pane_class_init(LimUniversalPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GTK_WIDGET_CLASS(klass)->map = map;
    lim_universal_shown_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_universal_settings_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_universal_export_class_init(LIM_FORM_PANE_CLASS(klass));
}

static void
lim_universal_pane_init(LimUniversalPane *self)
{
}

const LimPaneDef lim_pane_universal = {"universal", "Universal", lim_universal_pane_get_type};
