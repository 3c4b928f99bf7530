/* Pictures on lines and planes are no pictures of an attack: asking about them is not counted. They
 * may leave the range 0 .. 1 (in the plane, beyond its corners); the classifier is asked all the
 * same, because clipping would bend the plane. */
#include "panes/attack/probe.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
size_of(const LimAttackRun *run)
{
    return (size_t)lim_shape_size(lim_attack_run_shape(run));
}

static const float *
shown_of(const LimAttackRun *run, int frame)
{
    return lim_recording_picture(lim_attack_run_recording(run), frame);
}

static void
place(const LimAttackRun *run, int frame, double t, float *out)
{
    const float *clean = lim_attack_run_clean(run), *shown = shown_of(run, frame);

    for (size_t i = 0; i < size_of(run); i++)
        out[i] = t >= 1 ? shown[i] : clean[i] + (float)t * (shown[i] - clean[i]);
}

static void
plane_place(const LimAttackRun *run, const float *const axis[2], double x, double y, float *out)
{
    const float *clean = lim_attack_run_clean(run);

    for (size_t i = 0; i < size_of(run); i++)
        out[i] = clean[i] + (float)x * axis[0][i] + (float)y * axis[1][i];
}

/* ---- the line ---- */

static LimStep
strip_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimStripTask *self = (LimStripTask *)t;
    const size_t size = size_of(self->run);
    float *x = lim_alloc(LIM_STRIP * size, sizeof *x), confidence;
    LimStatus status;
    int label;

    for (int i = 0; i < LIM_STRIP; i++)
        place(self->run, self->frame, i / (LIM_STRIP - 1.0), x + (size_t)i * size);
    status =
        lim_attack_run_ask(self->run, exec, x, LIM_STRIP, self->label, self->confidence, NULL, err);
    for (int i = 1; i < LIM_STRIP && status == LIM_OK; i++) {
        if (self->label[i] == self->label[i - 1] || self->n_flips == LIM_STRIP_MAX)
            continue;
        double lo = (i - 1) / (LIM_STRIP - 1.0), hi = i / (LIM_STRIP - 1.0);
        while (hi - lo > 1e-5 && status == LIM_OK) {
            const double middle = (lo + hi) / 2;
            place(self->run, self->frame, middle, x);
            status = lim_attack_run_ask(self->run, exec, x, 1, &label, &confidence, NULL, err);
            if (label == self->label[i - 1])
                lo = middle;
            else
                hi = middle;
        }
        self->flip[self->n_flips++] = hi;
    }
    free(x);
    return status == LIM_OK ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
strip_free(LimTask *t)
{
    lim_attack_run_unref(((LimStripTask *)t)->run);
    free(t);
}

LimTask *
lim_strip_task_new(LimAttackRun *run, int frame)
{
    static const LimTaskClass klass = {"line between pictures", strip_step, NULL, strip_free};
    LimStripTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frame = frame;
    return &self->base;
}

static LimStep
place_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimPlaceTask *self = (LimPlaceTask *)t;
    float confidence;

    self->picture = lim_alloc(size_of(self->run), sizeof(float));
    self->probability = lim_alloc((size_t)lim_attack_run_classes(self->run), sizeof(float));
    if (self->axis[0])
        plane_place(self->run, (const float *const *)self->axis, self->x, self->y, self->picture);
    else
        place(self->run, self->frame, self->t, self->picture);
    self->l2 = lim_l2(self->picture, lim_attack_run_clean(self->run), size_of(self->run));
    return lim_attack_run_ask(self->run, exec, self->picture, 1, &self->label, &confidence,
                              self->probability, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
place_free(LimTask *t)
{
    LimPlaceTask *self = (LimPlaceTask *)t;

    lim_attack_run_unref(self->run);
    free(self->axis[0]);
    free(self->axis[1]);
    free(self->picture);
    free(self->probability);
    free(self);
}

static LimPlaceTask *
place_new(LimAttackRun *run)
{
    static const LimTaskClass klass = {"place between pictures", place_step, NULL, place_free};
    LimPlaceTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    return self;
}

LimTask *
lim_place_task_new(LimAttackRun *run, int frame, double t)
{
    LimPlaceTask *self = place_new(run);

    self->frame = frame;
    self->t = t;
    return &self->base;
}

LimTask *
lim_plane_place_task_new(LimAttackRun *run, const float *const axis[2], double x, double y)
{
    LimPlaceTask *self = place_new(run);

    for (int k = 0; k < 2; k++)
        self->axis[k] = lim_memdup(axis[k], size_of(run), sizeof(float));
    self->x = x;
    self->y = y;
    return &self->base;
}

/* ---- the plane ---- */

static double
along(const float *x, const float *clean, const float *axis, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (double)clean[i]) * (double)axis[i];
    return sum;
}

/* d minus its part along axis (NULL: nothing), to length 1; its length before. */
static double
make_axis(float *d, const float *axis, size_t n)
{
    double part = 0, length = 0;

    for (size_t i = 0; i < n && axis; i++)
        part += (double)d[i] * (double)axis[i];
    for (size_t i = 0; i < n; i++) {
        d[i] -= axis ? (float)part * axis[i] : 0;
        length += (double)d[i] * (double)d[i];
    }
    length = sqrt(length);
    for (size_t i = 0; i < n && length > 0; i++)
        d[i] = (float)((double)d[i] / length);
    return length;
}

static void
span(LimSliceTask *self)
{
    LimAttackRun *run = self->run;
    const LimRecording *r = lim_attack_run_recording(run);
    const size_t n = size_of(run);
    const float *clean = lim_attack_run_clean(run), *shown = shown_of(run, self->frame);
    const float *start = shown;
    const uint64_t seed = lim_attack_run_plan(run)->setup.seed;
    const uint64_t stream = lim_rng_stream(LIM_STREAM_ATTACK, "slice", 0);
    const int frames = lim_recording_n(r);

    for (int i = 0; i < frames; i++)
        if (lim_recording_frame(r, i)->fools) {
            start = lim_recording_picture(r, i);
            break;
        }
    for (int k = 0; k < 2; k++) {
        const float *to = k ? start : shown;
        self->axis[k] = lim_alloc(n, sizeof(float));
        for (size_t i = 0; i < n; i++)
            self->axis[k][i] = to[i] - clean[i];
        const double length = lim_l2(to, clean, n);
        if (make_axis(self->axis[k], k ? self->axis[0] : NULL, n) <= 1e-3 * length || length == 0) {
            lim_rng_normal(seed, stream, (uint64_t)k * n, self->axis[k], n);
            make_axis(self->axis[k], k ? self->axis[0] : NULL, n);
        }
        self->shown[k] = along(shown, clean, self->axis[k], n);
        self->start[k] = along(start, clean, self->axis[k], n);
    }
    /* A square around the three, with room; never a point. */
    double lo[2], hi[2], side = 0;
    for (int k = 0; k < 2; k++) {
        lo[k] = fmin(0, fmin(self->shown[k], self->start[k]));
        hi[k] = fmax(0, fmax(self->shown[k], self->start[k]));
        side = fmax(side, hi[k] - lo[k]);
    }
    self->side = side > 0 ? 1.5 * side : 1;
    self->x0 = (lo[0] + hi[0] - self->side) / 2;
    self->y0 = (lo[1] + hi[1] - self->side) / 2;

    const int every = frames / LIM_SLICE_PATH + 1;
    for (int i = 0; i < frames; i += every) {
        const float *x = lim_recording_picture(r, i);
        if (i > 0 && x == lim_recording_picture(r, i - 1))
            continue;
        self->path_frame[self->n_path] = i;
        for (int k = 0; k < 2; k++)
            self->path[self->n_path][k] = along(x, clean, self->axis[k], n);
        self->n_path++;
    }
}

static LimStep
slice_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimSliceTask *self = (LimSliceTask *)t;
    const size_t n = size_of(self->run), grid = (size_t)self->grid;

    if (!self->label) {
        span(self);
        self->label = lim_alloc(grid * grid, sizeof *self->label);
        self->confidence = lim_alloc(grid * grid, sizeof(float));
    }
    const double y = self->y0 + self->side * (1 - (self->row + 0.5) / self->grid);
    float *x = lim_alloc(grid * n, sizeof *x);
    for (size_t c = 0; c < grid; c++) {
        const double across = self->x0 + self->side * ((double)c + 0.5) / self->grid;
        plane_place(self->run, (const float *const *)self->axis, across, y, x + c * n);
    }
    const size_t at = (size_t)self->row * grid;
    const LimStatus status = lim_attack_run_ask(self->run, exec, x, self->grid, self->label + at,
                                                self->confidence + at, NULL, err);
    free(x);
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    return ++self->row == self->grid ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
slice_free(LimTask *t)
{
    LimSliceTask *self = (LimSliceTask *)t;

    lim_attack_run_unref(self->run);
    free(self->axis[0]);
    free(self->axis[1]);
    free(self->label);
    free(self->confidence);
    free(self);
}

LimTask *
lim_slice_task_new(LimAttackRun *run, int frame, int grid)
{
    static const LimTaskClass klass = {"slice", slice_step, NULL, slice_free};
    LimSliceTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frame = frame;
    self->grid = grid;
    return &self->base;
}

/* ---- layers ---- */

/* What a denoiser makes of the shown picture, as one more curve. One that cannot be read, or is for
 * other pictures, has none: whoever chooses it is told why. */
static void
add_denoised(LimLayersTask *self, const LimExec *exec, const char *path, float *x)
{
    LimError none = LIM_ERROR_INIT;
    const size_t size = size_of(self->run);
    LimDenoiser *by = lim_bench_denoiser(lim_attack_run_bench(self->run), path, &none);

    if (!by || lim_denoiser_params(by)->channels != lim_attack_run_shape(self->run).d[0])
        return;
    if (lim_attack_run_denoise(self->run, by, exec, shown_of(self->run, self->frame),
                               x + (size_t)self->n_curves * size, &none) == LIM_OK)
        self->curve[self->n_curves++].denoiser = path;
}

static LimStep
layers_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimLayersTask *self = (LimLayersTask *)t;
    const size_t size = size_of(self->run);
    const char *chosen = lim_attack_run_plan(self->run)->denoiser, *const * paths;
    const int n = lim_bench_denoisers(lim_attack_run_bench(self->run), &paths);
    float *x = lim_alloc(LIM_LAYERS_CURVES * size, sizeof *x);
    double ratio[LIM_LAYERS_CURVES * LIM_AMPLIFICATION_LAYERS];

    memcpy(x, shown_of(self->run, self->frame), size * sizeof *x);
    self->n_curves = 1;
    for (int i = 0; i < n; i++) {
        const bool is_chosen = chosen && strcmp(chosen, paths[i]) == 0;
        const int last = LIM_LAYERS_CURVES - (chosen && !self->chosen && !is_chosen);
        if (self->n_curves >= last)
            continue;
        add_denoised(self, exec, paths[i], x);
        if (is_chosen)
            self->chosen = self->n_curves - 1;
    }
    const LimStatus status =
        lim_attack_run_amplification(self->run, exec, x, self->n_curves, ratio, err);
    free(x);
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    const LimAmplifier *a = lim_attack_run_amplifier(self->run);
    self->n = lim_amplifier_layers(a);
    for (int i = 0; i < self->n; i++)
        snprintf(self->name[i], sizeof self->name[i], "%s", lim_amplifier_layer(a, i));
    for (int k = 0; k < self->n_curves; k++)
        memcpy(self->curve[k].ratio, ratio + k * self->n, (size_t)self->n * sizeof *ratio);
    return LIM_STEP_DONE;
}

static void
layers_free(LimTask *t)
{
    lim_attack_run_unref(((LimLayersTask *)t)->run);
    free(t);
}

LimTask *
lim_layers_task_new(LimAttackRun *run, int frame)
{
    static const LimTaskClass klass = {"layers", layers_step, NULL, layers_free};
    LimLayersTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_attack_run_ref(run);
    self->frame = frame;
    return &self->base;
}
