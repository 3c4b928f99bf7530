/* Adam, SGD with momentum, and the exponential moving average. Each parameter is cut into fixed
 * chunks, so a large one uses all threads and results do not depend on their number. */
#include "nn/optim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 8192

typedef struct Slot {
    int entry;
    int64_t n;
    float *m, *v; /* Adam: first and second moment; SGD: m is the velocity */
} Slot;

typedef struct Piece {
    int slot;
    int64_t from;
} Piece;

struct LimOptim {
    LimStore *store;
    Slot *slots;
    int n;
    Piece *pieces;
    int n_pieces;
    int32_t steps;
    /* of the running step */
    const LimOptimParams *p;
    const float *const *grad;
};

LimOptim *
lim_optim_new(LimStore *store, const int *entries, int n)
{
    LimOptim *o = lim_alloc(1, sizeof *o);
    o->store = store;
    o->n = n;
    o->slots = lim_alloc((size_t)n + 1, sizeof *o->slots);
    int64_t pieces = 0;
    for (int i = 0; i < n; i++) {
        const int64_t size = lim_shape_size(lim_store_shape(store, entries[i]));
        o->slots[i] =
            (Slot){entries[i], size, lim_alloc((size_t)size, 4), lim_alloc((size_t)size, 4)};
        pieces += (size + CHUNK - 1) / CHUNK;
    }
    o->pieces = lim_alloc((size_t)pieces + 1, sizeof *o->pieces);
    for (int i = 0; i < n; i++)
        for (int64_t from = 0; from < o->slots[i].n; from += CHUNK)
            o->pieces[o->n_pieces++] = (Piece){i, from};
    return o;
}

void
lim_optim_free(LimOptim *o)
{
    if (!o)
        return;
    for (int i = 0; i < o->n; i++) {
        free(o->slots[i].m);
        free(o->slots[i].v);
    }
    free(o->slots);
    free(o->pieces);
    free(o);
}

static void
step_piece(void *ctx, int i, int thread)
{
    LimOptim *o = ctx;
    const Piece piece = o->pieces[i];
    const Slot *s = &o->slots[piece.slot];
    const LimOptimParams *p = o->p;
    const float *restrict g = o->grad[piece.slot];
    if (!g)
        return;
    float *restrict w = lim_store_data(o->store, s->entry);
    float *restrict m = s->m, *restrict v = s->v;
    const int64_t to = piece.from + CHUNK < s->n ? piece.from + CHUNK : s->n;
    const float decay = (float)p->weight_decay, lr = (float)p->lr;
    if (p->kind == LIM_OPTIM_ADAM) {
        const float b1 = (float)p->beta1, b2 = (float)p->beta2, eps = (float)p->eps;
        const float c1 = (float)(p->lr / (1 - pow(p->beta1, o->steps)));
        const float c2 = (float)(1 / sqrt(1 - pow(p->beta2, o->steps)));
        for (int64_t k = piece.from; k < to; k++) {
            const float d = g[k] + decay * w[k];
            m[k] = b1 * m[k] + (1 - b1) * d;
            v[k] = b2 * v[k] + (1 - b2) * d * d;
            w[k] -= c1 * m[k] / (sqrtf(v[k]) * c2 + eps);
        }
    } else {
        const float mu = (float)p->momentum;
        for (int64_t k = piece.from; k < to; k++) {
            const float d = g[k] + decay * w[k];
            m[k] = o->steps == 1 ? d : mu * m[k] + d; /* PyTorch: the first step has no memory */
            w[k] -= lr * (p->nesterov ? d + mu * m[k] : m[k]);
        }
    }
}

void
lim_optim_step(LimOptim *o, const LimOptimParams *p, const float *const *grad, LimPool *pool)
{
    o->steps++;
    o->p = p;
    o->grad = grad;
    lim_pool_for(pool, o->n_pieces, step_piece, o);
}

int64_t
lim_optim_steps(const LimOptim *o)
{
    return o->steps;
}

static void
state_name(const LimOptim *o, const char *prefix, int i, char which, char out[320])
{
    snprintf(out, 320, "%s%c.%s", prefix, which, lim_store_name(o->store, o->slots[i].entry));
}

void
lim_optim_write(LimOptim *o, LimStWriter *w, const char *prefix)
{
    char name[320];
    for (int i = 0; i < o->n; i++) {
        const LimShape s = lim_store_shape(o->store, o->slots[i].entry);
        state_name(o, prefix, i, 'm', name);
        lim_st_writer_add(w, name, LIM_F32, s, o->slots[i].m, false);
        state_name(o, prefix, i, 'v', name);
        lim_st_writer_add(w, name, LIM_F32, s, o->slots[i].v, false);
    }
    snprintf(name, sizeof name, "%ssteps", prefix);
    lim_st_writer_add(w, name, LIM_I32, LIM_SHAPE1(1), &o->steps, false);
}

static LimStatus
read_into(const LimStFile *f, const char *name, LimType type, LimShape shape, void *to,
          LimError *err)
{
    LimTensor *t = lim_st_get(f, name, err);
    if (!t)
        return err ? err->code : LIM_E_FORMAT;
    LimStatus status = LIM_OK;
    if (lim_tensor_type(t) != type || !lim_shape_equal(lim_tensor_shape(t), shape))
        status =
            lim_fail(err, LIM_E_FORMAT, "%s does not fit this network; start a new training", name);
    else
        memcpy(to, lim_tensor_data(t), (size_t)lim_shape_size(shape) * 4);
    lim_tensor_unref(t);
    return status;
}

LimStatus
lim_optim_read(LimOptim *o, const LimStFile *f, const char *prefix, LimError *err)
{
    char name[320];
    LimStatus status = LIM_OK;
    for (int i = 0; i < o->n && status == LIM_OK; i++) {
        const LimShape s = lim_store_shape(o->store, o->slots[i].entry);
        state_name(o, prefix, i, 'm', name);
        status = read_into(f, name, LIM_F32, s, o->slots[i].m, err);
        state_name(o, prefix, i, 'v', name);
        if (status == LIM_OK)
            status = read_into(f, name, LIM_F32, s, o->slots[i].v, err);
    }
    snprintf(name, sizeof name, "%ssteps", prefix);
    if (status == LIM_OK)
        status = read_into(f, name, LIM_I32, LIM_SHAPE1(1), &o->steps, err);
    if (status == LIM_OK && (o->steps < 0 || o->steps == INT32_MAX))
        status = lim_fail(err, LIM_E_FORMAT, "%s is no number of steps (%d); start a new training",
                          name, o->steps);
    return status;
}

void
lim_store_average(LimStore *average, LimStore *value, double decay)
{
    LIM_ASSERT(lim_store_count(average) == lim_store_count(value));
    const float keep = (float)decay, take = (float)(1 - decay);
    for (int i = 0; i < lim_store_count(value); i++) {
        float *restrict a = lim_store_data(average, i);
        const float *restrict v = lim_store_data(value, i);
        const int64_t n = lim_shape_size(lim_store_shape(value, i));
        for (int64_t k = 0; k < n; k++)
            a[k] = keep * a[k] + take * v[k];
    }
}
