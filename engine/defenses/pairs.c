/* Pairs for a denoiser's training. A batch is in an order that makes the work small: pictures with
 * the most steps come first, so each further step is one plan over the first few rows. (Which
 * picture of the data comes first is random already.) */
#include "defenses/pairs.h"

#include "attacks/attack.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "ops/ops.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const LimParamSpec lim_pair_schema[] = {
    {.name = "epsilon",
     .label = "Largest epsilon",
     .help = "Each picture's is drawn below it. 0.098 is 25 of 255.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimPairSettings, epsilon),
     .min = 0,
     .max = 1,
     .def = 25.0 / 255},
    {.name = "nets",
     .label = "Attacked networks",
     .help = "Classifier files that the training's attacks are made on, separated by commas: each "
             "alone and all together. Empty: the guiding classifier.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimPairSettings, nets)},
    {.name = "pair-seed",
     .label = "Seed of the attacks",
     .help = "Of noise, epsilons and the choice of networks.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimPairSettings, seed),
     .def = 1},
    {0}};

#define SIZE      LIM_CLASSIFIER_SIZE
#define MAX_STEPS 4
#define PLANS     8

/* The gradient of the weighted nets' cross-entropy for a number of rows. */
typedef struct RowsPlan {
    int n;
    LimPlan *plan;
    LimVal x, label, share[LIM_PAIR_NETS], gradient;
} RowsPlan;

struct LimPairs {
    LimPairSettings p;
    int channels, classes, n_nets;
    LimPredictor *net[LIM_PAIR_NETS];
    RowsPlan plans[PLANS];
    int next_plan;
    char *description;
    uint64_t identity;
};

int
lim_pairs_steps(int i, int n)
{
    const int eighth = n / 8;
    return i < 2 * eighth ? 4 : i < 3 * eighth ? 2 : i < 6 * eighth ? 1 : i < 7 * eighth ? -1 : 0;
}

double
lim_pairs_epsilon(const LimPairSettings *p, uint64_t pair)
{
    float u;
    lim_rng_uniform(p->seed, lim_rng_stream(LIM_STREAM_ATTACK, "pair epsilon", 0), pair, &u, 1);
    return p->epsilon * (1 - (double)u);
}

static int
rows_with(int steps, int n)
{
    int rows = 0;
    while (rows < n && lim_pairs_steps(rows, n) >= steps)
        rows++;
    return rows;
}

static LimStatus
plan_rows(LimPairs *m, int n, RowsPlan **found, const LimExec *exec, LimError *err)
{
    for (int i = 0; i < PLANS; i++)
        if (m->plans[i].plan && m->plans[i].n == n) {
            *found = &m->plans[i];
            return LIM_OK;
        }
    RowsPlan *r = *found = &m->plans[m->next_plan++ % PLANS];
    lim_plan_free(r->plan);
    LimGraph *g = lim_graph_new();
    r->n = n;
    r->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(n, m->channels, SIZE, SIZE));
    r->label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(n));
    LimVal logits = LIM_NOVAL;
    for (int j = 0; j < m->n_nets; j++) {
        r->share[j] = lim_graph_feed(g, "share", LIM_F32, LIM_SHAPE2(n, 1));
        LimVal z = lim_row_scale(g, lim_predictor_build(m->net[j], g, r->x), r->share[j]);
        logits = j ? lim_add(g, logits, z) : z;
    }
    lim_graph_grad(g, lim_cross_entropy(g, logits, r->label), LIM_NOVAL, &r->x, &r->gradient, 1);
    r->plan = lim_plan_new(g, &r->gradient, 1, 0, exec, err);
    return r->plan ? LIM_OK : err ? err->code : LIM_E_SHAPE;
}

/* What a batch needs beside its pictures. */
typedef struct Batch {
    int n, attacked;
    float *epsilon; /* [n], in [-1,1]'s scale */
    float *share;   /* [nets][attacked] of each network in the logits */
    float *logits, *mixed;
    int32_t *label; /* [attacked] */
    float *sign;    /* [c][h][w] */
} Batch;

/* The labels that the attacked networks give. */
static LimStatus
find_labels(LimPairs *m, Batch *b, const LimExec *exec, const float *clean, LimError *err)
{
    const int k = m->classes;
    memset(b->mixed, 0, (size_t)b->attacked * (size_t)k * sizeof *b->mixed);
    for (int j = 0; j < m->n_nets; j++) {
        const LimStatus status =
            lim_predictor_run(m->net[j], exec, clean, b->attacked, b->logits, NULL, err);
        if (status != LIM_OK)
            return status;
        for (int i = 0; i < b->attacked * k; i++)
            b->mixed[i] += b->share[j * b->attacked + i / k] * b->logits[i];
    }
    for (int i = 0; i < b->attacked; i++) {
        b->label[i] = 0;
        for (int c = 1; c < k; c++)
            if (b->mixed[i * k + c] > b->mixed[i * k + b->label[i]])
                b->label[i] = c;
    }
    return LIM_OK;
}

/* One step of all rows that have as many. */
static LimStatus
move(LimPairs *m, Batch *b, int step, const LimExec *exec, const float *clean, float *x,
     LimError *err)
{
    const size_t size = (size_t)m->channels * SIZE * SIZE;
    const int rows = rows_with(step, b->n);
    if (rows == 0)
        return LIM_OK;
    RowsPlan *r;
    LimStatus status = plan_rows(m, rows, &r, exec, err);
    if (status != LIM_OK)
        return status;
    lim_plan_bind(r->plan, r->x, x);
    lim_plan_bind(r->plan, r->label, b->label);
    for (int j = 0; j < m->n_nets; j++)
        lim_plan_bind(r->plan, r->share[j], b->share + j * b->attacked);
    status = lim_plan_run(r->plan, exec, err);
    for (int i = 0; i < rows && status == LIM_OK; i++) {
        const float epsilon = b->epsilon[i];
        const float length = epsilon / (float)lim_pairs_steps(i, b->n);
        lim_signs(lim_plan_f32(r->plan, r->gradient) + (size_t)i * size, b->sign, size);
        const float *from = clean + (size_t)i * size;
        float *to = x + (size_t)i * size;
        for (size_t k = 0; k < size; k++) {
            float y = to[k] + length * b->sign[k];
            y = y < from[k] - epsilon   ? from[k] - epsilon
                : y > from[k] + epsilon ? from[k] + epsilon
                                        : y;
            to[k] = y < -1 ? -1 : y > 1 ? 1 : y;
        }
    }
    return status;
}

static void
add_noise(LimPairs *m, uint64_t pair, float epsilon, float *x)
{
    const size_t size = (size_t)m->channels * SIZE * SIZE;
    float *u = lim_alloc(size, sizeof *u);
    lim_rng_uniform(m->p.seed, lim_rng_stream(LIM_STREAM_ATTACK, "pair noise", pair), 0, u, size);
    for (size_t k = 0; k < size; k++) {
        const float y = x[k] + epsilon * (2 * u[k] - 1);
        x[k] = y < -1 ? -1 : y > 1 ? 1 : y;
    }
    free(u);
}

static LimStatus
fill(void *ctx, const LimExec *exec, const float *clean, const int32_t *label, int n,
     uint64_t first, float *adversarial, LimError *err)
{
    LimPairs *m = ctx;
    const size_t size = (size_t)m->channels * SIZE * SIZE;
    Batch b = {.n = n, .attacked = rows_with(1, n)};
    const size_t rows = (size_t)b.attacked, k = (size_t)m->classes;
    b.epsilon = lim_alloc((size_t)n, sizeof *b.epsilon);
    b.share = lim_alloc((size_t)m->n_nets * rows + 1, sizeof *b.share);
    b.logits = lim_alloc(rows * k + 1, sizeof *b.logits);
    b.mixed = lim_alloc(rows * k + 1, sizeof *b.mixed);
    b.label = lim_alloc(rows + 1, sizeof *b.label);
    b.sign = lim_alloc(size, sizeof *b.sign);
    memcpy(adversarial, clean, (size_t)n * size * sizeof *clean);
    for (int i = 0; i < n; i++) {
        b.epsilon[i] = (float)(2 * lim_pairs_epsilon(&m->p, first + (uint64_t)i));
        if (lim_pairs_steps(i, n) < 0)
            add_noise(m, first + (uint64_t)i, b.epsilon[i], adversarial + (size_t)i * size);
    }
    for (int i = 0; i < b.attacked; i++) {
        const int all = m->n_nets; /* one more than the last network */
        const int which =
            (int)lim_rng_below(m->p.seed, lim_rng_stream(LIM_STREAM_ATTACK, "pair net", 0),
                               first + (uint64_t)i, (uint32_t)(all > 1 ? all + 1 : 1));
        for (int j = 0; j < m->n_nets; j++)
            b.share[j * b.attacked + i] = which == all ? 1 / (float)all : j == which ? 1 : 0;
    }
    LimStatus status = find_labels(m, &b, exec, clean, err);
    for (int step = 1; step <= MAX_STEPS && status == LIM_OK; step++)
        status = move(m, &b, step, exec, clean, adversarial, err);
    free(b.epsilon);
    free(b.share);
    free(b.logits);
    free(b.mixed);
    free(b.label);
    free(b.sign);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static LimStatus
open_nets(LimPairs *m, LimError *err)
{
    char names[LIM_TEXT_MAX], *rest = NULL;
    snprintf(names, sizeof names, "%s", m->p.nets);
    for (char *path = strtok_r(names, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        if (m->n_nets == LIM_PAIR_NETS)
            return lim_fail(err, LIM_E_PARAM, "at most %d networks are attacked; name fewer",
                            LIM_PAIR_NETS);
        LimPredictor *c = lim_predictor_load(path, err);
        if (!c)
            return err ? err->code : LIM_E_FORMAT;
        m->net[m->n_nets++] = c;
        if (lim_predictor_image_shape(c).d[0] != m->channels ||
            lim_predictor_classes(c) != m->classes)
            return lim_fail(err, LIM_E_PARAM,
                            "%s knows %d classes of pictures of %d channels, the data has %d of "
                            "%d; choose a network that was trained on this data",
                            path, lim_predictor_classes(c), lim_predictor_image_shape(c).d[0],
                            m->classes, m->channels);
    }
    return m->n_nets ? LIM_OK
                     : lim_fail(err, LIM_E_PARAM, "no network to attack; name one with --nets");
}

/* By weights, wherever the files are. */
static void
describe(LimPairs *m)
{
    json_t *nets = json_array();
    for (int j = 0; j < m->n_nets; j++) {
        char hash[32];
        snprintf(hash, sizeof hash, "%016" PRIx64, lim_predictor_hash(m->net[j]));
        json_array_append_new(nets, json_string(hash));
    }
    json_t *all = json_pack("{s:f, s:I, s:o}", "epsilon", m->p.epsilon, "seed",
                            (json_int_t)m->p.seed, "nets", nets);
    m->description = json_dumps(all, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(all);
    m->identity = lim_rng_stream(LIM_STREAM_ATTACK, m->description, 0);
}

LimPairs *
lim_pairs_new(const LimPairSettings *p, int channels, int classes, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (lim_params_check(lim_pair_schema, p, err) != LIM_OK)
        return NULL;
    LimPairs *m = lim_alloc(1, sizeof *m);
    m->p = *p;
    m->channels = channels;
    m->classes = classes;
    if (open_nets(m, err) != LIM_OK) {
        lim_pairs_free(m);
        return NULL;
    }
    describe(m);
    return m;
}

void
lim_pairs_free(LimPairs *m)
{
    if (!m)
        return;
    for (int i = 0; i < PLANS; i++)
        lim_plan_free(m->plans[i].plan);
    for (int j = 0; j < m->n_nets; j++)
        lim_predictor_free(m->net[j]);
    free(m->description);
    free(m);
}

LimPairSource
lim_pairs_source(LimPairs *m)
{
    return (LimPairSource){.fill = fill,
                           .ctx = m,
                           .identity = m->identity,
                           .description = m->description};
}
