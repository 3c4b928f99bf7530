/* The planner and executor.
 *
 * DESIGN. Of all recorded nodes only those that a wanted value depends on are kept, in recording
 * order. Values are mapped to storages: a view shares its input's, an in-place op takes over its
 * input's when nobody reads that later. Every storage has a life (first writer, last reader);
 * wanted ones live for ever. Storages are placed in one slab, largest first, each at the lowest
 * offset where no other storage alive at the same time lies. Scratch is a storage that lives for
 * one node. A node whose op can also do what follows (op->fuse) becomes one step with it when
 * nobody else wants what lies between, and what one step hands to another alone may lie in a layout
 * of their own (op->block). Nodes that depend on constants only run once and keep their
 * results outside the slab, and weights in a kernel's own form (op->prepared) likewise.
 *
 * Looking inside: LIMEN_DUMP=1 prints the plan to stderr when it is made; LIMEN_KERNELS=ref runs
 * the scalar references; LIMEN_COMPARE=1 runs both and aborts at the first node that differs;
 * LIMEN_TRAP=1 aborts at the first node that makes a NaN or an infinity; LIMEN_PROFILE=1 prints the
 * time by op when the plan is freed. */
#include "graph/plan.h"

#include "graph/graph-private.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FOREVER UINT32_MAX
#define ALIGN   ((size_t)64)

typedef struct Storage {
    size_t bytes, offset;
    uint32_t first, last; /* indices into plan->steps */
    bool constant;        /* lives in the constant slab */
} Storage;

typedef struct Step {
    uint32_t node;
    uint32_t last; /* the node whose outputs the step makes: another one when they were fused */
    bool constant; /* run once */
    LimNodeRun run;
    double seconds;
} Step;

struct LimPlan {
    LimGraph *g;
    unsigned flags;
    Step *steps;
    uint32_t n_steps;
    Storage *storages;
    uint32_t n_storages, cap_storages;
    uint32_t *storage_of; /* [value] -> storage + 1; 0: none (feeds, sources) */
    void **address;       /* [value] */
    bool *readable;       /* [value] after a run */
    double **widened;     /* [value] LIM_PLAN_F64: double copies of constants and variables */
    uint8_t *slab, *constants;
    size_t slab_bytes, constant_bytes;
    bool constants_ready;
    bool use_ref, compare, trap;
    int threads; /* that scratch is for */
    uint64_t runs;
};

static bool
env_is(const char *name, const char *value)
{
    const char *e = getenv(name);
    return e && strcmp(e, value) == 0;
}

static size_t
element_size(const LimPlan *p, LimType t)
{
    return t == LIM_I32 ? 4 : p->flags & LIM_PLAN_F64 ? 8 : 4;
}

static size_t
value_bytes(const LimPlan *p, uint32_t v)
{
    const LimValue *value = &p->g->values[v];
    size_t bytes = (size_t)lim_shape_size(value->shape) * element_size(p, value->type);
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static uint32_t
new_storage(LimPlan *p, size_t bytes, uint32_t step, bool constant)
{
    if (p->n_storages == p->cap_storages) {
        uint32_t cap = p->cap_storages ? p->cap_storages * 2 : 128;
        Storage *s = lim_alloc(cap, sizeof *s);
        if (p->n_storages)
            memcpy(s, p->storages, p->n_storages * sizeof *s);
        free(p->storages);
        p->storages = s;
        p->cap_storages = cap;
    }
    p->storages[p->n_storages] = (Storage){.bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN,
                                           .first = step,
                                           .last = constant ? FOREVER : step,
                                           .constant = constant};
    return ++p->n_storages; /* index + 1 */
}

/* Marks the nodes that the wanted values need and lists them as steps. */
static void
select_steps(LimPlan *p, const LimVal *want, int n)
{
    LimGraph *g = p->g;
    bool *need = lim_alloc(g->n_values, sizeof *need);
    bool *keep = lim_alloc(g->n_nodes + 1, sizeof *keep);
    for (int i = 0; i < n; i++)
        need[want[i].id] = true;
    need[0] = false;
    for (uint32_t k = g->n_nodes; k-- > 0;) {
        const LimNode *node = &g->nodes[k];
        for (int i = 0; i < node->op->n_out; i++)
            keep[k] |= need[node->out[i]];
        for (int i = 0; keep[k] && i < node->op->n_in; i++)
            need[node->in[i]] = true;
        p->n_steps += keep[k];
    }
    p->steps = lim_alloc(p->n_steps + 1, sizeof *p->steps);
    uint32_t s = 0;
    for (uint32_t k = 0; k < g->n_nodes; k++)
        if (keep[k])
            p->steps[s++] = (Step){.node = k, .last = k};
    free(need);
    free(keep);
}

static const uint32_t *
outputs(const LimPlan *p, const Step *step)
{
    return p->g->nodes[step->last].out;
}

/* What the runs need to know of shapes and parameters. */
static void
describe_steps(LimPlan *p)
{
    const LimGraph *g = p->g;
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        LimNodeRun *r = &p->steps[s].run;
        r->params = node->params;
        for (int i = 0; i < node->op->n_in; i++)
            r->in_shape[i] = node->in[i] ? g->values[node->in[i]].shape : LIM_ABSENT;
        for (int i = 0; i < node->op->n_out; i++)
            r->out_shape[i] = g->values[node->out[i]].shape;
    }
}

/* How many read each value, and the last step that does. */
static void
count_readers(const LimPlan *p, const LimVal *want, int n, uint32_t *readers, uint32_t *reader)
{
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &p->g->nodes[p->steps[s].node];
        for (int i = 0; i < node->op->n_in; i++) {
            readers[node->in[i]]++;
            reader[node->in[i]] = s;
        }
    }
    for (int i = 0; i < n; i++)
        readers[want[i].id] += 2; /* somebody outside reads it */
}

/* Joins a step with those that follow it, where its op can do them on the way out. */
static void
fuse_steps(LimPlan *p, const LimVal *want, int n, const LimExec *exec)
{
    const LimGraph *g = p->g;
    uint32_t *readers = lim_alloc(g->n_values, sizeof *readers);
    uint32_t *reader = lim_alloc(g->n_values, sizeof *reader); /* the last one's step */
    bool *gone = lim_alloc(p->n_steps + 1, sizeof *gone);
    count_readers(p, want, n, readers, reader);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        Step *step = &p->steps[s];
        const LimOpDef *op = g->nodes[step->node].op;
        while (op->fuse && !gone[s]) {
            const uint32_t v = outputs(p, step)[0], t = reader[v];
            const LimNode *next = &g->nodes[p->steps[t].node];
            if (readers[v] != 1 || next->op->n_in != 1 || next->op->n_out != 1 ||
                !op->fuse(&step->run, next->op, next->params, exec))
                break;
            step->last = p->steps[t].node;
            step->run.out_shape[0] = g->values[next->out[0]].shape;
            gone[t] = true;
        }
    }
    uint32_t kept = 0;
    for (uint32_t s = 0; s < p->n_steps; s++)
        if (!gone[s])
            p->steps[kept++] = p->steps[s];
    p->n_steps = kept;
    free(readers);
    free(reader);
    free(gone);
}

/* What a step hands to another one and nobody else reads lies in blocks of channels, where both can
 * do that. */
static void
block_steps(LimPlan *p, const LimVal *want, int n, const LimExec *exec)
{
    const LimGraph *g = p->g;
    uint32_t *readers = lim_alloc(g->n_values, sizeof *readers);
    uint32_t *reader = lim_alloc(g->n_values, sizeof *reader);
    count_readers(p, want, n, readers, reader);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const uint32_t v = outputs(p, &p->steps[s])[0];
        if (readers[v] != 1)
            continue;
        Step *from = &p->steps[s], *to = &p->steps[reader[v]];
        const LimNode *a = &g->nodes[from->node], *b = &g->nodes[to->node];
        LimNodeRun writes = from->run, reads = to->run;
        if (b->in[0] == v && a->op->block && b->op->block && a->op->block(&writes, true, exec) &&
            b->op->block(&reads, false, exec)) {
            from->run = writes;
            to->run = reads;
        }
    }
    free(readers);
    free(reader);
}

/* Which steps depend on constants only. A node without inputs is constant. */
static void
find_constants(LimPlan *p)
{
    const LimGraph *g = p->g;
    bool *constant = lim_alloc(g->n_values, sizeof *constant);
    for (uint32_t v = 1; v < g->n_values; v++)
        constant[v] = g->values[v].kind == LIM_VALUE_CONSTANT;
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        bool all = true;
        for (int i = 0; i < node->op->n_in; i++)
            all &= !node->in[i] || constant[node->in[i]];
        p->steps[s].constant = all;
        for (int i = 0; i < node->op->n_out; i++)
            constant[outputs(p, &p->steps[s])[i]] = all;
    }
    free(constant);
}

static void
assign_storages(LimPlan *p, const LimVal *want, int n_want)
{
    const LimGraph *g = p->g;
    /* Last reader of each value; views and in-place reuse are resolved on storages below. */
    uint32_t *last = lim_alloc(g->n_values, sizeof *last);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        for (int i = 0; i < node->op->n_in; i++)
            last[node->in[i]] = s;
    }
    for (int i = 0; i < n_want; i++) {
        last[want[i].id] = FOREVER;
        p->readable[want[i].id] = true;
    }
    /* A view's readers are readers of what it views. Backwards, so that chains propagate. */
    for (uint32_t s = p->n_steps; s-- > 0;) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        if ((node->op->flags & LIM_OP_VIEW) && last[node->out[0]] > last[node->in[0]])
            last[node->in[0]] = last[node->out[0]];
    }
    if (p->flags & LIM_PLAN_KEEP)
        for (uint32_t v = 1; v < g->n_values; v++) {
            last[v] = FOREVER;
            p->readable[v] = true;
        }

    const bool inplace = !p->compare && !(p->flags & LIM_PLAN_KEEP);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        const LimOpDef *op = node->op;
        const uint32_t in0 = op->n_in ? node->in[0] : 0;
        for (int i = 0; i < op->n_out; i++) {
            const uint32_t v = outputs(p, &p->steps[s])[i];
            uint32_t st = 0;
            if (i == 0 && (op->flags & LIM_OP_VIEW)) {
                st = p->storage_of[in0]; /* 0 when it views a feed: the address is passed on */
                if (!st)
                    continue;
            } else if (i == 0 && inplace && (op->flags & LIM_OP_INPLACE) && p->storage_of[in0]) {
                Storage *old = &p->storages[p->storage_of[in0] - 1];
                bool twice = false; /* the same memory is another input: not safe to overwrite */
                for (int j = 1; j < op->n_in; j++)
                    twice |= node->in[j] && p->storage_of[node->in[j]] == p->storage_of[in0];
                if (old->last == s && !twice && !old->constant && !p->steps[s].constant &&
                    old->bytes == value_bytes(p, v))
                    st = p->storage_of[in0];
            }
            if (!st)
                st = new_storage(p, value_bytes(p, v), s, p->steps[s].constant);
            p->storage_of[v] = st;
            Storage *storage = &p->storages[st - 1];
            uint32_t until = last[v] < s ? s : last[v];
            if (until > storage->last)
                storage->last = until;
        }
    }
    free(last);
}

static int
by_size(const void *a, const void *b)
{
    const Storage *x = *(Storage *const *)a, *y = *(Storage *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void
place_storages(LimPlan *p)
{
    Storage **order = lim_alloc(p->n_storages + 1, sizeof(Storage *));
    Storage **placed = lim_alloc(p->n_storages + 1, sizeof(Storage *)); /* lowest offset first */
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_storages; i++)
        order[i] = &p->storages[i];
    qsort(order, p->n_storages, sizeof *order, by_size);
    for (uint32_t i = 0; i < p->n_storages; i++) {
        Storage *s = order[i];
        if (s->constant) {
            s->offset = p->constant_bytes;
            p->constant_bytes += s->bytes;
            continue;
        }
        size_t at = 0;
        for (uint32_t j = 0; j < n && at + s->bytes > placed[j]->offset; j++) {
            const Storage *o = placed[j];
            if (o->first <= s->last && s->first <= o->last && o->offset + o->bytes > at)
                at = o->offset + o->bytes;
        }
        s->offset = at;
        if (at + s->bytes > p->slab_bytes)
            p->slab_bytes = at + s->bytes;
        uint32_t k = n++;
        for (; k > 0 && placed[k - 1]->offset > at; k--)
            placed[k] = placed[k - 1];
        placed[k] = s;
    }
    free(order);
    free(placed);
}

static void *
storage_address(const LimPlan *p, uint32_t st)
{
    const Storage *s = &p->storages[st - 1];
    return (s->constant ? p->constants : p->slab) + s->offset;
}

/* Fills every step's pointers from the address table (again after a bind). */
static void
resolve(LimPlan *p)
{
    const LimGraph *g = p->g;
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &g->nodes[p->steps[s].node];
        LimNodeRun *r = &p->steps[s].run;
        if (node->op->flags & LIM_OP_VIEW)
            p->address[node->out[0]] = p->address[node->in[0]];
        for (int i = 0; i < node->op->n_in; i++)
            r->in[i] = node->in[i] ? p->address[node->in[i]] : NULL;
        for (int i = 0; i < node->op->n_out; i++)
            r->out[i] = p->address[outputs(p, &p->steps[s])[i]];
    }
}

static int
threads_of(const LimExec *exec)
{
    return exec->pool ? lim_pool_threads(exec->pool) : 1;
}

LimPlan *
lim_plan_new(LimGraph *take, const LimVal *want, int n, unsigned flags, const LimExec *exec,
             LimError *err)
{
    LimError first;
    if (lim_graph_status(take, &first) != LIM_OK) {
        lim_fail(err, first.code, "%s", first.text);
        lim_graph_free(take);
        return NULL;
    }
    LimPlan *p = lim_alloc(1, sizeof *p);
    p->g = take;
    p->flags = flags;
    p->use_ref = env_is("LIMEN_KERNELS", "ref");
    p->compare = env_is("LIMEN_COMPARE", "1");
    p->trap = env_is("LIMEN_TRAP", "1");
    p->threads = threads_of(exec);
    const uint32_t n_values = take->n_values;
    p->storage_of = lim_alloc(n_values, sizeof *p->storage_of);
    p->address = lim_alloc(n_values, sizeof *p->address);
    p->readable = lim_alloc(n_values, sizeof *p->readable);
    p->widened = lim_alloc(n_values, sizeof *p->widened);

    const bool fast = !(flags & LIM_PLAN_F64) && !p->use_ref;
    select_steps(p, want, n);
    describe_steps(p);
    if (fast && !p->compare && !p->trap && !(flags & LIM_PLAN_KEEP)) {
        fuse_steps(p, want, n, exec);
        block_steps(p, want, n, exec);
    }
    find_constants(p);
    assign_storages(p, want, n);

    uint32_t *scratch = lim_alloc(p->n_steps + 1, sizeof *scratch);
    uint32_t *prepared = lim_alloc(p->n_steps + 1, sizeof *prepared);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const LimNode *node = &take->nodes[p->steps[s].node];
        LimNodeRun *r = &p->steps[s].run;
        if (fast && node->op->run && node->op->scratch) {
            size_t bytes = node->op->scratch(r, exec);
            if (bytes)
                scratch[s] = new_storage(p, bytes, s, false);
        }
        if (fast && node->op->run && node->op->prepared) {
            const uint32_t w = node->in[1], w_storage = p->storage_of[w];
            r->constant_weights = take->values[w].kind == LIM_VALUE_CONSTANT ||
                                  (w_storage && p->storages[w_storage - 1].constant);
            size_t bytes = node->op->prepared(r, exec);
            if (bytes)
                prepared[s] = new_storage(p, bytes, s, r->constant_weights);
        }
    }
    place_storages(p);
    p->slab = lim_alloc(p->slab_bytes + ALIGN, 1);
    p->constants = lim_alloc(p->constant_bytes + ALIGN, 1);
    for (uint32_t v = 1; v < n_values; v++) {
        const LimValue *value = &take->values[v];
        if (p->storage_of[v])
            p->address[v] = storage_address(p, p->storage_of[v]);
        else if (value->kind == LIM_VALUE_CONSTANT || value->kind == LIM_VALUE_VARIABLE) {
            if (flags & LIM_PLAN_F64)
                p->widened[v] = lim_alloc((size_t)lim_shape_size(value->shape), sizeof(double));
            p->address[v] = p->widened[v] ? (void *)p->widened[v] : (void *)(uintptr_t)value->data;
        }
    }
    for (uint32_t s = 0; s < p->n_steps; s++) {
        p->steps[s].run.scratch = scratch[s] ? storage_address(p, scratch[s]) : NULL;
        p->steps[s].run.prepared = prepared[s] ? storage_address(p, prepared[s]) : NULL;
    }
    free(scratch);
    free(prepared);
    resolve(p);
    if (getenv("LIMEN_DUMP")) {
        char *text = lim_plan_dump(p);
        fputs(text, stderr);
        free(text);
    }
    return p;
}

void
lim_plan_free(LimPlan *p)
{
    if (!p)
        return;
    if (getenv("LIMEN_PROFILE")) {
        char *text = lim_plan_profile(p);
        fputs(text, stderr);
        free(text);
    }
    for (uint32_t v = 0; v < p->g->n_values; v++)
        free(p->widened[v]);
    free(p->widened);
    lim_graph_free(p->g);
    free(p->steps);
    free(p->storages);
    free(p->storage_of);
    free(p->address);
    free(p->readable);
    free(p->slab);
    free(p->constants);
    free(p);
}

size_t
lim_plan_bytes(const LimPlan *p)
{
    return p->slab_bytes + p->constant_bytes;
}

int
lim_plan_nodes(const LimPlan *p)
{
    return (int)p->n_steps;
}

void
lim_plan_bind(LimPlan *p, LimVal feed, const void *data)
{
    LIM_ASSERT(feed.id && feed.id < p->g->n_values);
    LIM_ASSERT(p->g->values[feed.id].kind == LIM_VALUE_FEED);
    if (p->address[feed.id] == data)
        return;
    p->address[feed.id] = (void *)(uintptr_t)data;
    resolve(p);
}

void
lim_plan_touch(LimPlan *p)
{
    p->constants_ready = false;
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* LIMEN_COMPARE: the reference into memory of its own, then the largest difference. */
static void
compare_step(LimPlan *p, const Step *step)
{
    const LimOpDef *op = p->g->nodes[step->node].op;
    LimNodeRun r = step->run;
    for (int i = 0; i < op->n_out; i++)
        r.out[i] = lim_alloc((size_t)lim_shape_size(r.out_shape[i]), sizeof(float));
    op->ref_f32(&r);
    for (int i = 0; i < op->n_out; i++) {
        const float *a = step->run.out[i], *b = r.out[i];
        double worst = 0, scale = 0;
        for (int64_t k = 0; k < lim_shape_size(r.out_shape[i]); k++) {
            double d = fabs((double)a[k] - (double)b[k]);
            if (!(d <= worst))
                worst = d;
            scale = fmax(scale, fabs((double)b[k]));
        }
        free(r.out[i]);
        if (!(worst <= 1e-3 * scale + 1e-6)) {
            char text[256];
            snprintf(text, sizeof text,
                     "LIMEN_COMPARE: step %d, %s, output %d is %g off (scale %g)",
                     (int)(step - p->steps), op->name, i, worst, scale);
            lim_bug(__FILE__, __LINE__, text);
        }
    }
}

static void
trap_step(LimPlan *p, const Step *step)
{
    const LimOpDef *op = p->g->nodes[step->node].op;
    for (int i = 0; i < op->n_out; i++) {
        const float *a = step->run.out[i];
        for (int64_t k = 0; k < lim_shape_size(step->run.out_shape[i]); k++)
            if (!isfinite(a[k])) {
                char text[256];
                snprintf(text, sizeof text, "LIMEN_TRAP: step %d, %s, output %d is not finite",
                         (int)(step - p->steps), op->name, i);
                lim_bug(__FILE__, __LINE__, text);
            }
    }
}

static void
widen_sources(LimPlan *p)
{
    for (uint32_t v = 1; v < p->g->n_values; v++)
        if (p->widened[v]) {
            const float *from = p->g->values[v].data;
            for (int64_t k = 0; k < lim_shape_size(p->g->values[v].shape); k++)
                p->widened[v][k] = (double)from[k];
        }
}

LimStatus
lim_plan_run(LimPlan *p, const LimExec *exec, LimError *err)
{
    LIM_ASSERT(threads_of(exec) == p->threads); /* scratch has a part for each thread */
    if (p->flags & LIM_PLAN_F64)
        widen_sources(p);
    double t0 = now();
    for (uint32_t s = 0; s < p->n_steps; s++) {
        Step *step = &p->steps[s];
        const LimOpDef *op = p->g->nodes[step->node].op;
        if (op->flags & LIM_OP_VIEW)
            continue;
        if (step->constant && p->constants_ready)
            continue;
        if (lim_cancelled(exec->cancel))
            return lim_fail(err, LIM_CANCELLED, "stopped");
        if (p->flags & LIM_PLAN_F64)
            op->ref_f64(&step->run);
        else if (p->use_ref || !op->run)
            op->ref_f32(&step->run);
        else {
            if (step->run.prepared && !(step->run.constant_weights && p->constants_ready))
                op->prepare(&step->run, exec);
            op->run(&step->run, exec);
            if (p->compare)
                compare_step(p, step);
        }
        if (p->trap && !(p->flags & LIM_PLAN_F64))
            trap_step(p, step);
        double t1 = now();
        step->seconds += t1 - t0;
        t0 = t1;
    }
    p->constants_ready = true;
    p->runs++;
    return LIM_OK;
}

const void *
lim_plan_get(const LimPlan *p, LimVal v)
{
    LIM_ASSERT(v.id && v.id < p->g->n_values);
    LIM_ASSERT(p->readable[v.id] || p->g->values[v.id].kind != LIM_VALUE_NODE);
    return p->address[v.id];
}

const float *
lim_plan_f32(const LimPlan *p, LimVal v)
{
    LIM_ASSERT(!(p->flags & LIM_PLAN_F64));
    return lim_plan_get(p, v);
}

char *
lim_plan_dump(const LimPlan *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    LIM_ASSERT(f);
    fprintf(f, "plan: %u steps, %zu bytes in the slab, %zu constant\n", p->n_steps, p->slab_bytes,
            p->constant_bytes);
    for (uint32_t s = 0; s < p->n_steps; s++) {
        const Step *step = &p->steps[s];
        const LimNode *node = &p->g->nodes[step->node];
        char buf[64];
        fprintf(f, "%4u %-20s%s%s%s%s%s", s, node->op->name, step->run.relu ? " relu" : "",
                step->run.pool ? " pool" : "", step->run.blocked_in ? " from-blocks" : "",
                step->run.blocked_out ? " to-blocks" : "", step->constant ? " const" : "");
        for (int i = 0; i < node->op->n_in; i++)
            if (node->in[i])
                fprintf(f, " %%%u", node->in[i]);
        fprintf(f, " ->");
        for (int i = 0; i < node->op->n_out; i++) {
            const uint32_t out = outputs(p, step)[i];
            const LimValue *v = &p->g->values[out];
            uint32_t st = p->storage_of[out];
            fprintf(f, " %%%u %s%s%s @%zu", out, lim_shape_text(v->shape, buf), v->name ? " " : "",
                    v->name ? v->name : "", st ? p->storages[st - 1].offset : (size_t)0);
        }
        fputc('\n', f);
    }
    fclose(f);
    return text;
}

char *
lim_plan_profile(const LimPlan *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    LIM_ASSERT(f);
    const double runs = p->runs ? (double)p->runs : 1.0;
    double total = 0;
    bool *done = lim_alloc(p->n_steps + 1, sizeof *done);
    for (uint32_t s = 0; s < p->n_steps; s++)
        total += p->steps[s].seconds;
    fprintf(f, "%.3f ms a run over %llu runs\n", 1e3 * total / runs, (unsigned long long)p->runs);
    for (;;) {
        /* the costliest op that has not been listed */
        double best = -1;
        const LimOpDef *best_op = NULL;
        for (uint32_t s = 0; s < p->n_steps; s++) {
            if (done[s])
                continue;
            const LimOpDef *op = p->g->nodes[p->steps[s].node].op;
            double sum = 0;
            for (uint32_t k = s; k < p->n_steps; k++)
                if (p->g->nodes[p->steps[k].node].op == op)
                    sum += p->steps[k].seconds;
            if (sum > best) {
                best = sum;
                best_op = op;
            }
        }
        if (!best_op)
            break;
        int n = 0;
        for (uint32_t k = 0; k < p->n_steps; k++)
            if (p->g->nodes[p->steps[k].node].op == best_op) {
                done[k] = true;
                n++;
            }
        fprintf(f, "%9.3f ms %5.1f %% %4d x %s\n", 1e3 * best / runs,
                total > 0 ? 100 * best / total : 0, n, best_op->name);
    }
    free(done);
    fclose(f);
    return text;
}
