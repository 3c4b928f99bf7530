/* The attack race: every attack of the list on the same picture, classifier, budget and seed, over
 * one axis of queries. They run one after the other; the axis, not the clock, makes it a race. */
#include "lim-long-job.h"
#include "panes/attack/page.h"
#include "widgets/lim-plot.h"

#include <math.h>
#include <stdlib.h>

#define LIM_TYPE_ATTACK_RACE (lim_attack_race_get_type())
G_DECLARE_FINAL_TYPE(LimAttackRace, lim_attack_race, LIM, ATTACK_RACE, LimAttackPage)

#define POINTS_MAX 400
#define ROOM       (POINTS_MAX + 3)

/* An attack in the race, of the list. */
typedef struct {
    LimAttackRun *run;  /* NULL: has not begun, or cannot be made */
    int frame_of[ROOM]; /* of the points of its curve */
} Racer;

struct _LimAttackRace {
    LimAttackPage parent_instance;
    LimPlot *plot;
    GtkWidget *said;
    LimAttackPlan plan;  /* of the attack in the pictures when it began */
    LimAttackRun *shown; /* the attack in the pictures, and its frame */
    int frame;
    gboolean any;
    LimBench *bench;
    size_t racing; /* attack of the list that runs; the count: none */
    Racer *racers; /* [count] */
    LimLongJob job;
    double best;      /* l2 of the leader */
    size_t best_from; /* attack */
};

G_DEFINE_FINAL_TYPE(LimAttackRace, lim_attack_race, LIM_TYPE_ATTACK_PAGE)

static void next(LimAttackRace *self);

/* The attack of this race with that plan, of the list; the count: none. */
static size_t
find_racer(LimAttackRace *self, const LimAttackPlan *plan)
{
    const size_t n = lim_attack_count();

    for (size_t i = 0; i < n; i++)
        if (self->racers[i].run &&
            lim_attack_plan_equal(lim_attack_run_plan(self->racers[i].run), plan))
            return i;
    return n;
}

/* A ring where the shown picture is. */
static void
mark(LimAttackRace *self)
{
    const size_t at =
        self->shown ? find_racer(self, lim_attack_run_plan(self->shown)) : lim_attack_count();
    const int n = at < lim_attack_count() ? lim_plot_get_n_points(self->plot, (int)at) : 0;
    int point = -1;

    while (point + 1 < n && self->racers[at].frame_of[point + 1] <= self->frame &&
           (point < 0 || self->racers[at].frame_of[point] < self->racers[at].frame_of[point + 1]))
        point++; /* not along the end, where nothing changes any more */
    lim_plot_set_marker(self->plot, (int)at, point < 0 ? (double)NAN : point, "shown");
}

/* The best so far over the queries, thinned to what a plot can show. */
static void
plot_racer(LimAttackRace *self)
{
    Racer *racer = &self->racers[self->racing];
    const LimRecording *r = lim_attack_run_recording(racer->run);
    const int n = lim_recording_n(r), every = n / POINTS_MAX + 1;
    g_autofree LimPlotPoint *points = g_new0(LimPlotPoint, ROOM);
    double best = INFINITY;
    int used = 0;

    for (int i = 0; i < n; i++) {
        const LimFrame *f = lim_recording_frame(r, i);
        if (f->fools)
            best = fmin(best, f->l2);
        if (isinf(best) || best <= 0 || (i % every && i != n - 1) || used > POINTS_MAX)
            continue;
        racer->frame_of[used] = i;
        points[used++] = (LimPlotPoint){.x = (double)f->queries, .y = best};
    }
    if (used && lim_attack_run_ended(racer->run)) { /* what was found stays found */
        racer->frame_of[used] = n - 1;
        points[used++] = (LimPlotPoint){.x = self->plan.setup.queries, .y = best};
    }
    lim_plot_set_points(self->plot, (int)self->racing, points, used, NULL);
    mark(self);
    if (best < self->best) {
        self->best = best;
        self->best_from = self->racing;
    }
}

static void
tell(LimAttackRace *self)
{
    g_autofree char *text = NULL;
    const char *more =
        self->racing < lim_attack_count() ? lim_attack_at(self->racing)->label : NULL;

    if (isinf(self->best))
        text = g_strdup_printf("%s%s", more ? "Running: " : "No attack fooled the classifier",
                               more ? more : "");
    else
        text = g_strdup_printf("In front: %s, l2 distance %.4f%s%s",
                               lim_attack_at(self->best_from)->label, self->best,
                               more ? ". Running: " : "", more ? more : "");
    gtk_label_set_text(GTK_LABEL(self->said), text);
}

static void
finished(gpointer owner, LimTask *t, LimStatus status, const LimError *err)
{
    LimAttackRace *self = owner;

    if (status == LIM_CANCELLED)
        return;
    plot_racer(self);
    self->racing++;
    next(self);
}

static void
progressed(gpointer self)
{
    plot_racer(self);
}

static void
begun(gpointer owner, LimTask *t, LimStatus status, const LimError *err)
{
    LimAttackRace *self = owner;

    if (status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) { /* an attack that cannot aim, for example */
        self->racing++;
        next(self);
        return;
    }
    LimAttackRun *run = self->racers[self->racing].run = lim_begin_task_steal(t);
    lim_long_job_go_on(&self->job, lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)), self,
                       lim_advance_task_new(run, G_MAXINT, FALSE), progressed, finished);
}

/* The chosen attack runs with the settings of the form, the others with their defaults. */
static void
next(LimAttackRace *self)
{
    LimAttackPlan plan = self->plan;
    void *params = NULL;

    tell(self);
    if (self->racing >= lim_attack_count())
        return;
    plan.method = lim_attack_at(self->racing);
    plan.setup.method = (int)self->racing;
    if (plan.method != self->plan.method) {
        if (plan.method->params_size)
            params = lim_alloc(1, plan.method->params_size);
        if (plan.method->schema)
            lim_params_init(plan.method->schema, params);
        plan.params = params;
    }
    lim_long_job_go_on(&self->job, lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)), self,
                       lim_begin_task_new(self->bench, &plan, NULL), NULL, begun);
    free(params);
}

static void
clear_racers(LimAttackRace *self)
{
    for (size_t i = 0; i < lim_attack_count(); i++)
        g_clear_pointer(&self->racers[i].run, lim_attack_run_unref);
}

/* A place on a curve: the pictures go there, to what was known after so many queries. */
static void
wanted(LimAttackRace *self, int series, double position)
{
    const Racer *racer = &self->racers[series];
    const int n = lim_plot_get_n_points(self->plot, series);

    if (racer->run && n > 0)
        lim_attack_page_want(LIM_ATTACK_PAGE(self), racer->run,
                             racer->frame_of[CLAMP((int)position, 0, n - 1)]);
}

static void
show(LimAttackPage *page, LimAttackRun *run, int frame)
{
    LimAttackRace *self = LIM_ATTACK_RACE(page);

    lim_attack_run_ref(run);
    g_clear_pointer(&self->shown, lim_attack_run_unref);
    self->shown = run;
    self->frame = frame;
    if (self->any && (find_racer(self, lim_attack_run_plan(run)) < lim_attack_count() ||
                      lim_attack_plan_equal(&self->plan, lim_attack_run_plan(run)))) {
        mark(self);
        return;
    }
    lim_long_job_halt(&self->job);
    if (self->any)
        lim_attack_plan_clear(&self->plan);
    lim_attack_plan_copy(&self->plan, lim_attack_run_plan(run));
    self->any = TRUE;
    lim_bench_unref(self->bench);
    self->bench = lim_bench_ref(lim_attack_run_bench(run));
    self->racing = 0;
    self->best = INFINITY;
    clear_racers(self);
    for (size_t i = 0; i < lim_attack_count(); i++)
        lim_plot_set_points(self->plot, (int)i, NULL, 0, NULL);
    lim_plot_set_range(self->plot, GTK_ORIENTATION_HORIZONTAL, 0, self->plan.setup.queries);
    next(self);
}

static void
finalize(GObject *object)
{
    LimAttackRace *self = LIM_ATTACK_RACE(object);

    if (self->any)
        lim_attack_plan_clear(&self->plan);
    clear_racers(self);
    g_clear_pointer(&self->shown, lim_attack_run_unref);
    g_free(self->racers);
    lim_bench_unref(self->bench);
    G_OBJECT_CLASS(lim_attack_race_parent_class)->finalize(object);
}

static void
lim_attack_race_class_init(LimAttackRaceClass *klass)
{
    LimAttackPageClass *page_class = LIM_ATTACK_PAGE_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    page_class->show = show;
    page_class->text =
        "All attacks on the same picture, with the same budget and seed. A <a "
        "href='race'>curve</a> begins where an attack first fools the classifier and falls as the "
        "picture comes closer to the clean one; lower and further left is better. Click on a curve "
        "to see that attack's picture after so many queries. Gradients are not counted as queries: "
        "only attacks that need none can be used on a program from outside.";
}

static void
lim_attack_race_init(LimAttackRace *self)
{
    self->best = INFINITY;
    self->racing = lim_attack_count();
    self->racers = g_new0(Racer, self->racing);
    self->plot = LIM_PLOT(lim_plot_new("Attack race"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Queries", FALSE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Best l2 distance", TRUE);
    lim_plot_set_empty_text(self->plot, "No attack has fooled the classifier yet");
    for (size_t i = 0; i < lim_attack_count(); i++)
        lim_plot_add_series(self->plot, lim_attack_at(i)->label, LIM_PLOT_LINE | LIM_PLOT_DRAG);
    g_signal_connect_object(self->plot, "point-activated", G_CALLBACK(wanted), self,
                            G_CONNECT_SWAPPED);
    self->said = lim_attack_page_set_plot(LIM_ATTACK_PAGE(self), GTK_WIDGET(self->plot));
}
