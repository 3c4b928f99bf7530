/* The Boundary Attack on many pictures: one walk (walk.c) each, one question of each per step,
 * asked together. And traces: the answers, the accepted pictures, and now and then a copy of the
 * walk, from which the walk between can be gone again without asking anybody.
 *
 * Everything that a trace holds lies in blocks that are written once and counted by reference, so
 * that a reader needs no lock and a shortened trace shares them with the one it came from. */
#include "attacks/boundary.h"

#include "attacks/walk.h"
#include "base/rng.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const lim_boundary_kind_names[] = {"given",  "noise",      "blend",    "pool",
                                               "search", "orthogonal", "proposal", NULL};

/* ---- traces -----------------------------------------------------------------------------------
 */

#define STEPS     1024 /* in a block */
#define PICTURES  64
#define KEY_EVERY 64 /* steps */

/* What a walk needs to be gone again. */
typedef struct Origin {
    atomic_int refs;
    LimWalkSetup setup;
    float *original, *start, *pool;
    int32_t *pool_label;
} Origin;

typedef struct StepBlock {
    atomic_int refs;
    LimBoundaryStep step[STEPS];
} StepBlock;

typedef struct PictureBlock {
    atomic_int refs;
    float value[]; /* [PICTURES][size] */
} PictureBlock;

/* The walk before that step. */
typedef struct Key {
    atomic_int refs;
    int step;
    LimWalk walk;
} Key;

struct LimBoundaryTrace {
    atomic_int refs;
    Origin *origin;
    atomic_int n, n_keys;
    int n_pictures;
    StepBlock *steps[LIM_BOUNDARY_STEPS / STEPS];
    PictureBlock *pictures[LIM_BOUNDARY_STEPS / PICTURES];
    Key *keys[LIM_BOUNDARY_STEPS / KEY_EVERY]; /* by step */
};

static bool
last_reference(atomic_int *refs)
{
    return atomic_fetch_sub(refs, 1) == 1;
}

static Origin *
origin_new(const LimWalkSetup *setup)
{
    Origin *o = lim_alloc(1, sizeof *o);
    const size_t n = (size_t)setup->n_pool;
    atomic_init(&o->refs, 1);
    o->setup = *setup;
    o->setup.original = o->original = lim_memdup(setup->original, setup->size, sizeof(float));
    o->setup.start = o->start = lim_memdup(setup->start, setup->size, sizeof(float));
    o->setup.pool = o->pool = lim_memdup(setup->pool, n * setup->size, sizeof(float));
    o->setup.pool_label = o->pool_label = lim_memdup(setup->pool_label, n, sizeof(int32_t));
    return o;
}

static LimBoundaryTrace *
trace_new(Origin *origin)
{
    LimBoundaryTrace *t = lim_alloc(1, sizeof *t);
    atomic_init(&t->refs, 1);
    t->origin = origin;
    return t;
}

LimBoundaryTrace *
lim_boundary_trace_ref(LimBoundaryTrace *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void
lim_boundary_trace_unref(LimBoundaryTrace *t)
{
    if (!t || !last_reference(&t->refs))
        return;
    for (int i = 0; i < LIM_BOUNDARY_STEPS / STEPS && t->steps[i]; i++)
        if (last_reference(&t->steps[i]->refs))
            free(t->steps[i]);
    for (int i = 0; i < LIM_BOUNDARY_STEPS / PICTURES && t->pictures[i]; i++)
        if (last_reference(&t->pictures[i]->refs))
            free(t->pictures[i]);
    for (int i = 0; i < atomic_load(&t->n_keys); i++)
        if (last_reference(&t->keys[i]->refs)) {
            lim_walk_clear(&t->keys[i]->walk);
            free(t->keys[i]);
        }
    if (last_reference(&t->origin->refs)) {
        free(t->origin->original);
        free(t->origin->start);
        free(t->origin->pool);
        free(t->origin->pool_label);
        free(t->origin);
    }
    free(t);
}

int
lim_boundary_trace_n(const LimBoundaryTrace *t)
{
    return atomic_load_explicit(&((LimBoundaryTrace *)(void *)t)->n, memory_order_acquire);
}

const LimBoundaryStep *
lim_boundary_trace_step(const LimBoundaryTrace *t, int step)
{
    LIM_ASSERT(step >= 0 && step < lim_boundary_trace_n(t));
    return &t->steps[step / STEPS]->step[step % STEPS];
}

static float *
picture_at(const LimBoundaryTrace *t, int i)
{
    return t->pictures[i / PICTURES]->value + (size_t)(i % PICTURES) * t->origin->setup.size;
}

const float *
lim_boundary_trace_picture(const LimBoundaryTrace *t, int step)
{
    const int i = lim_boundary_trace_step(t, step)->picture;
    return i < 0 ? NULL : picture_at(t, i);
}

int
lim_boundary_trace_accepted(const LimBoundaryTrace *t, int step, int direction)
{
    const int n = lim_boundary_trace_n(t);
    for (int i = step + direction; i >= 0 && i < n; i += direction)
        if (lim_boundary_trace_step(t, i)->accepted)
            return i;
    return -1;
}

size_t
lim_boundary_trace_bytes(const LimBoundaryTrace *t)
{
    const int n = lim_boundary_trace_n(t);
    const int pictures = n > 0 ? lim_boundary_trace_step(t, n - 1)->picture + 1 : 0;
    const size_t picture = t->origin->setup.size * sizeof(float);
    const int keys = atomic_load(&((LimBoundaryTrace *)(void *)t)->n_keys);
    return sizeof *t + (size_t)((n + STEPS - 1) / STEPS) * sizeof(StepBlock) +
           (size_t)((pictures + PICTURES - 1) / PICTURES) * PICTURES * picture +
           (size_t)keys * (sizeof(Key) + LIM_WALK_BUFFERS * picture);
}

static void
trace_add_key(LimBoundaryTrace *t, const LimWalk *w)
{
    const int n = atomic_load(&t->n_keys);
    Key *k = lim_alloc(1, sizeof *k);
    atomic_init(&k->refs, 1);
    k->step = lim_boundary_trace_n(t);
    lim_walk_init(&k->walk, &t->origin->setup, w->stream);
    lim_walk_copy(&k->walk, w);
    k->walk.setup = NULL; /* it may be that of another trace by then */
    t->keys[n] = k;
    atomic_store_explicit(&t->n_keys, n + 1, memory_order_release);
}

/* Before a question is prepared. */
static void
trace_before(LimBoundaryTrace *t, const LimWalk *w)
{
    const int n = lim_boundary_trace_n(t), keys = atomic_load(&t->n_keys);
    if (n < LIM_BOUNDARY_STEPS && n % KEY_EVERY == 0 && (keys == 0 || t->keys[keys - 1]->step != n))
        trace_add_key(t, w);
}

/* After its answer. */
static void
trace_append(LimBoundaryTrace *t, const LimWalk *w)
{
    const int n = lim_boundary_trace_n(t);
    if (n == LIM_BOUNDARY_STEPS)
        return;
    StepBlock **steps = &t->steps[n / STEPS];
    if (!*steps) {
        *steps = lim_alloc(1, sizeof **steps);
        atomic_init(&(*steps)->refs, 1);
    }
    (*steps)->step[n % STEPS] = w->step;
    if (w->step.accepted) {
        const size_t size = w->setup->size;
        PictureBlock **block = &t->pictures[t->n_pictures / PICTURES];
        if (!*block) {
            *block = lim_alloc(1, sizeof **block + PICTURES * size * sizeof(float));
            atomic_init(&(*block)->refs, 1);
        }
        memcpy(picture_at(t, t->n_pictures++), w->current, size * sizeof(float));
    }
    atomic_store_explicit(&t->n, n + 1, memory_order_release);
}

/* Brings w to where it was after `steps` steps. */
static void
trace_replay(const LimBoundaryTrace *t, int steps, LimWalk *w)
{
    const int n_keys =
        atomic_load_explicit(&((LimBoundaryTrace *)(void *)t)->n_keys, memory_order_acquire);
    int low = 0, high = n_keys; /* the last key before the last of these steps */
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (t->keys[middle]->step < steps || t->keys[middle]->step == 0)
            low = middle;
        else
            high = middle;
    }
    lim_walk_copy(w, &t->keys[low]->walk);
    for (int i = t->keys[low]->step; i < steps; i++) {
        lim_walk_next(w);
        lim_walk_answer(w, lim_boundary_trace_step(t, i)->label);
    }
}

void
lim_boundary_trace_asked(const LimBoundaryTrace *t, int step, float *out)
{
    LimWalk w;
    LIM_ASSERT(step >= 0 && step < lim_boundary_trace_n(t));
    lim_walk_init(&w, &t->origin->setup, 0);
    trace_replay(t, step + 1, &w);
    memcpy(out, w.asked, w.setup->size * sizeof *out);
    lim_walk_clear(&w);
}

/* The first `steps` steps of a trace, for a walk from that origin; what is whole is shared. */
static LimBoundaryTrace *
trace_begin_of(const LimBoundaryTrace *t, int steps, Origin *origin)
{
    const size_t size = t->origin->setup.size;
    atomic_fetch_add(&origin->refs, 1);
    LimBoundaryTrace *s = trace_new(origin);
    s->n_pictures = steps > 0 ? lim_boundary_trace_step(t, steps - 1)->picture + 1 : 0;
    for (int i = 0; i * STEPS < steps; i++) {
        if ((i + 1) * STEPS <= steps) {
            s->steps[i] = t->steps[i];
            atomic_fetch_add(&s->steps[i]->refs, 1);
            continue;
        }
        s->steps[i] = lim_alloc(1, sizeof(StepBlock));
        atomic_init(&s->steps[i]->refs, 1);
        memcpy(s->steps[i]->step, t->steps[i]->step,
               (size_t)(steps - i * STEPS) * sizeof(LimBoundaryStep));
    }
    for (int i = 0; i * PICTURES < s->n_pictures; i++) {
        if ((i + 1) * PICTURES <= s->n_pictures) {
            s->pictures[i] = t->pictures[i];
            atomic_fetch_add(&s->pictures[i]->refs, 1);
            continue;
        }
        s->pictures[i] = lim_alloc(1, sizeof(PictureBlock) + PICTURES * size * sizeof(float));
        atomic_init(&s->pictures[i]->refs, 1);
        memcpy(s->pictures[i]->value, t->pictures[i]->value,
               (size_t)(s->n_pictures - i * PICTURES) * size * sizeof(float));
    }
    int keys = 0;
    for (; keys < atomic_load(&((LimBoundaryTrace *)(void *)t)->n_keys) &&
           (t->keys[keys]->step < steps || t->keys[keys]->step == 0);
         keys++) {
        s->keys[keys] = t->keys[keys];
        atomic_fetch_add(&s->keys[keys]->refs, 1);
    }
    atomic_init(&s->n_keys, keys);
    atomic_init(&s->n, steps);
    return s;
}

/* ---- the attack -------------------------------------------------------------------------------
 */

static const char *const bookkeeping_names[] = {"limen", "original", "foolbox", NULL};

static const LimParamSpec schema[] = {
    {.name = "bookkeeping",
     .label = "Bookkeeping",
     .help =
         "How the step sizes follow success. limen: after every answer, and new directions lean "
         "towards those that fooled. original and foolbox: as in the authors' code and in "
         "Foolbox 3.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimWalkParams, bookkeeping),
     .max = 2,
     .choices = bookkeeping_names},
    {.name = "orthogonal-step",
     .label = "First orthogonal step",
     .help = "Length of the first steps along the sphere around the original, in distances from "
             "it. 0: as the bookkeeping has it (limen 0.1, the others 0.01).",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimWalkParams, delta),
     .max = 1},
    {.name = "source-step",
     .label = "First source step",
     .help = "Length of the first steps towards the original, in distances from it. 0: as the "
             "bookkeeping has it (limen 0.03, the others 0.01).",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimWalkParams, epsilon),
     .max = 0.9},
    {.name = "adaptation",
     .label = "Adaptation",
     .help = "Factor by which original and foolbox change a step size.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimWalkParams, adaptation),
     .min = 1,
     .max = 10,
     .def = 1.5},
    {.name = "distance",
     .label = "Close enough",
     .help = "Stop when the l2 distance is this small. 0: never.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimWalkParams, distance),
     .max = 1000},
    {.name = "steps",
     .label = "Steps",
     .help = "Stop after so many questions about a picture, whatever the budget. 0: go on to the "
             "end of the budget.",
     .unit = "questions",
     .kind = LIM_INT,
     .offset = offsetof(LimWalkParams, steps),
     .max = 1e9,
     .def = 25000},
    {.name = "restarts",
     .label = "Restarts",
     .help = "Where the walk leaves its way, and the number of the other way it takes: 120:1,300:2 "
             "goes another way after step 120, and again after step 300. Up to there nothing "
             "changes. The window's \"Restart from here\" writes it.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimWalkParams, restarts)},
    {0}};

typedef struct Boundary {
    LimAttack attack;
    LimWalkSetup *setup;      /* [n] */
    LimWalk *walk;            /* [n] */
    LimBoundaryTrace **trace; /* [n], NULL: not recorded */
    float *x;                 /* [n][size] to ask about */
    int *rows;                /* [n] whose they are */
    int32_t *label;           /* [n] */
} Boundary;

static LimStatus
check(const void *params, LimError *err)
{
    LimWalkRestart restart[LIM_WALK_RESTARTS];
    int n;
    return lim_walk_parse_restarts(((const LimWalkParams *)params)->restarts, restart, &n, err);
}

static void
begin(LimAttack *a)
{
    Boundary *b = (Boundary *)a;
    const size_t n = (size_t)a->n;
    LimWalkParams *p = a->params;
    const bool ours = p->bookkeeping == LIM_WALK_LIMEN;
    if (p->delta == 0)
        p->delta = ours ? 0.1 : 0.01;
    if (p->epsilon == 0)
        p->epsilon = ours ? 0.03 : 0.01;
    b->setup = lim_alloc(n, sizeof *b->setup);
    b->walk = lim_alloc(n, sizeof *b->walk);
    b->trace = lim_alloc(n, sizeof *b->trace);
    b->x = lim_alloc(n * a->size, sizeof *b->x);
    b->rows = lim_alloc(n, sizeof *b->rows);
    b->label = lim_alloc(n, sizeof *b->label);
    for (int i = 0; i < a->n; i++) {
        b->setup[i] = (LimWalkSetup){.params = *p,
                                     .h = a->victim->image.d[1],
                                     .w = a->victim->image.d[2],
                                     .size = a->size,
                                     .original = a->image + (size_t)i * a->size,
                                     .label = a->label[i],
                                     .target = a->target ? a->target[i] : -1,
                                     .start = a->start ? a->start + (size_t)i * a->size : NULL,
                                     .pool = a->pool,
                                     .pool_label = a->pool_label,
                                     .n_pool = a->n_pool,
                                     .seed = a->seed};
        lim_walk_parse_restarts(p->restarts, b->setup[i].restart, &b->setup[i].n_restarts, NULL);
        lim_walk_init(&b->walk[i], &b->setup[i], lim_attack_stream(a, "boundary", i));
    }
}

static void
clear(LimAttack *a)
{
    Boundary *b = (Boundary *)a;
    for (int i = 0; i < a->n; i++) {
        lim_walk_clear(&b->walk[i]);
        lim_boundary_trace_unref(b->trace[i]);
    }
    free(b->setup);
    free(b->walk);
    free(b->trace);
    free(b->x);
    free(b->rows);
    free(b->label);
}

static void
answer(Boundary *b, int i, const float *x, int32_t label)
{
    LimWalk *w = &b->walk[i];
    lim_walk_answer(w, label);
    if (w->step.accepted || b->attack.status[i] == LIM_ATTACK_RUNNING)
        lim_attack_offer(&b->attack, i, x, label);
    if (b->trace[i])
        trace_append(b->trace[i], w);
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Boundary *b = (Boundary *)a;
    int m = 0, shown = 0;
    for (int i = 0; i < a->n; i++) {
        LimWalk *w = &b->walk[i];
        if ((a->status[i] != LIM_ATTACK_RUNNING && a->status[i] != LIM_ATTACK_FOOLED) ||
            lim_attack_left(a, i) < 1)
            continue;
        if (b->trace[i] && !w->pending)
            trace_before(b->trace[i], w);
        if (!lim_walk_next(w)) {
            if (a->status[i] == LIM_ATTACK_RUNNING)
                a->status[i] = LIM_ATTACK_NO_START;
            continue;
        }
        memcpy(b->x + (size_t)m * a->size, w->asked, a->size * sizeof *b->x);
        b->rows[m++] = i;
    }
    for (int at = 0, n; at < m; at += n) {
        n = m - at < LIM_VICTIM_BATCH ? m - at : LIM_VICTIM_BATCH;
        const float *x = b->x + (size_t)at * a->size;
        if (lim_victim_labels(a->victim, exec, x, b->rows + at, n, b->label, err) != LIM_OK)
            return LIM_STEP_FAILED; /* the others' questions stay pending */
        for (int k = 0; k < n; k++)
            answer(b, b->rows[at + k], x + (size_t)k * a->size, b->label[k]);
        shown = b->rows[at];
    }
    if (progress) {
        const int64_t budget = a->victim->budget, asked = a->victim->queries[shown];
        progress->fraction = budget > 0 ? (double)asked / (double)budget : -1;
        snprintf(progress->text, sizeof progress->text, "%d %s, %lld queries, distance %.4g", m,
                 m == 1 ? "picture" : "pictures", (long long)asked, b->walk[shown].step.distance);
    }
    return m > 0 ? LIM_STEP_MORE : LIM_STEP_DONE;
}

const LimAttackClass lim_attack_boundary = {
    .name = "boundary",
    .label = "Boundary Attack",
    .help = "Needs the decision only. Starts from a picture that fools and walks along the "
            "boundary: a random step at the same distance, then a step towards the original.",
    .access = LIM_ACCESS_LABEL,
    .targeted = true,
    .schema = schema,
    .params_size = sizeof(LimWalkParams),
    .size = sizeof(Boundary),
    .check = check,
    .begin = begin,
    .step = step,
    .clear = clear};

/* ---- traces of an attack ----------------------------------------------------------------------
 */

void
lim_boundary_record(LimAttack *a, int picture)
{
    Boundary *b = (Boundary *)a;
    LIM_ASSERT(a->klass == &lim_attack_boundary && b->walk[picture].step.kind == 0 &&
               b->walk[picture].tried == 0);
    if (!b->trace[picture])
        b->trace[picture] = trace_new(origin_new(&b->setup[picture]));
}

LimBoundaryTrace *
lim_boundary_dup_trace(LimAttack *a, int picture)
{
    Boundary *b = (Boundary *)a;
    if (a->klass != &lim_attack_boundary || !b->trace[picture])
        return NULL;
    return lim_boundary_trace_ref(b->trace[picture]);
}

void
lim_boundary_resume(LimAttack *a, const LimBoundaryTrace *t, int step)
{
    Boundary *b = (Boundary *)a;
    LIM_ASSERT(a->klass == &lim_attack_boundary && a->n == 1 && b->trace[0] &&
               lim_boundary_trace_n(b->trace[0]) == 0);
    LIM_ASSERT(step >= 0 && step < lim_boundary_trace_n(t));
    LimBoundaryTrace *empty = b->trace[0];
    LimWalk *w = &b->walk[0];
    trace_replay(t, step + 1, w);
    b->trace[0] = trace_begin_of(t, step + 1, empty->origin);
    lim_boundary_trace_unref(empty);
    const bool started = w->step.picture >= 0;
    lim_attack_rewind(a, 0, started ? w->current : NULL, w->current_label, step + 2);
}

int
lim_boundary_common(const char *restarts, const char *others)
{
    LimWalkRestart r[LIM_WALK_RESTARTS], s[LIM_WALK_RESTARTS];
    LimError err = LIM_ERROR_INIT;
    int n, m, i = 0;
    if (lim_walk_parse_restarts(restarts, r, &n, &err) != LIM_OK)
        n = 0;
    if (lim_walk_parse_restarts(others, s, &m, &err) != LIM_OK)
        m = 0;
    while (i < n && i < m && r[i].step == s[i].step && r[i].way == s[i].way)
        i++;
    const int one = i < n ? r[i].step + 1 : INT_MAX, two = i < m ? s[i].step + 1 : INT_MAX;
    return one < two ? one : two;
}

LimStatus
lim_boundary_add_restart(const char *restarts, int step, uint32_t way, char *out, LimError *err)
{
    LimWalkRestart r[LIM_WALK_RESTARTS];
    int n, at = 0;
    const LimStatus status = lim_walk_parse_restarts(restarts, r, &n, err);
    if (status != LIM_OK)
        return status;
    while (n > 0 && r[n - 1].step >= step)
        n--;
    if (n == LIM_WALK_RESTARTS)
        return lim_fail(err, LIM_E_PARAM, "an attack can be restarted %d times", LIM_WALK_RESTARTS);
    r[n++] = (LimWalkRestart){step, way};
    for (int i = 0; i < n; i++)
        at += snprintf(out + at, LIM_TEXT_MAX - (size_t)at, "%s%d:%u", i ? "," : "", r[i].step,
                       r[i].way);
    return LIM_OK;
}
