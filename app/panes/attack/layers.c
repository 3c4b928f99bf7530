/* Error amplification: how the change of the picture grows or shrinks through the layers of the
 * classifier, before and behind the denoiser. */
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "widgets/lim-plot.h"

#define LIM_TYPE_ATTACK_LAYERS (lim_attack_layers_get_type())
G_DECLARE_FINAL_TYPE(LimAttackLayers, lim_attack_layers, LIM, ATTACK_LAYERS, LimAttackPage)

struct _LimAttackLayers {
    LimAttackPage parent_instance;
    LimPlot *plot;
    GtkWidget *said;
    int adversarial, denoised; /* series */
    LimAttackRun *run;
    int frame;
    guint64 serial;
};

G_DEFINE_FINAL_TYPE(LimAttackLayers, lim_attack_layers, LIM_TYPE_ATTACK_PAGE)

static void
put(LimAttackLayers *self, int series, const LimLayersTask *task, const double *ratio)
{
    LimPlotPoint points[LIM_AMPLIFICATION_LAYERS] = {{0}};
    const char *labels[LIM_AMPLIFICATION_LAYERS];

    for (int i = 0; i < task->n; i++) {
        points[i] = (LimPlotPoint){.x = i, .y = ratio[i]};
        labels[i] = task->name[i];
    }
    lim_plot_set_points(self->plot, series, points,
                        ratio == task->denoised && !task->defended ? 0 : task->n, labels);
}

static void
measured(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackLayers) self = g_weak_ref_get(&target->object);
    const LimLayersTask *task = (const LimLayersTask *)t;

    if (!self || status != LIM_OK || task->run != self->run)
        return;
    put(self, self->adversarial, task, task->adversarial);
    put(self, self->denoised, task, task->denoised);
    const int last = task->n - 1;
    g_autofree char *denoised =
        task->defended
            ? g_strdup_printf("; denoised %.3f and %.3f", task->denoised[0], task->denoised[last])
            : g_strdup("");
    g_autofree char *text =
        g_strdup_printf("Relative error of the picture %.3f, of the logits %.3f%s",
                        task->adversarial[0], task->adversarial[last], denoised);
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
    lim_attack_run_unref(LIM_ATTACK_LAYERS(object)->run);
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
        "picture</a> grows from layer to layer; behind a <a href='denoised'>denoiser</a> that "
        "the logits guided it stays small. Attacks that know of the denoiser win all the same: of "
        "500 test pictures LGD keeps 91 % right under I-FGSM of 8/255 that does not know of it, "
        "52 % when it goes through the denoiser, 37 % under PGD with restarts. Later adaptive "
        "attacks "
        "break this defence altogether (Athalye and Carlini 2018).";
}

static void
lim_attack_layers_init(LimAttackLayers *self)
{
    self->frame = -1;
    self->plot = LIM_PLOT(lim_plot_new("Error amplification"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL,
                      "Layer, from the picture (0) to the logits", FALSE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Relative error", FALSE);
    lim_plot_set_empty_text(self->plot, "Comparing the layers");
    self->adversarial =
        lim_plot_add_series(self->plot, "Adversarial", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    self->denoised = lim_plot_add_series(self->plot, "Denoised", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    self->said = lim_attack_page_set_plot(LIM_ATTACK_PAGE(self), GTK_WIDGET(self->plot));
}
