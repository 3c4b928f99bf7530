/* What the Scenes view is built of: the form, the board of pictures, the player, and the pages
 * below them. What it does stands in the files that pane.h names. */
#include "panes/scenes/scenes.h"

#include "panes/scenes/pane.h"
#include "schema-form.h"
#include "shipped.h"
#include "widgets/lim-text-row.h"

#define BOTTOM 150

G_DEFINE_FINAL_TYPE(LimScenesPane, lim_scenes_pane, LIM_TYPE_FORM_PANE)

LimWorker *
lim_scenes_pane_worker(LimScenesPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

LimScenesRun *
lim_scenes_pane_get_run(LimScenesPane *self)
{
    return self->run;
}

LimSceneBoard *
lim_scenes_pane_get_board(LimScenesPane *self)
{
    return self->board;
}

LimTransport *
lim_scenes_pane_get_transport(LimScenesPane *self)
{
    return self->transport;
}

const char *
lim_scenes_pane_get_verdict(LimScenesPane *self)
{
    return gtk_label_get_text(GTK_LABEL(self->verdict));
}

gboolean
lim_scenes_pane_get_current(LimScenesPane *self)
{
    return self->run && !self->tick && !self->looking &&
           !lim_form_pane_goes_on(LIM_FORM_PANE(self)) &&
           !lim_transport_get_playing(self->transport) &&
           lim_scenes_plan_equal(lim_scenes_run_plan(self->run), &self->posted);
}

static LimForm *
build_form(void)
{
    static const char *names[LIM_SCENES_NETS + 1];
    static const char *const targets[] = {"Every class as another", "A shape that is not there",
                                          NULL};
    static const char how[] = "How it is made", scenes[] = "Which scenes";
    static const char *const sources[] = {"Scene", "Own picture", NULL};
    const LimFormHint setup[] = {{.name = "source", .texts = sources},
                                 {.name = "scene", .beside = true},
                                 {.name = "net", .texts = names}};
    const LimFormHint dag[] = {
        {.name = "gamma"},
        {.name = "target", .texts = targets},
        {.name = "iterations", .group = how, .beside = true},
        {.name = "remaining", .group = how, .digits = 3},
        {.name = "left", .group = how},
        {.name = "clip", .group = how},
        {.name = "epsilon", .group = how, .digits = 3},
    };
    const LimFormHint scene[] = {{.name = "scene-seed", .group = scenes},
                                 {.name = "size", .group = scenes, .beside = true},
                                 {.name = "fewest", .group = scenes, .beside = true},
                                 {.name = "most", .group = scenes, .beside = true}};
    LimForm *form = LIM_FORM(lim_form_new());

    for (int i = 0; i < LIM_SCENES_NETS; i++)
        names[i] = lim_scenes_net_name(i);
    lim_schema_form_fill(form, lim_scenes_setup_schema, setup, G_N_ELEMENTS(setup));
    GtkWidget *open = gtk_button_new_with_label("Open picture…");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(open), "view.open-picture");
    gtk_widget_set_tooltip_text(open, "A PNG file of any size; its middle square is taken and "
                                      "scaled. You can also drop it on the window");
    lim_form_add_below(form, "source", open);
    lim_schema_form_fill(form, lim_dag_schema, dag, G_N_ELEMENTS(dag));
    lim_schema_form_fill(form, lim_scene_schema, scene, G_N_ELEMENTS(scene));
    LimTextRow *only = LIM_TEXT_ROW(lim_form_get_row(form, "only"));
    lim_text_row_set_on_enter(only, "Attack these garments (Enter)");
    lim_text_row_set_placeholder(only, "everything");
    return form;
}

static const struct {
    const char *name, *title, *text;
} pages[] = {
    {"targets", "Steps",
     "Two <a href='segmenters'>segmenters</a> give every pixel a class, two <a "
     "href='detectors'>detectors</a> find boxes. One change, hardly to be seen, makes all of it "
     "wrong for the network marked ◎; its <a href='difference'>difference</a> is enlarged by the "
     "gain beside it. The <a href='targets'>curve</a> counts what is still right; drag on it, or "
     "use the <a href='transport'>player</a>, to see any step."},
    {"paint", "Paint",
     "Paint on the <a href='segmenters'>clean picture</a> of the attacked segmenter what it is to "
     "see, with a class and a <a href='paint'>brush</a>; every stroke is another attack, which "
     "pushes each pixel to the class that it has in the painting."},
    {"fusion", "Fusion",
     "A perturbation made on one network often leaves the others alone. In the <a "
     "href='fusion'>sum</a> of several, each made on its own network, all go wrong at once, "
     "segmenters and detectors. In another order of rows the same values do much less: it is their "
     "structure that fools."},
    {"transfer", "Transfer",
     "The <a href='transfer'>table</a> has a row for each network that perturbations are made on, "
     "and a column for each that judges them, by mean IoU or mAP: the darker, the more of what it "
     "got right is gone. A click on a cell shows the scene that is nearest to its figure."},
};

static void
page_changed(LimScenesPane *self)
{
    const char *name = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    for (gsize i = 0; i < G_N_ELEMENTS(pages) && name; i++)
        if (g_str_equal(name, pages[i].name))
            lim_explain_set_text(self->explain, pages[i].text);
    if (!name)
        return;
    if (!g_str_equal(name, "transfer"))
        lim_scenes_pane_leave_cell(self);
    lim_scenes_pane_show_canvas(self);
    const gboolean fused = lim_scenes_pane_is_fused(self);
    gtk_widget_set_sensitive(GTK_WIDGET(self->transport), !fused);
    if (self->was_fused != fused && self->stage) {
        if (self->run)
            lim_scenes_pane_show_position(self);
        lim_scenes_pane_look(self);
    }
    self->was_fused = fused;
}

static void
sum_changed(LimScenesPane *self)
{
    lim_form_pane_watch(LIM_FORM_PANE(self));
    if (lim_scenes_pane_is_fused(self))
        lim_scenes_pane_look(self);
}

static GtkWidget *
build_plot(LimScenesPane *self)
{
    self->plot = LIM_PLOT(lim_plot_new("Targets over steps"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Step", FALSE);
    lim_plot_set_whole(self->plot, GTK_ORIENTATION_HORIZONTAL, TRUE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Still right (%)", FALSE);
    lim_plot_set_range(self->plot, GTK_ORIENTATION_VERTICAL, 0, 100);
    lim_plot_set_empty_text(self->plot, "No step has been made yet");
    lim_plot_add_series(self->plot, "Targets", LIM_PLOT_LINE | LIM_PLOT_DRAG);
    return GTK_WIDGET(self->plot);
}

/* A page that scrolls sideways in a narrow window, so that it does not make the window wide. */
static GtkWidget *
narrowed(GtkWidget *page)
{
    GtkWidget *window = gtk_scrolled_window_new();

    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(window), GTK_POLICY_AUTOMATIC,
                                   GTK_POLICY_NEVER);
    gtk_scrolled_window_set_min_content_width(GTK_SCROLLED_WINDOW(window), 240);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(window), page);
    return window;
}

static GtkWidget *
build_bottom(LimScenesPane *self)
{
    LimSession *session = lim_pane_get_session(LIM_PANE(self));

    self->paint = LIM_PAINT_PAGE(lim_paint_page_new());
    self->fusion = LIM_FUSION_PAGE(lim_fusion_page_new(session));
    self->transfer = LIM_TRANSFER_PAGE(lim_transfer_page_new(session));
    g_signal_connect_object(self->fusion, "changed", G_CALLBACK(sum_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->fusion, "settled", G_CALLBACK(lim_form_pane_settle), self,
                            G_CONNECT_SWAPPED);
    GtkWidget *const children[] = {build_plot(self), narrowed(GTK_WIDGET(self->paint)),
                                   narrowed(GTK_WIDGET(self->fusion)),
                                   narrowed(GTK_WIDGET(self->transfer))};
    self->explain = LIM_EXPLAIN(lim_explain_new());
    self->pages = gtk_stack_new();
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gtk_stack_add_titled(GTK_STACK(self->pages), children[i], pages[i].name, pages[i].title);
        lim_explain_add_term(self->explain, pages[i].name, children[i]);
    }
    lim_explain_add_term(self->explain, "segmenters",
                         GTK_WIDGET(lim_scene_board_get_view(self->board, LIM_SCENE_PART_CLEAN)));
    lim_explain_add_term(self->explain, "detectors",
                         GTK_WIDGET(
                             lim_scene_board_get_view(self->board, LIM_SCENE_PART_CLEAN + 2)));
    lim_explain_add_term(self->explain, "difference",
                         GTK_WIDGET(
                             lim_scene_board_get_view(self->board, LIM_SCENE_PART_DIFFERENCE)));
    lim_explain_add_term(self->explain, "transport", GTK_WIDGET(self->transport));
    g_signal_connect_object(self->pages, "notify::visible-child", G_CALLBACK(page_changed), self,
                            G_CONNECT_SWAPPED);
    page_changed(self);
    return lim_explain_row_new(self->explain, self->pages, BOTTOM, "What to show of the attack",
                               "About the attack");
}

static gboolean
key_pressed(LimScenesPane *self, guint keyval, guint code, GdkModifierType state)
{
    return lim_transport_key(self->transport, keyval, state);
}

static GtkWidget *
build_scenes(LimScenesPane *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->verdict = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS,
                                 "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->verdict, "picture-title");
    gtk_label_set_text(GTK_LABEL(self->verdict), "○ Reading the scene and the networks");
    gtk_box_append(GTK_BOX(box), self->verdict);
    self->board = LIM_SCENE_BOARD(lim_scene_board_new());
    gtk_widget_set_vexpand(GTK_WIDGET(self->board), TRUE);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->board));
    self->transport = LIM_TRANSPORT(lim_transport_new());
    lim_transport_set_plain(self->transport);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->transport));
    gtk_box_append(GTK_BOX(box), build_bottom(self));
    gtk_widget_add_css_class(box, "pictures");
    gtk_widget_add_css_class(box, "scenes");

    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_object(keys, "key-pressed", G_CALLBACK(key_pressed), self, G_CONNECT_SWAPPED);
    gtk_widget_add_controller(box, keys);
    return box;
}

static void
map(GtkWidget *widget)
{
    LimScenesPane *self = LIM_SCENES_PANE(widget);

    GTK_WIDGET_CLASS(lim_scenes_pane_parent_class)->map(widget);
    self->seen = TRUE;
    lim_form_pane_resume(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
constructed(GObject *object)
{
    LimScenesPane *self = LIM_SCENES_PANE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_scenes_pane_parent_class)->constructed(object);
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    self->bench = lim_scenes_bench_new(models, samples);
    self->form = build_form();
    self->status = lim_form_pane_get_status(pane);
    GtkWidget *view = build_scenes(self);
    lim_scenes_shown_connect(self);
    lim_scenes_settings_connect(self);
    lim_scenes_painting_connect(self);
    lim_scenes_state_connect(self);
    lim_form_pane_build(pane, self->form, view);
}

static void
finalize(GObject *object)
{
    LimScenesPane *self = LIM_SCENES_PANE(object);

    g_free(self->own);
    g_free(self->wanted);
    g_free(self->canvas);
    lim_scenes_plan_clear(&self->posted);
    lim_scenes_run_unref(self->run);
    lim_scenes_stage_unref(self->stage);
    lim_scenes_bench_unref(self->bench);
    G_OBJECT_CLASS(lim_scenes_pane_parent_class)->finalize(object);
}

static void
lim_scenes_pane_class_init(LimScenesPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GTK_WIDGET_CLASS(klass)->map = map;
    lim_scenes_shown_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_settings_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_state_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_export_class_init(LIM_FORM_PANE_CLASS(klass));
}

static void
lim_scenes_pane_init(LimScenesPane *self)
{
    self->shown = self->judge = -1;
}

const LimPaneDef lim_pane_scenes = {"scenes", "Scenes", lim_scenes_pane_get_type};
