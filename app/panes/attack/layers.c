/* Error amplification: how the change of the picture grows or shrinks through the layers of the
 * classifier, before and behind every denoiser that there is. */
#include "panes/attack/form.h"
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "widgets/lim-plot.h"

#define LIM_TYPE_ATTACK_LAYERS (lim_attack_layers_get_type())
G_DECLARE_FINAL_TYPE(LimAttackLayers, lim_attack_layers, LIM, ATTACK_LAYERS, LimAttackPage)

struct _LimAttackLayers {
    LimAttackPage parent_instance;
    LimPlot *plot;
    GtkWidget *said;
    GPtrArray *series; /* of paths of denoisers, "": the shown picture as it is */
    LimAttackRun *run;
    int frame;
    guint64 serial;
};

G_DEFINE_FINAL_TYPE(LimAttackLayers, lim_attack_layers, LIM_TYPE_ATTACK_PAGE)

/* The series of that denoiser, a new one if it has none: a denoiser keeps its colour. */
static int
series_of(LimAttackLayers *self, const char *denoiser)
{
    guint i;

    if (g_ptr_array_find_with_equal_func(self->series, denoiser, g_str_equal, &i))
        return (int)i;
    g_autofree char *name =
        *denoiser ? lim_attack_dup_denoiser_name(denoiser) : g_strdup("Adversarial");
    g_ptr_array_add(self->series, g_strdup(denoiser));
    return lim_plot_add_series(self->plot, name, LIM_PLOT_LINE | LIM_PLOT_POINTS);
}

static void
put_curves(LimAttackLayers *self, const LimLayersTask *task)
{
    const char *names[LIM_AMPLIFICATION_LAYERS];

    for (int i = 0; i < task->n; i++)
        names[i] = task->name[i];
    lim_plot_set_names(self->plot, GTK_ORIENTATION_HORIZONTAL, names, task->n);
    g_autofree gboolean *there = g_new0(gboolean, self->series->len + LIM_LAYERS_CURVES);
    for (int k = 0; k < task->n_curves; k++) {
        LimPlotPoint points[LIM_AMPLIFICATION_LAYERS] = {{0}};
        const LimLayersCurve *curve = &task->curve[k];
        const int series = series_of(self, curve->denoiser ? curve->denoiser : "");
        there[series] = TRUE;
        for (int i = 0; i < task->n; i++)
            points[i] = (LimPlotPoint){.x = i, .y = curve->ratio[i]};
        lim_plot_set_points(self->plot, series, points, task->n, NULL);
        if (k == task->chosen)
            lim_plot_set_stressed(self->plot, series);
    }
    for (guint i = 0; i < self->series->len; i++) /* not every denoiser fits every classifier */
        if (!there[i])
            lim_plot_set_points(self->plot, (int)i, NULL, 0, NULL);
}

static void
measured(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackLayers) self = g_weak_ref_get(&target->object);
    const LimLayersTask *task = (const LimLayersTask *)t;

    if (!self || status != LIM_OK || task->run != self->run)
        return;
    put_curves(self, task);
    const int last = task->n - 1;
    const LimLayersCurve *shown = &task->curve[0], *chosen = &task->curve[task->chosen];
    g_autofree char *name =
        task->chosen ? lim_attack_dup_denoiser_name(chosen->denoiser) : g_strdup("");
    g_autofree char *behind = task->chosen ? g_strdup_printf("; %s %.3f, %.3f", name,
                                                             chosen->ratio[0], chosen->ratio[last])
                                           : g_strdup("");
    g_autofree char *text = g_strdup_printf("Relative error, picture and logits: %.3f, %.3f%s",
                                            shown->ratio[0], shown->ratio[last], behind);
    gtk_label_set_text(GTK_LABEL(self->said), text);
}

static void
show(LimAttackPage *page, LimAttackRun *run, int frame)
{
    LimAttackLayers *self = LIM_ATTACK_LAYERS(page);

    if (run == self->run && frame == self->frame)
        return;
    lim_attack_run_ref(run);
    lim_attack_run_unref(self->run);
    self->run = run;
    self->frame = frame;
    lim_worker_submit(lim_attack_page_get_worker(page), lim_layers_task_new(run, frame),
                      LIM_LANE_LIVE, LIM_ATTACK_SLOT_PAGE, 0,
                      (LimTaskEvents){.done = measured,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->serial)});
}

static void
finalize(GObject *object)
{
    LimAttackLayers *self = LIM_ATTACK_LAYERS(object);

    lim_attack_run_unref(self->run);
    g_ptr_array_unref(self->series);
    G_OBJECT_CLASS(lim_attack_layers_parent_class)->finalize(object);
}

static void
lim_attack_layers_class_init(LimAttackLayersClass *klass)
{
    LimAttackPageClass *page_class = LIM_ATTACK_PAGE_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    page_class->show = show;
    page_class->text =
        "The <a href='layers'>relative error</a> of every layer of the classifier, from the "
        "picture to the logits. The small change of the <a href='adversarial'>adversarial "
        "picture</a> grows from layer to layer. Behind a denoiser that pixels guided (PGD) what is "
        "left of it grows as well; behind one that the logits guided (LGD) it shrinks again. The "
        "<a href='denoised'>chosen</a> one is drawn thicker. Attacks that know of the denoiser win "
        "all the same: of 500 test pictures the LGD that comes with Limen keeps 91 % right under "
        "I-FGSM of 8/255 that does not know of it, 52 % when it goes through the denoiser, 37 % "
        "under PGD with restarts. Later adaptive attacks break this defence altogether (Athalye "
        "and Carlini 2018).";
}

static void
lim_attack_layers_init(LimAttackLayers *self)
{
    self->frame = -1;
    self->series = g_ptr_array_new_with_free_func(g_free);
    self->plot = LIM_PLOT(lim_plot_new("Error amplification"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL,
                      "Layer, from the picture to the logits", FALSE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Relative error", FALSE);
    lim_plot_set_empty_text(self->plot, "Comparing the layers");
    series_of(self, "");
    self->said = lim_attack_page_set_plot(LIM_ATTACK_PAGE(self), GTK_WIDGET(self->plot));
}
