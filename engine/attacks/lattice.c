/* From a float picture x that fools to an 8-bit picture that fools, near the original o.
 *
 * Rounding moves x by a few hundredths in a direction of its own, more than a good attack leaves to
 * the boundary. So the whole perturbation is stretched, o + (1 + t)(x - o), until its rounding
 * fools, and t is brought down by bisection (where rounding does no harm, as after FGSM, from 0
 * on). That overshoots along every value; then groups of values go one level back towards o, those
 * first that rounding carried furthest beyond x, and what still fools is kept: first half of them
 * at once, and when no group can move any more, groups of half the size, down to single values or
 * until the queries are used up. Every picture that is kept is closer to o than the one before.
 *
 * Where no stretch fools (a thin region: a target between two classes), values are rounded up or
 * down at random, by how near they are, until that does. */
#include "attacks/lattice.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STRETCH (1.0 / 64)
#define LAST_STRETCH  4.0
#define FINE          (1.0 / 1024)
#define SCATTERED     0.25 /* greatest stretch of rounding at random; small ones are more frequent */

typedef enum Phase { ROUNDED, STRETCH, BISECT, SCATTER, REVERT, ENDED } Phase;

typedef struct Value {
    int at;
    double overshoot;
} Value;

typedef struct Search {
    Phase phase;
    int64_t left; /* queries */
    double low, high;
    Value *order; /* [size]: values that can go back a level */
    int n, at, group;
    bool moved; /* one of this round went back */
} Search;

struct LimLattice {
    LimAttack *a;
    Search *search;   /* [pictures] */
    float *candidate; /* [pictures][size] */
};

LimLattice *
lim_lattice_new(LimAttack *a)
{
    LimLattice *l = lim_alloc(1, sizeof *l);
    l->a = a;
    l->search = lim_alloc((size_t)a->n, sizeof *l->search);
    l->candidate = lim_alloc((size_t)a->n * a->size, sizeof *l->candidate);
    for (int i = 0; i < a->n; i++) {
        const int64_t left = lim_victim_left(a->victim, i) - 1; /* one is for the judgement */
        l->search[i].left = left < a->lattice_queries ? left : a->lattice_queries;
        if (a->status[i] != LIM_ATTACK_FOOLED)
            l->search[i].phase = ENDED;
    }
    return l;
}

void
lim_lattice_free(LimLattice *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->a->n; i++)
        free(l->search[i].order);
    free(l->search);
    free(l->candidate);
    free(l);
}

/* One level (1/255) from y towards the original value; y itself when it is the nearest level. */
static float
level_back(float y, float original)
{
    const float level = roundf(255 * y), next = (y > original ? level - 1 : level + 1) / 255;
    return fabsf(next - original) < fabsf(y - original) ? next : y;
}

static int
furthest_first(const void *a, const void *b)
{
    const Value *x = a, *y = b;
    return x->overshoot > y->overshoot ? -1 : x->overshoot < y->overshoot ? 1 : x->at - y->at;
}

/* The values that can go back, in order of how far they are beyond x. */
static void
make_order(const LimAttack *a, int i, Search *s)
{
    const size_t base = (size_t)i * a->size;
    const float *o = a->image + base, *x = a->best + base, *y = a->best8 + base;
    if (!s->order)
        s->order = lim_alloc(a->size, sizeof *s->order);
    s->n = s->at = 0;
    s->moved = false;
    for (size_t j = 0; j < a->size; j++)
        if (level_back(y[j], o[j]) != y[j])
            s->order[s->n++] = (Value){(int)j, fabs((double)y[j] - (double)o[j]) -
                                                   fabs((double)x[j] - (double)o[j])};
    qsort(s->order, (size_t)s->n, sizeof *s->order, furthest_first);
}

static void
begin_revert(const LimAttack *a, int i, Search *s)
{
    s->phase = REVERT;
    make_order(a, i, s);
    s->group = (s->n + 1) / 2;
}

static void
stretched(const LimAttack *a, int i, double t, float *out)
{
    const size_t base = (size_t)i * a->size;
    const float *o = a->image + base, *x = a->best + base;
    for (size_t j = 0; j < a->size; j++)
        out[j] = (float)((double)o[j] + (1 + t) * ((double)x[j] - (double)o[j]));
    lim_round8(out, out, a->size);
}

/* As stretched, but a value between two levels becomes the upper one as often as it is near it. */
static void
scattered(const LimAttack *a, int i, const Search *s, float *out)
{
    const size_t base = (size_t)i * a->size;
    const float *o = a->image + base, *x = a->best + base;
    const uint64_t first = (uint64_t)s->left * (a->size + 1);
    float t;
    lim_rng_uniform(a->seed, lim_attack_stream(a, "lattice", i), first + a->size, &t, 1);
    lim_rng_uniform(a->seed, lim_attack_stream(a, "lattice", i), first, out, a->size);
    const double stretch = 1 + SCATTERED * pow((double)t, 3);
    for (size_t j = 0; j < a->size; j++) {
        const double to = (double)o[j] + stretch * ((double)x[j] - (double)o[j]);
        out[j] = (float)(floor(255 * to + (double)out[j]) / 255);
    }
    lim_round8(out, out, a->size);
}

/* The picture to ask about next. */
static void
propose(const LimAttack *a, int i, Search *s, float *out)
{
    const size_t base = (size_t)i * a->size;
    const float *o = a->image + base, *y = a->best8 + base;
    switch (s->phase) {
    case ROUNDED:
        stretched(a, i, 0, out);
        break;
    case STRETCH:
        stretched(a, i, s->high, out);
        break;
    case BISECT:
        stretched(a, i, (s->low + s->high) / 2, out);
        break;
    case SCATTER:
        scattered(a, i, s, out);
        break;
    case REVERT:
        memcpy(out, y, a->size * sizeof *out);
        for (int k = s->at; k < s->at + s->group && k < s->n; k++) {
            const int j = s->order[k].at;
            out[j] = level_back(y[j], o[j]);
        }
        break;
    case ENDED:
        break;
    }
}

static void
answer(LimAttack *a, int i, Search *s, const float *candidate, bool fools)
{
    if (fools)
        memcpy(a->best8 + (size_t)i * a->size, candidate, a->size * sizeof *candidate);
    switch (s->phase) {
    case ROUNDED:
        s->phase = STRETCH;
        s->high = FIRST_STRETCH;
        if (fools) {
            s->phase = BISECT;
            s->low = -1;
            s->high = 0;
        }
        break;
    case STRETCH:
        if (fools) {
            s->phase = BISECT;
        } else if (s->high >= LAST_STRETCH) {
            s->phase = SCATTER;
        } else {
            s->low = s->high;
            s->high *= 2;
        }
        break;
    case BISECT:
        *(fools ? &s->high : &s->low) = (s->low + s->high) / 2;
        if (s->high - s->low < FINE)
            begin_revert(a, i, s);
        break;
    case SCATTER:
        if (fools)
            begin_revert(a, i, s);
        break;
    case REVERT:
        s->at += s->group;
        s->moved |= fools;
        break;
    case ENDED:
        break;
    }
    if (s->phase == REVERT && s->at >= s->n) { /* round again, with smaller groups if none moved */
        if (s->n == 0 || (s->group == 1 && !s->moved))
            s->phase = ENDED;
        else if (!s->moved)
            s->group = (s->group + 1) / 2;
        make_order(a, i, s);
    }
    if (--s->left <= 0)
        s->phase = ENDED;
}

LimStep
lim_lattice_step(LimLattice *l, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimAttack *a = l->a;
    int *rows = lim_alloc((size_t)a->n, sizeof *rows), n = 0;
    int32_t *label = lim_alloc((size_t)a->n, sizeof *label);
    int64_t most = 0;
    for (int i = 0; i < a->n; i++)
        if (l->search[i].phase != ENDED && l->search[i].left > 0) {
            propose(a, i, &l->search[i], l->candidate + (size_t)n * a->size);
            if (l->search[i].left > most)
                most = l->search[i].left;
            rows[n++] = i;
        }
    LimStatus status = lim_victim_labels(a->victim, exec, l->candidate, rows, n, label, err);
    for (int k = 0; k < n && status == LIM_OK; k++)
        answer(a, rows[k], &l->search[rows[k]], l->candidate + (size_t)k * a->size,
               lim_attack_fools(a, rows[k], label[k]));
    if (progress && n > 0) {
        progress->fraction = 1 - (double)most / (double)a->lattice_queries;
        snprintf(progress->text, sizeof progress->text, "8-bit pictures of %d", n);
    }
    free(label);
    free(rows);
    return status != LIM_OK ? LIM_STEP_FAILED : n > 0 ? LIM_STEP_MORE : LIM_STEP_DONE;
}
