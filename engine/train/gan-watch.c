/* What a person watches a GAN training by: its log, the singular values, the discriminator's
 * opinion of pictures it was not trained on, and the symptoms of collapse (Brock et al. 2019,
 * section 4 and appendix F): the discriminator tells everything apart, samples of a class become
 * alike, a singular value jumps.
 *
 * A symptom holds checkpoints back from the moment it is seen; the first two, lasting for PATIENCE
 * iterations, are a collapse. A young generator has no variety yet, so alike samples count only
 * after they have been different. */
#include "base/rng.h"
#include "train/gan-private.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE    200
#define WON         0.01 /* D's hinge loss below this: it has won */
#define ALIKE       0.1  /* spread of samples within a class over that of real pictures */
#define DIFFERENT   0.25
#define JUMP        3.0 /* singular value over its usual one */
#define SWEEPS      10
#define HELD_OUT    64
#define PICTURE_MAX (3 * LIM_BIGGAN_SIZE * LIM_BIGGAN_SIZE)

/* ---- variety ----------------------------------------------------------------------------------
 */

/* Root mean square distance from the class's mean over n pictures; NaN where no class has two. */
static double
spread(const float *x, const int32_t *label, int n, int pixels, int classes)
{
    double mean[PICTURE_MAX], sum = 0;
    int freedom = 0;
    for (int k = 0; k < classes; k++) {
        int members = 0;
        memset(mean, 0, (size_t)pixels * sizeof *mean);
        for (int i = 0; i < n; i++)
            if (label[i] == k) {
                members++;
                for (int j = 0; j < pixels; j++)
                    mean[j] += (double)x[i * pixels + j];
            }
        if (members < 2)
            continue;
        freedom += members - 1;
        for (int i = 0; i < n; i++)
            for (int j = 0; label[i] == k && j < pixels; j++) {
                const double d = (double)x[i * pixels + j] - mean[j] / members;
                sum += d * d;
            }
    }
    return freedom ? sqrt(sum / freedom) : (double)NAN;
}

static bool
due(const GanTrainer *t, int iteration, int every)
{
    return every > 0 && iteration % every == 0;
}

void
gan_watch_d(GanTrainer *t)
{
    const LimGanTraining *p = &t->p;
    const float *score = lim_plan_f32(t->d_plan.plan, t->d_score);
    int seen = 0;
    for (int i = 0; i < p->batch; i++)
        seen += score[i] > 0;
    t->sum_seen += (double)seen / p->batch;
    if (!due(t, t->iteration + 1, p->log_every) || t->phase + 1 < p->d_steps)
        return;
    const int pixels = p->model.channels * LIM_BIGGAN_SIZE * LIM_BIGGAN_SIZE;
    const double real = spread(t->real, t->label + p->batch, p->batch, pixels, p->model.classes);
    const double fake = spread(lim_plan_f32(t->d_plan.plan, t->d_fake), t->label, p->batch, pixels,
                               p->model.classes);
    t->watch.variety = real > 0 ? fake / real : (double)NAN;
}

/* ---- held-out pictures ------------------------------------------------------------------------
 */

static LimStatus
plan_held_out(GanTrainer *t, const LimExec *exec, LimError *err)
{
    GanWatch *w = &t->watch;
    const LimBigganParams *m = &t->p.model;
    w->n = w->held_out->n < HELD_OUT ? w->held_out->n : HELD_OUT;
    w->pictures = lim_alloc((size_t)w->n * PICTURE_MAX, sizeof *w->pictures);
    w->label = lim_alloc((size_t)w->n, sizeof *w->label);
    w->index = lim_alloc((size_t)w->n, sizeof *w->index);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->d, LIM_MODE_FROZEN);
    LimVal x = lim_graph_feed(g, "x", LIM_F32,
                              LIM_SHAPE4(w->n, m->channels, LIM_BIGGAN_SIZE, LIM_BIGGAN_SIZE));
    LimVal label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(w->n));
    w->score = lim_biggan_discriminator(&b, m, x, label);
    w->plan = lim_plan_new(g, &w->score, 1, 0, exec, err);
    if (!w->plan)
        return err->code;
    lim_plan_bind(w->plan, x, w->pictures);
    lim_plan_bind(w->plan, label, w->label);
    return LIM_OK;
}

/* Mean score of some held-out pictures, others at each line, and the share taken for real. */
static LimStatus
score_held_out(GanTrainer *t, const LimExec *exec, double *mean, double *share, LimError *err)
{
    GanWatch *w = &t->watch;
    /* one forward pass of the smaller half of a step: it may as well be finished */
    const LimExec whole = {.kernels = exec->kernels, .pool = exec->pool};
    const uint64_t stream = lim_rng_stream(LIM_STREAM_SHUFFLE, "held out", 0);
    for (int i = 0; i < w->n; i++)
        w->index[i] =
            lim_rng_below(t->p.seed, stream, (uint64_t)t->iteration * HELD_OUT + (uint64_t)i,
                          (uint32_t)w->held_out->n);
    lim_dataset_batch(w->held_out, w->index, w->n, LIM_BIGGAN_SIZE, w->pictures, w->label);
    LimStatus status = lim_plan_run(w->plan, &whole, err);
    *mean = *share = 0;
    for (int i = 0; i < w->n && status == LIM_OK; i++) {
        const double s = (double)lim_plan_f32(w->plan, w->score)[i];
        *mean += s / w->n;
        *share += (s > 0) / (double)w->n;
    }
    return status;
}

/* ---- singular values --------------------------------------------------------------------------
 */

static int
falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static json_t *
spectrum(LimSpectra *s, double *usual, bool *spike)
{
    json_t *all = json_object();
    for (int i = 0; i < lim_spectra_count(s); i++) {
        double v[LIM_SPECTRA]; /* out of order while vectors turn */
        memcpy(v, lim_spectra_values(s, i), sizeof v);
        qsort(v, LIM_SPECTRA, sizeof *v, falling);
        json_object_set_new(all, lim_spectra_name(s, i), json_pack("[fff]", v[0], v[1], v[2]));
        *spike |= usual[i] > 0 && v[0] > JUMP * usual[i];
        usual[i] = usual[i] > 0 ? 0.8 * usual[i] + 0.2 * v[0] : v[0];
    }
    return all;
}

static void
log_spectra(GanTrainer *t, const LimExec *exec)
{
    GanWatch *w = &t->watch;
    lim_spectra_step(t->g_spectra, LIM_SPECTRA, SWEEPS, exec);
    lim_spectra_step(t->d_spectra, LIM_SPECTRA, SWEEPS, exec);
    w->spike = false;
    json_t *g = spectrum(t->g_spectra, w->usual, &w->spike);
    json_t *d = spectrum(t->d_spectra, w->usual + lim_spectra_count(t->g_spectra), &w->spike);
    json_t *line = json_pack("{s:i, s:{s:o, s:o}}", "iteration", t->iteration, "singular_values",
                             "g", g, "d", d);
    char *text = json_dumps(line, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    t->log.line(t->log.ctx, text);
    free(text);
    json_decref(line);
}

/* ---- the line ---------------------------------------------------------------------------------
 */

/* What is wrong, or NULL. */
static const char *
symptom(GanTrainer *t, double d_loss)
{
    GanWatch *w = &t->watch;
    w->varied |= w->variety > DIFFERENT;
    if (d_loss < WON)
        return "the discriminator tells all samples from real pictures";
    if (w->varied && w->variety < ALIKE)
        return "the samples of a class have become alike";
    return NULL;
}

static void append(char line[512], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
append(char line[512], const char *fmt, ...)
{
    const size_t at = strlen(line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + at, 512 - at, fmt, ap);
    va_end(ap);
}

static LimStatus
log_line(GanTrainer *t, const LimExec *exec, LimError *err)
{
    GanWatch *w = &t->watch;
    const double d_loss = t->sum_d / t->n_d;
    double held, share;
    char line[512] = "";
    append(line,
           "{\"iteration\": %d, \"d_loss\": %.6g, \"g_loss\": %.6g, \"d_real\": %.6g, "
           "\"d_fake\": %.6g",
           t->iteration, d_loss, t->sum_g / t->n_g, t->sum_real / t->n_d, t->sum_fake / t->n_d);
    if (isfinite(w->variety))
        append(line, ", \"variety\": %.6g", w->variety);
    if (lim_val_ok(t->d_r1))
        append(line, ", \"r1\": %.6g", t->sum_r1 / t->n_d);
    if (w->plan) {
        if (score_held_out(t, exec, &held, &share, err) != LIM_OK)
            return err->code;
        append(line, ", \"d_held_out\": %.6g, \"d_real_share\": %.6g, \"d_held_out_share\": %.6g",
               held, t->sum_seen / t->n_d, share);
    }
    const char *lasting = symptom(t, d_loss);
    if (!lasting)
        w->ill_since = 0;
    else if (!w->ill_since)
        w->ill_since = t->iteration;
    w->symptom = lasting ? lasting : w->spike ? "a singular value jumped" : NULL;
    if (w->symptom)
        append(line, ", \"symptom\": \"%s\"", w->symptom);
    append(line, "}");
    t->log.line(t->log.ctx, line);
    t->sum_d = t->sum_g = t->sum_real = t->sum_fake = t->sum_r1 = t->sum_seen = 0;
    t->n_d = t->n_g = 0;
    if (lasting && t->p.stop_on_collapse && t->iteration - w->ill_since >= PATIENCE)
        return gan_collapsed(t, lasting, err);
    return LIM_OK;
}

LimStatus
gan_collapsed(const GanTrainer *t, const char *why, LimError *err)
{
    if (!t->checkpoint || !t->watch.good)
        return lim_fail(err, LIM_E_NUMERIC,
                        "the training collapsed at iteration %d: %s; try lower learning rates or "
                        "spectral normalisation",
                        t->iteration, why);
    return lim_fail(err, LIM_E_NUMERIC,
                    "the training collapsed at iteration %d: %s; %s holds the last good state, of "
                    "iteration %d (--iterations %d saves its generator); try lower learning rates "
                    "from there on under another name",
                    t->iteration, why, t->checkpoint, t->watch.good, t->watch.good);
}

LimStatus
gan_watch_iteration(GanTrainer *t, const LimExec *exec, LimError *err)
{
    if (due(t, t->iteration, t->p.spectra_every))
        log_spectra(t, exec);
    if (due(t, t->iteration, t->p.log_every) && t->n_d && t->n_g)
        return log_line(t, exec, err);
    return LIM_OK;
}

LimStatus
gan_watch_init(GanTrainer *t, const LimExec *exec, LimError *err)
{
    GanWatch *w = &t->watch;
    w->variety = (double)NAN;
    if (t->p.spectra_every || t->p.clamp > 0)
        t->g_spectra = lim_spectra_new(t->g);
    if (t->p.spectra_every) {
        t->d_spectra = lim_spectra_new(t->d);
        w->usual = lim_alloc((size_t)lim_spectra_count(t->g_spectra) +
                                 (size_t)lim_spectra_count(t->d_spectra),
                             sizeof *w->usual);
    }
    return w->held_out ? plan_held_out(t, exec, err) : LIM_OK;
}

void
gan_watch_clear(GanTrainer *t)
{
    GanWatch *w = &t->watch;
    lim_plan_free(w->plan);
    lim_spectra_free(t->g_spectra);
    lim_spectra_free(t->d_spectra);
    free(w->pictures);
    free(w->label);
    free(w->index);
    free(w->usual);
}
