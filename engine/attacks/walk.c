/* One walk: look for a start, come near on a straight line, then orthogonal and source steps.
 *
 * A proposal follows the candidate formulas of the authors' code, in this order: orthogonal step,
 * back to the sphere, clip, source step whose length makes up for what clipping did to the
 * distance, clip. It is computed in double; what is compared is the distance of the float picture
 * that the model was shown.
 *
 * Three kinds of bookkeeping decide how delta and epsilon follow the answers:
 *   original  the authors' code: every tenth round the orthogonal step is asked about first, the
 *             source step's rate is conditional on it; up to 25 candidates a round.
 *   foolbox   Foolbox 3: one candidate a round, both rates unconditional, every tenth round.
 *   limen     ours. (1) Every answer moves the step sizes a little, so they fit after a hundred
 *             questions instead of a thousand. (2) The walk remembers: directions whose proposals
 *             fooled minus directions whose proposals did not, weighted by surprise and slowly
 *             forgotten, add up to an estimate of the boundary's normal, which is what
 *             HopSkipJump (Chen, Jordan, Wainwright 2020) spends separate questions on; new
 *             directions lean towards it. (3) The noise is smooth, for networks listen to
 *             low frequencies (Guo, Frank, Weinberger 2018; Brunner et al. 2019 for this attack).
 *             (4) The start is reached by bisection. It is still a Boundary Attack: one question,
 *             one proposal, accepted when it fools and is closer. */
#include "attacks/walk.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Looking for a start: so many of each, then the pool. */
#define NOISES 20
#define BLENDS 40

#define CANDIDATES 25 /* a round, "original" */
#define EVERY      10 /* rounds between looks at the orthogonal step */
#define SHORTEST   1e-7

/* "limen", found by trying on a shipped classifier: */
#define LEAN            0.5  /* share of the memory in a direction, as the sine of an angle */
#define FORGET          0.01 /* of the memory, an answer */
#define ORTHOGONAL_RATE 0.5  /* wanted */
#define SOURCE_RATE     0.3
#define ORTHOGONAL_GAIN 0.3 /* an answer changes the step's logarithm by gain (outcome - rate) */
#define SOURCE_GAIN     0.1

void
lim_walk_init(LimWalk *w, const LimWalkSetup *setup, uint64_t stream)
{
    *w = (LimWalk){.setup = setup, .steps = lim_kernels_best()->steps, .stream = stream};
    float **const buffer[] = {&w->start, &w->current, &w->asked, &w->sphere, &w->memory, &w->eta};
    for (size_t i = 0; i < sizeof buffer / sizeof *buffer; i++)
        *buffer[i] = lim_alloc(setup->size, sizeof(float));
    w->step = (LimBoundaryStep){.distance = INFINITY,
                                .orthogonal_rate = NAN,
                                .source_rate = NAN,
                                .picture = -1,
                                .label = -1};
    w->orthogonal_mean = ORTHOGONAL_RATE;
    w->source_mean = SOURCE_RATE;
}

void
lim_walk_clear(LimWalk *w)
{
    free(w->start);
    free(w->current);
    free(w->asked);
    free(w->sphere);
    free(w->memory);
    free(w->eta);
}

void
lim_walk_copy(LimWalk *to, const LimWalk *from)
{
    LimWalk copy = *from;
    copy.setup = to->setup;
    float *const mine[] = {to->start, to->current, to->asked, to->sphere, to->memory, to->eta};
    float *const its[] = {from->start,  from->current, from->asked,
                          from->sphere, from->memory,  from->eta};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
        memcpy(mine[i], its[i], to->setup->size * sizeof(float));
    copy.start = to->start;
    copy.current = to->current;
    copy.asked = to->asked;
    copy.sphere = to->sphere;
    copy.memory = to->memory;
    copy.eta = to->eta;
    *to = copy;
}

LimStatus
lim_walk_parse_restarts(const char *text, LimWalkRestart *restart, int *n, LimError *err)
{
    const char *at = text;

    for (*n = 0; *at; (*n)++) {
        LimWalkRestart r;
        int end = 0;
        if (*n == LIM_WALK_RESTARTS)
            return lim_fail(err, LIM_E_PARAM, "--restarts: there are more than %d of them",
                            LIM_WALK_RESTARTS);
        if (sscanf(at, "%9d:%9u%n", &r.step, &r.way, &end) != 2 || r.step < 0 || r.way < 1 ||
            (*n > 0 && r.step <= restart[*n - 1].step) || (at[end] && at[end] != ',') ||
            (at[end] && !at[end + 1]))
            return lim_fail(
                err, LIM_E_PARAM,
                "--restarts: \"%.60s\" is not of the form STEP:WAY,STEP:WAY with rising "
                "steps and ways from 1 on, such as 120:1,300:2",
                text);
        restart[*n] = r;
        at += end + (at[end] == ',');
    }
    return LIM_OK;
}

static bool
fools(const LimWalk *w, int32_t label)
{
    return w->setup->target >= 0 ? label == w->setup->target : label != w->setup->label;
}

/* ---- a start ----------------------------------------------------------------------------------
 */

/* Uniform noise in squares of `grain` pixels. */
static void
noise_squares(const LimWalk *w, uint64_t stream, int grain, float *out)
{
    const LimWalkSetup *s = w->setup;
    const size_t rows = s->size / (size_t)s->w;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < (size_t)s->w; j++) {
            const size_t g = (size_t)grain, plane = i / (size_t)s->h * (size_t)s->h;
            const size_t at = (plane + (i - plane) / g * g) * (size_t)s->w + j / g * g;
            if (at == i * (size_t)s->w + j)
                lim_rng_uniform(s->seed, stream, at, out + at, 1);
            else
                out[i * (size_t)s->w + j] = out[at];
        }
}

/* Prepares the next candidate to start from. */
static bool
next_start(LimWalk *w)
{
    const LimWalkSetup *s = w->setup;
    const size_t size = s->size;
    if (s->start) {
        w->step.kind = LIM_BOUNDARY_GIVEN;
        memcpy(w->asked, s->start, size * sizeof(float));
        return w->tried++ == 0;
    }
    const int before = s->target >= 0 ? 0 : NOISES + BLENDS;
    if (w->tried < before) {
        const int t = w->tried++;
        const uint64_t stream = lim_rng_stream(w->stream, "start", (uint64_t)t);
        if (t < NOISES) {
            w->step.kind = LIM_BOUNDARY_NOISE;
            lim_rng_uniform(s->seed, stream, 0, w->asked, size);
            return true;
        }
        /* squares of 1, 2, 4, ... 32 pixels, a quarter to all of them */
        w->step.kind = LIM_BOUNDARY_BLEND;
        noise_squares(w, stream, 1 << (t - NOISES) % 6, w->asked);
        const float share = 0.25F + 0.25F * (float)((t - NOISES) / 6 % 4);
        for (size_t i = 0; i < size; i++)
            w->asked[i] = s->original[i] + share * (w->asked[i] - s->original[i]);
        return true;
    }
    /* The pool in an order of its own for each picture: from a random place on. */
    w->step.kind = LIM_BOUNDARY_POOL;
    for (; w->tried - before < s->n_pool;) {
        const uint32_t n = (uint32_t)s->n_pool;
        const uint32_t from = lim_rng_below(s->seed, lim_rng_stream(w->stream, "pool", 0), 0, n);
        const uint32_t i = (from + (uint32_t)(w->tried++ - before)) % n;
        if (!fools(w, s->pool_label[i]))
            continue;
        memcpy(w->asked, s->pool + (size_t)i * size, size * sizeof(float));
        return true;
    }
    return false;
}

/* ---- the line from the start ------------------------------------------------------------------
 */

/* The authors and Foolbox ask at places in order, from the original on; the first that fools ends
 * it. Bisection, with a given start too, finds a crossing with ten questions. */
static bool
next_place(LimWalk *w)
{
    const LimWalkSetup *s = w->setup;
    const int book = s->params.bookkeeping;
    const int places = book == LIM_WALK_LIMEN ? 10 : book == LIM_WALK_ORIGINAL ? 1000 : 50;
    /* The references come near only from noise. */
    if (w->tried >= places - (book != LIM_WALK_LIMEN) ||
        (book != LIM_WALK_LIMEN && (s->start || s->target >= 0)) || w->high <= w->low)
        return false;
    w->tried++;
    const double share =
        book == LIM_WALK_LIMEN ? (w->low + w->high) / 2 : (double)w->tried / (places - 1);
    w->steps->towards(s->original, w->start, share, w->asked, s->size);
    w->step.kind = LIM_BOUNDARY_SEARCH;
    return true;
}

static void
answer_place(LimWalk *w, bool yes)
{
    const int book = w->setup->params.bookkeeping;
    if (book == LIM_WALK_LIMEN)
        *(yes ? &w->high : &w->low) = (w->low + w->high) / 2;
    else if (yes)
        w->high = w->low; /* ends it */
}

/* ---- proposals --------------------------------------------------------------------------------
 */

/* Nearly normal numbers: the sum of the four bytes of a random word. In a direction of a thousand
 * values their exact law does not matter, only that they are independent and alike. */
static void
draw_noise(const LimWalk *w, float *out)
{
    const LimWalkSetup *s = w->setup;
    enum { WORDS = 256 };
    uint32_t word[WORDS];
    for (size_t i = 0, n; i < s->size; i += n) {
        n = s->size - i < WORDS ? s->size - i : WORDS;
        lim_rng_blocks(s->seed, w->stream, (uint64_t)w->draw << 20 | i / 4, (n + 3) / 4, word);
        for (size_t k = 0; k < n; k++) {
            const uint32_t pairs = (word[k] & 0x00ff00ffU) + (word[k] >> 8 & 0x00ff00ffU);
            out[i + k] = (float)((int32_t)((pairs & 0xffff) + (pairs >> 16)) - 510);
        }
    }
}

#define WIDEST 256

/* Binomial smoothing [1 2 1] / 4 along rows and columns, in place. */
static void
smooth(const LimWalk *w, float *x)
{
    const LimWalkSetup *s = w->setup;
    const size_t width = (size_t)s->w, rows = s->size / width, h = (size_t)s->h;
    const float zero[WIDEST] = {0};
    float copy[WIDEST + 2] = {0}, above[WIDEST];
    LIM_ASSERT(width <= WIDEST);
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * width;
        memcpy(copy + 1, row, width * sizeof *row);
        copy[width + 1] = 0;
        for (size_t j = 0; j < width; j++)
            row[j] = 0.25F * (copy[j] + copy[j + 2]) + 0.5F * copy[j + 1];
    }
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * width;
        const float *below = r % h + 1 < h ? row + width : zero;
        if (r % h == 0)
            memset(above, 0, sizeof above);
        for (size_t j = 0; j < width; j++) {
            const float here = row[j];
            row[j] = 0.25F * (above[j] + below[j]) + 0.5F * here;
            above[j] = here;
        }
    }
}

/* eta := a direction. */
static void
draw_direction(LimWalk *w)
{
    const size_t n = w->setup->size;
    draw_noise(w, w->eta);
    if (w->setup->params.bookkeeping != LIM_WALK_LIMEN)
        return;
    smooth(w, w->eta);
    const double memory = sqrt(w->steps->dot(w->memory, w->memory, n));
    if (memory == 0)
        return;
    const double noise = sqrt(w->steps->dot(w->eta, w->eta, n));
    w->steps->mix(w->eta, (float)(sqrt(1 - LEAN * LEAN) / noise), w->memory, (float)(LEAN / memory),
                  n);
}

static void
propose(LimWalk *w)
{
    const LimStepKernels *k = w->steps;
    const float *o = w->setup->original, *x = w->current;
    float *eta = w->eta;
    const size_t n = w->setup->size;
    const double radius = w->step.distance, delta = w->step.delta;
    w->draw++;
    draw_direction(w);
    const double along = k->dot_difference(eta, o, x, n) / (radius * radius);
    const double square = k->subtract_difference(eta, along, o, x, n);
    const double norm = square > 0 ? 1 / sqrt(square) : 1;
    k->mix(eta, (float)norm, eta, 0, n); /* of length 1 */
    const double back = 1 / sqrt(1 + delta * delta);
    const double reach = sqrt(k->around(o, x, eta, delta * radius, back, w->sphere, n));
    const double step = fmax(0, w->step.epsilon * radius + reach - radius);
    k->towards(w->sphere, o, reach > 0 ? step / reach : 0, w->asked, n);
}

static bool
next_proposal(LimWalk *w)
{
    const LimWalkParams *p = &w->setup->params;
    if (p->bookkeeping == LIM_WALK_FOOLBOX && w->step.kind == LIM_BOUNDARY_PROPOSAL && w->both) {
        w->step.kind = LIM_BOUNDARY_ORTHOGONAL; /* of the proposal just asked about */
        memcpy(w->asked, w->sphere, w->setup->size * sizeof(float));
        return true;
    }
    if (w->step.kind == LIM_BOUNDARY_ORTHOGONAL && w->step.fools &&
        p->bookkeeping != LIM_WALK_FOOLBOX) {
        w->step.kind = LIM_BOUNDARY_PROPOSAL; /* of the orthogonal step just asked about */
        memcpy(w->asked, w->start, w->setup->size * sizeof(float));
        return true;
    }
    const int candidates = p->bookkeeping == LIM_WALK_ORIGINAL ? CANDIDATES : 1;
    if (w->tried == 0 || w->tried >= candidates || w->step.accepted) {
        w->tried = 0;
        w->refused++; /* rounds */
        w->both = w->refused % EVERY == 0 || w->converged;
    }
    w->tried++;
    propose(w);
    w->step.kind = LIM_BOUNDARY_PROPOSAL;
    if (w->both && p->bookkeeping != LIM_WALK_FOOLBOX) {
        /* the start is needed no more: its place keeps the proposal */
        memcpy(w->start, w->asked, w->setup->size * sizeof(float));
        memcpy(w->asked, w->sphere, w->setup->size * sizeof(float));
        w->step.kind = LIM_BOUNDARY_ORTHOGONAL;
    }
    return true;
}

/* ---- bookkeeping ------------------------------------------------------------------------------
 */

static void
push(LimWalkQueue *q, int capacity, bool outcome)
{
    q->outcome[q->next] = outcome;
    q->next = (q->next + 1) % capacity;
    if (q->n < capacity)
        q->n++;
}

static double
rate(const LimWalkQueue *q)
{
    int yes = 0;
    for (int i = 0; i < q->n; i++)
        yes += q->outcome[i];
    return q->n ? (double)yes / q->n : (double)NAN;
}

/* Both references: when a queue is full and its rate off, steps change and the queue is emptied. */
static void
adapt_queues(LimWalk *w)
{
    const LimWalkParams *p = &w->setup->params;
    const bool foolbox = p->bookkeeping == LIM_WALK_FOOLBOX;
    double r = rate(&w->orthogonal), high = foolbox ? 0.25 : 0.5, low = foolbox ? 0.1 : 0.2;
    w->step.orthogonal_rate = (float)r;
    if (w->orthogonal.n == 100 && (r > 0.5 || r < 0.2)) {
        const double factor = r > 0.5 ? p->adaptation : 1 / p->adaptation;
        w->step.delta *= factor;
        w->step.epsilon *= factor;
        w->orthogonal.n = w->orthogonal.next = 0;
    }
    r = rate(&w->source);
    w->step.source_rate = (float)r;
    if (w->source.n == 30 && (r > high || r < low)) {
        w->step.epsilon *= r > high ? p->adaptation : 1 / p->adaptation;
        w->source.n = w->source.next = 0;
    }
    if (w->step.epsilon >= SHORTEST)
        return;
    /* Converged. The authors look once more with the first steps, and end when that comes to the
     * same; Foolbox ends. */
    if (foolbox || w->converged) {
        w->done = true;
        return;
    }
    w->converged = true;
    w->step.delta = p->delta;
    w->step.epsilon = p->epsilon;
    w->orthogonal.n = w->orthogonal.next = w->source.n = w->source.next = 0;
}

static void
answer_references(LimWalk *w, bool yes)
{
    const bool orthogonal = w->step.kind == LIM_BOUNDARY_ORTHOGONAL;
    if (!w->both)
        return;
    if (orthogonal)
        push(&w->orthogonal, 100, yes);
    else
        push(&w->source, 30, yes);
    if (w->setup->params.bookkeeping != LIM_WALK_FOOLBOX || orthogonal)
        adapt_queues(w);
}

static void
answer_limen(LimWalk *w, bool yes)
{
    const size_t n = w->setup->size;
    if (w->step.kind == LIM_BOUNDARY_ORTHOGONAL) {
        w->step.delta *= exp(ORTHOGONAL_GAIN * (yes - ORTHOGONAL_RATE));
        w->step.delta = fmin(fmax(w->step.delta, 1e-4), 1);
        w->orthogonal_mean += 0.1 * (yes - w->orthogonal_mean);
        w->step.orthogonal_rate = (float)w->orthogonal_mean;
        return;
    }
    w->step.epsilon *= exp(SOURCE_GAIN * (yes - SOURCE_RATE));
    w->step.epsilon = fmin(fmax(w->step.epsilon, 1e-6), 0.5);
    const float surprise = (float)(yes - w->source_mean), kept = (float)(1 - FORGET);
    w->source_mean += 0.05 * (yes - w->source_mean);
    w->step.source_rate = (float)w->source_mean;
    w->steps->mix(w->memory, kept, w->eta, surprise, n);
}

/* ---- the dialogue ----------------------------------------------------------------------------
 */

bool
lim_walk_next(LimWalk *w)
{
    if (w->pending)
        return true;
    const LimWalkParams *p = &w->setup->params;
    for (const LimWalkRestart *r = &w->setup->restart[w->restarts];
         w->restarts < w->setup->n_restarts && r->step < w->questions; r++, w->restarts++)
        w->stream = lim_rng_stream(w->stream, "fork", r->way);
    if (w->done || (p->distance > 0 && w->step.distance <= p->distance) ||
        (p->steps > 0 && w->questions >= p->steps))
        w->done = true;
    else if (w->step.picture < 0)
        w->done = !next_start(w);
    else if (w->step.delta > 0 || !next_place(w)) {
        if (w->step.delta == 0) {
            w->step.delta = p->delta;
            w->step.epsilon = p->epsilon;
            w->tried = 0;
        }
        w->done = w->step.distance == 0 || !next_proposal(w);
    }
    w->pending = !w->done;
    if (!w->done)
        w->step.proposed = lim_l2(w->asked, w->setup->original, w->setup->size);
    return !w->done;
}

void
lim_walk_answer(LimWalk *w, int32_t label)
{
    const bool yes = fools(w, label), first = w->step.picture < 0;
    w->pending = false;
    w->questions++;
    w->step.label = (int16_t)label;
    w->step.fools = yes;
    w->step.accepted =
        yes && w->step.proposed < w->step.distance && w->step.kind != LIM_BOUNDARY_ORTHOGONAL;
    if (w->step.accepted) {
        memcpy(w->current, w->asked, w->setup->size * sizeof(float));
        w->step.distance = w->step.proposed;
        w->current_label = label;
        w->step.picture++;
    }
    if (w->step.kind == LIM_BOUNDARY_SEARCH) {
        answer_place(w, yes);
    } else if (w->step.kind < LIM_BOUNDARY_SEARCH) {
        if (first && yes) {
            memcpy(w->start, w->asked, w->setup->size * sizeof(float));
            w->low = 0;
            w->high = 1;
            w->tried = 0;
        }
    } else if (w->setup->params.bookkeeping == LIM_WALK_LIMEN) {
        answer_limen(w, yes);
    } else {
        answer_references(w, yes);
    }
}
