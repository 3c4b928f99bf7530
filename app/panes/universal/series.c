/* The perturbations of a series are made one after the other, in one job. */
#include "panes/universal/series.h"

#include "shipped.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLES 5

struct LimSeries {
    atomic_int refs;
    LimUniversalRun *run;
    LimSeriesKind kind;
    /* the worker's: */
    bool listed;
    const char *path[LIM_SERIES_MAX]; /* of classifiers, of the bench */
    GMutex lock;                      /* of now */
    LimSeriesNow now;
};

LimSeries *
lim_series_new(LimUniversalRun *run, LimSeriesKind kind)
{
    LimSeries *s = lim_alloc(1, sizeof *s);

    atomic_init(&s->refs, 1);
    g_mutex_init(&s->lock);
    s->run = lim_universal_run_ref(run);
    s->kind = kind;
    s->now.v = lim_alloc(LIM_SERIES_MAX * (size_t)lim_shape_size(lim_universal_run_shape(run)),
                         sizeof *s->now.v);
    for (int i = 0; i < LIM_SERIES_MAX; i++)
        for (int k = 0; k < LIM_SERIES_MAX; k++)
            s->now.value[i][k] = s->now.ratio[i] = (double)NAN;
    return s;
}

LimSeries *
lim_series_ref(LimSeries *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void
lim_series_unref(LimSeries *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    lim_universal_run_unref(s->run);
    g_mutex_clear(&s->lock);
    free(s->now.v);
    free(s);
}

LimUniversalRun *
lim_series_run(LimSeries *s)
{
    return s->run;
}

void
lim_series_now(LimSeries *s, LimSeriesNow *out)
{
    const size_t size = (size_t)lim_shape_size(lim_universal_run_shape(s->run));

    g_mutex_lock(&s->lock);
    *out = s->now;
    out->v = lim_memdup(s->now.v, LIM_SERIES_MAX * size, sizeof *out->v);
    g_mutex_unlock(&s->lock);
}

typedef struct {
    LimTask base;
    LimSeries *s;
    LimVictim *victim;
    LimUniversal *u; /* that is being made; NULL: the next one begins */
} SeriesTask;

static void
list(LimSeries *s)
{
    const char *const *paths;
    const int n = s->kind == LIM_SERIES_CLASSIFIERS
                      ? lim_bench_models(lim_universal_run_bench(s->run), &paths)
                      : 0;

    g_mutex_lock(&s->lock);
    if (s->kind == LIM_SERIES_SHUFFLES) {
        for (s->now.n = 0; s->now.n < SHUFFLES; s->now.n++)
            g_snprintf(s->now.name[s->now.n], sizeof s->now.name[0], "Shuffle %d", s->now.n + 1);
    } else {
        for (int i = 0; i < n && s->now.n < LIM_SERIES_MAX; i++) {
            g_autofree char *name = lim_model_file_label(paths[i]);
            s->path[s->now.n] = paths[i];
            g_strlcpy(s->now.name[s->now.n++], name, sizeof s->now.name[0]);
        }
    }
    g_mutex_unlock(&s->lock);
    s->listed = true;
}

static LimPredictor *
predictor_of(LimSeries *s, int i, LimError *err)
{
    const char *path =
        s->kind == LIM_SERIES_CLASSIFIERS ? s->path[i] : lim_universal_run_plan(s->run)->model;
    LimPredictor *p = lim_bench_predictor(lim_universal_run_bench(s->run), path, err);

    if (p && !lim_shape_equal(lim_predictor_image_shape(p), lim_universal_run_shape(s->run))) {
        lim_fail(err, LIM_E_SHAPE, "%s takes pictures of another size", path);
        return NULL;
    }
    return p;
}

static void
end_one(SeriesTask *t)
{
    if (t->u)
        lim_task_free(lim_universal_task(t->u));
    lim_victim_free(t->victim);
    t->u = NULL;
    t->victim = NULL;
}

static LimStatus
begin_one(SeriesTask *t, LimError *err)
{
    LimSeries *s = t->s;
    const int i = s->now.done;
    LimPredictor *p = predictor_of(s, i, err);
    LimUniversalParams params = lim_universal_run_plan(s->run)->params;

    if (!p)
        return err->code;
    if (s->kind == LIM_SERIES_SHUFFLES)
        params.seed += (uint64_t)i;
    t->victim = lim_victim_new(p, LIM_ACCESS_GRADIENT);
    const LimUniversalInput in = {.victim = t->victim,
                                  .n = lim_universal_run_x(s->run),
                                  .image = lim_universal_run_image(s->run, 0),
                                  .n_unseen = lim_universal_run_unseen(s->run),
                                  .unseen = lim_universal_run_unseen_image(s->run, 0)};
    t->u = lim_universal_new(&params, &in, err);
    return t->u ? LIM_OK : err->code;
}

static void
keep(SeriesTask *t)
{
    LimSeries *s = t->s;
    const size_t size = (size_t)lim_shape_size(lim_universal_run_shape(s->run));
    const int i = s->now.done;
    const LimUniversalPass *best = lim_universal_pass(t->u, lim_universal_best_pass(t->u));

    g_mutex_lock(&s->lock);
    memcpy(s->now.v + (size_t)i * size, lim_universal_best(t->u), size * sizeof *s->now.v);
    s->now.ratio[i] = best->unseen;
    s->now.done++;
    for (int k = 0; k <= i && s->kind == LIM_SERIES_SHUFFLES; k++) {
        double sum = 0, a = 0, b = 0;
        for (size_t j = 0; j < size; j++) {
            const double x = (double)s->now.v[(size_t)i * size + j],
                         y = (double)s->now.v[(size_t)k * size + j];
            sum += x * y;
            a += x * x;
            b += y * y;
        }
        s->now.value[i][k] = s->now.value[k][i] = a > 0 && b > 0 ? sum / sqrt(a * b) : 0;
    }
    g_mutex_unlock(&s->lock);
    end_one(t);
}

/* The classifier that the last v was not tried on yet; -1: none. */
static int
untried(const LimSeries *s)
{
    for (int k = 0; k < s->now.n && s->now.done && s->kind == LIM_SERIES_CLASSIFIERS; k++)
        if (isnan(s->now.value[s->now.done - 1][k]))
            return k;
    return -1;
}

static LimStatus
try_on(SeriesTask *t, int k, const LimExec *exec, LimError *err)
{
    LimSeries *s = t->s;
    const int n = lim_universal_run_unseen(s->run), i = s->now.done - 1;
    const size_t size = (size_t)lim_shape_size(lim_universal_run_shape(s->run));
    const float *x = lim_universal_run_unseen_image(s->run, 0);
    LimPredictor *p = predictor_of(s, k, err);
    if (!p)
        return err->code;
    LimVictim *victim = lim_victim_new(p, LIM_ACCESS_LABEL);
    int32_t *own = lim_alloc((size_t)n, sizeof *own), *label = lim_alloc((size_t)n, sizeof *label);
    LimStatus status = lim_universal_labels(victim, exec, x, n, NULL, 0, own, err);
    if (status == LIM_OK)
        status =
            lim_universal_labels(victim, exec, x, n, s->now.v + (size_t)i * size, 1, label, err);
    if (status == LIM_OK) {
        g_mutex_lock(&s->lock);
        s->now.value[i][k] = lim_universal_ratio(own, label, n);
        g_mutex_unlock(&s->lock);
    }
    free(own);
    free(label);
    lim_victim_free(victim);
    return status;
}

static LimStep
series_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    SeriesTask *t = (SeriesTask *)task;
    LimSeries *s = t->s;
    LimProgress one = {.fraction = 0};

    if (!s->listed)
        list(s);
    const int k = untried(s);
    if (k >= 0)
        return try_on(t, k, exec, err) == LIM_OK ? LIM_STEP_MORE : LIM_STEP_FAILED;
    if (s->now.done == s->now.n)
        return LIM_STEP_DONE;
    if (!t->u && begin_one(t, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const LimStep step = lim_task_step(lim_universal_task(t->u), exec, &one, err);
    if (progress) {
        progress->fraction = (s->now.done + one.fraction) / s->now.n;
        g_strlcpy(progress->text, one.text, sizeof progress->text);
    }
    if (step == LIM_STEP_DONE)
        keep(t);
    return step == LIM_STEP_FAILED ? step : LIM_STEP_MORE;
}

static void
series_free(LimTask *task)
{
    SeriesTask *t = (SeriesTask *)task;

    end_one(t);
    lim_series_unref(t->s);
    free(t);
}

LimTask *
lim_series_task_new(LimSeries *series)
{
    static const LimTaskClass klass = {"universal series", series_step, NULL, series_free};
    SeriesTask *t = lim_alloc(1, sizeof *t);

    t->base.klass = &klass;
    t->s = lim_series_ref(series);
    return &t->base;
}
