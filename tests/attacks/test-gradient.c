/* Attacks that follow gradients, on linear classifiers whose boundary is known. */
#include "attacks/attack.h"
#include "toy.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define SIZE 16

/* Two classes: logits +-(w x) with |w| = 1 and the boundary at sum(x) = 8.8. */
static float weight[2][SIZE], bias[2];
static LimExec exec;

static LimVictim *
two_classes(void)
{
    for (int j = 0; j < SIZE; j++) {
        weight[0][j] = -1.0f / 8;
        weight[1][j] = 1.0f / 8;
    }
    bias[0] = 1.1f;
    bias[1] = -1.1f;
    return toy_new(2, SIZE, &weight[0][0], bias);
}

typedef struct Case {
    LimAttack *attack;
    LimVictim *victim;
    void *params;
} Case;

/* name: of the attack; settings: pairs of name and value, ended by NULL. */
static Case
begin(LimVictim *v, const char *name, const char *const *settings, const LimAttackInput *in)
{
    LimError err = LIM_ERROR_INIT;
    const LimAttackClass *klass = lim_attack_find(name);
    g_assert_nonnull(klass);
    Case c = {.victim = v, .params = g_malloc0(klass->params_size)};
    lim_params_init(klass->schema, c.params);
    for (int i = 0; settings[i]; i += 2)
        lim_params_set(klass->schema, c.params, settings[i], settings[i + 1], &err);
    c.attack = lim_attack_new(klass, c.params, in, v, &err);
    g_assert_cmpstr(err.text, ==, "");
    return c;
}

static void
finish(Case *c)
{
    LimStep s;
    while ((s = lim_task_step(lim_attack_task(c->attack), &exec, NULL, NULL)) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(s, ==, LIM_STEP_DONE);
}

static void
end(Case *c)
{
    lim_task_free(lim_attack_task(c->attack));
    lim_victim_free(c->victim);
    g_free(c->params);
}

static LimAttackResult
attack_one(Case *c, LimVictim *v, const char *name, const char *const *settings, const float *x,
           int32_t label, const int32_t *target)
{
    const LimAttackInput in = {.n = 1, .image = x, .label = &label, .target = target, .seed = 3};
    LimAttackResult r;
    *c = begin(v, name, settings, &in);
    finish(c);
    lim_attack_result(c->attack, 0, &r);
    return r;
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
fill(float *x, float value)
{
    for (int j = 0; j < SIZE; j++)
        x[j] = value;
}

/* x = 0.5 everywhere: sum 8, class 0, distance to the boundary 0.8 / 4 = 0.2 in l2, 0.05 in linf.
 */
static void
test_balls(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    for (int attack = 0; attack < 3; attack++) {
        const char *const name[] = {"fgsm", "bim", "pgd"};
        Case c;
        LimAttackResult r =
            attack_one(&c, two_classes(), name[attack], SETTINGS("epsilon", "0.04"), x, 0, NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
        g_assert_cmpfloat(r.linf, <=, 0.04 * (1 + 1e-6));
        end(&c);
        r = attack_one(&c, two_classes(), name[attack],
                       attack == 2 ? SETTINGS("epsilon", "0.06", "norm", "linf")
                                   : SETTINGS("epsilon", "0.06"),
                       x, 0, NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpfloat(r.linf, <=, 0.06 * (1 + 1e-6));
        g_assert_cmpfloat(r.linf, >, 0.05);
        end(&c);
        r = attack_one(&c, two_classes(), name[attack], SETTINGS("epsilon", "0"), x, 0, NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
        g_assert_cmpmem(r.image, sizeof x, x, sizeof x);
        end(&c);
        /* aimed at the other class, and at its own */
        const int32_t other = 1, own = 0;
        r = attack_one(&c, two_classes(), name[attack], SETTINGS("epsilon", "0.25"), x, 0, &other);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpint(r.label, ==, 1);
        end(&c);
        r = attack_one(&c, two_classes(), name[attack], SETTINGS("loss", "margin"), x, 0, &own);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_ALREADY);
        g_assert_cmpint(r.queries, ==, 2);
        end(&c);
        r = attack_one(&c, two_classes(), name[attack],
                       SETTINGS("loss", "margin", "epsilon", "0.25"), x, 0, &other);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        end(&c);
    }
}

/* l2: the way to the boundary is 0.2 and leads along the gradient. */
static void
test_pgd_l2(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    Case c;
    LimAttackResult r = attack_one(&c, two_classes(), "pgd",
                                   SETTINGS("epsilon", "0.19", "restarts", "3"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
    g_assert_cmpfloat(r.l2, <=, 0.19 * (1 + 1e-6));
    g_assert_cmpint(r.queries, ==, 1 + 3 * 41 + 1);
    g_assert_cmpint(r.gradients, ==, 3 * 40);
    end(&c);
    r = attack_one(&c, two_classes(), "pgd", SETTINGS("epsilon", "0.21", "steps", "100"), x, 0,
                   NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_cmpfloat(r.l2, <=, 0.21 * (1 + 1e-6));
    end(&c);
}

/* FGSM asks: the original, the gradient, the place, and the two that judge. */
static void
test_queries(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    Case c;
    LimAttackResult r =
        attack_one(&c, two_classes(), "fgsm", SETTINGS("epsilon", "0.1"), x, 0, NULL);
    g_assert_cmpint(r.queries, ==, 5);
    g_assert_cmpint(r.gradients, ==, 1);
    end(&c);
    /* steps of 0.02: after the third the boundary at 0.05 is behind */
    r = attack_one(&c, two_classes(), "bim", SETTINGS("epsilon", "0.1"), x, 0, NULL);
    g_assert_cmpint(r.queries, ==, 1 + 4 + 2);
    g_assert_cmpfloat_with_epsilon(r.linf, 0.06, 1e-6);
    end(&c);
    /* a budget is never overrun, and what was found within it is kept */
    for (int budget = 1; budget < 9; budget++) {
        const int32_t label = 0;
        const LimAttackInput in = {.n = 1, .image = x, .label = &label, .budget = budget};
        c = begin(two_classes(), "bim", SETTINGS("epsilon", "0.1"), &in);
        finish(&c);
        lim_attack_result(c.attack, 0, &r);
        g_assert_cmpint(r.queries, <=, budget);
        g_assert_cmpint(r.status, ==, budget >= 8 ? LIM_ATTACK_FOOLED : LIM_ATTACK_FAILED);
        end(&c);
    }
}

/* The nearest 8-bit pictures: the boundary is at a sum of 2244 levels, the original at 16 x 128. */
static void
test_lattice(void)
{
    float x[SIZE];
    fill(x, 128 / 255.0f);
    const int32_t label = 0;
    const LimAttackInput in = {.n = 1, .image = x, .label = &label, .lattice_queries = 200};
    Case c = begin(two_classes(), "fgsm", SETTINGS("epsilon", "0.1"), &in);
    finish(&c);
    LimAttackResult r;
    lim_attack_result(c.attack, 0, &r);
    g_assert_true(r.fools8);
    int sum = 0;
    for (int j = 0; j < SIZE; j++)
        sum += (int)lrintf(255 * r.image8[j]) - 128;
    /* 8.8 * 255 = 2244 = 16 * 128 + 196: 197 levels at least (or the boundary itself) */
    g_assert_cmpint(sum, >=, 196);
    g_assert_cmpint(sum, <=, 197);
    g_assert_cmpint(r.queries, <=, 5 + 200);
    end(&c);
}

/* A target of two levels between classes: equal values can only round to 192 or 208 levels more,
 * and 197 and 198 fool. */
static void
test_lattice_thin(void)
{
    float w[3][SIZE] = {{0}}, b[3] = {0}, x[SIZE];
    fill(x, 128 / 255.0f);
    for (int j = 0; j < SIZE; j++) {
        w[1][j] = 1;
        w[2][j] = 2;
    }
    b[1] = -(16 * 128 + 196.5f) / 255;
    b[2] = 2 * b[1] - 2.0f / 255; /* overtakes class 1 two levels on */
    const int32_t label = 0, target = 1;
    const LimAttackInput in = {
        .n = 1, .image = x, .label = &label, .target = &target, .lattice_queries = 100, .seed = 4};
    Case c = begin(toy_new(3, SIZE, &w[0][0], b), "fgsm",
                   SETTINGS("epsilon", "0.0486", "loss", "margin"), &in);
    finish(&c);
    LimAttackResult r;
    lim_attack_result(c.attack, 0, &r);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_true(r.fools8);
    int sum = 0;
    for (int j = 0; j < SIZE; j++)
        sum += (int)lrintf(255 * r.image8[j]) - 128;
    g_assert_cmpint(sum, ==, 197);
    g_assert_cmpint(r.queries, <=, 5 + 100);
    end(&c);
}

/* The smallest epsilon along the sign: 0.05. */
static void
test_minimal(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    Case c;
    LimAttackResult r = attack_one(&c, two_classes(), "fgsm",
                                   SETTINGS("epsilon", "1", "minimal", "true"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_cmpfloat(r.linf, >=, 0.05 - 1e-6);
    g_assert_cmpfloat(r.linf, <=, 0.05 + 0.01 / 1000);
    g_assert_cmpint(r.queries, <=, 1 + 1 + 6 + 10 + 2);
    end(&c);
    r = attack_one(&c, two_classes(), "fgsm", SETTINGS("epsilon", "0.04", "minimal", "true"), x, 0,
                   NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
    g_assert_cmpint(r.queries, ==, 1 + 1 + 100 + 1);
    end(&c);
}

/* One linear step is exact: 1.02 (distance + 1e-4). */
static void
test_deepfool(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    Case c;
    LimAttackResult r =
        attack_one(&c, two_classes(), "deepfool", SETTINGS("norm", "l2"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_cmpfloat_with_epsilon(r.l2, 1.02 * (0.2 + 1e-4), 1e-5);
    g_assert_cmpint(r.queries, ==, 1 + 2 + 2);
    g_assert_cmpint(r.gradients, ==, 2);
    end(&c);
    r = attack_one(&c, two_classes(), "deepfool", SETTINGS("norm", "linf"), x, 0, NULL);
    g_assert_cmpfloat_with_epsilon(r.linf, 1.02 * (0.05 + 1e-4), 1e-5);
    end(&c);
    r = attack_one(&c, two_classes(), "deepfool", SETTINGS("norm", "l2", "overshoot", "0.1"), x, 0,
                   NULL);
    g_assert_cmpfloat_with_epsilon(r.l2, 1.1 * (0.2 + 1e-4), 1e-5);
    end(&c);

    /* on the boundary itself: a tie is no reason to stop */
    fill(x, 0.5f);
    bias[0] = bias[1] = 0;
    float flat[2][SIZE] = {{0}}, none[2] = {0.25f, 0.25f};
    for (int j = 0; j < SIZE; j++)
        flat[1][j] = j % 2 ? 1 : -1;
    r = attack_one(&c, toy_new(2, SIZE, &flat[0][0], none), "deepfool", SETTINGS("norm", "l2"), x,
                   0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_cmpfloat_with_epsilon(r.l2, 1.02e-4, 1e-6);
    end(&c);
    /* no gradient: nowhere to go, and no crash */
    memset(flat, 0, sizeof flat);
    r = attack_one(&c, toy_new(2, SIZE, &flat[0][0], none), "deepfool", SETTINGS("norm", "l2"), x,
                   0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
    g_assert_cmpmem(r.image, sizeof x, x, sizeof x);
    end(&c);
}

/* At the edge of the range half of the values cannot follow the gradient: places are clipped, and
 * the steps go on from there. */
static void
test_deepfool_clips(void)
{
    float x[SIZE];
    for (int j = 0; j < SIZE; j++)
        x[j] = j < 8 ? 1 : 0.09f; /* sum 8.72 */
    Case c;
    const LimAttackResult r =
        attack_one(&c, two_classes(), "deepfool", SETTINGS("norm", "l2"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    for (int j = 0; j < SIZE; j++)
        g_assert_true(r.image[j] >= 0 && r.image[j] <= 1);
    /* the nearest is 0.08 / sqrt(8) away */
    g_assert_cmpfloat(r.l2, >=, 0.08 / sqrt(8) - 1e-6);
    g_assert_cmpfloat(r.l2, <=, 1.1 * 0.08 / sqrt(8));
    end(&c);
}

/* Three classes: the nearest boundary is that of class 2, in which order the logits may be. */
static void
test_deepfool_nearest(void)
{
    float w[3][SIZE] = {{0}}, b[3] = {1, 0.9f, 0.5f}, x[SIZE];
    fill(x, 0.5f);
    w[1][0] = 0.1f; /* distance 0.1 / 0.1 less 0.05 */
    w[2][1] = 2;    /* (0.5 - 1) / 2 */
    b[2] -= 1;
    Case c;
    LimAttackResult r = attack_one(&c, toy_new(3, SIZE, &w[0][0], b), "deepfool",
                                   SETTINGS("norm", "l2"), x, 0, NULL);
    g_assert_cmpint(r.label, ==, 2);
    g_assert_cmpfloat_with_epsilon(r.l2, 1.02 * (0.25 + 1e-4), 1e-5);
    end(&c);
    /* only the next class by logits is a candidate: class 1 has 0.95, class 2 has 0.5 */
    r = attack_one(&c, toy_new(3, SIZE, &w[0][0], b), "deepfool",
                   SETTINGS("norm", "l2", "candidates", "2"), x, 0, NULL);
    g_assert_cmpint(r.label, !=, 2);
    end(&c);
}

/* Close to the exact distance of 0.2, targeted or not. */
static void
test_closest(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    const int32_t other = 1;
    for (int targeted = 0; targeted < 2; targeted++) {
        Case c;
        LimAttackResult r = attack_one(&c, two_classes(), "carlini-wagner",
                                       SETTINGS("steps", "300"), x, 0, targeted ? &other : NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpfloat(r.l2, >=, 0.2 - 1e-6);
        g_assert_cmpfloat(r.l2, <=, 0.2 * 1.02);
        end(&c);
        r = attack_one(&c, two_classes(), "ddn", SETTINGS("steps", "300"), x, 0,
                       targeted ? &other : NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpfloat(r.l2, >=, 0.2 - 1e-6);
        g_assert_cmpfloat(r.l2, <=, 0.2 * 1.06);
        g_assert_cmpint(r.queries, ==, 1 + 300 + 2);
        end(&c);
        /* confidence: a lead of 0.2 in logits, 0.4 from the boundary of 2 w = 1/4 a value */
        r = attack_one(&c, two_classes(), "carlini-wagner",
                       SETTINGS("steps", "300", "confidence", "0.2"), x, 0,
                       targeted ? &other : NULL);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpfloat(r.l2, >=, 0.4 - 1e-6);
        g_assert_cmpfloat(r.l2, <=, 0.4 * 1.02);
        end(&c);
    }
}

/* Values at 0 and at 1 move. */
static void
test_carlini_wagner_edges(void)
{
    float x[SIZE];
    for (int j = 0; j < SIZE; j++)
        x[j] = j < 8 ? 1 : 0; /* sum 8 */
    Case c;
    const LimAttackResult r =
        attack_one(&c, two_classes(), "carlini-wagner", SETTINGS("steps", "1000"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    for (int j = 8; j < SIZE; j++)
        g_assert_cmpfloat(r.image[j], >, 0.05);
    g_assert_cmpfloat(r.l2, <=, 1.03 * 0.8 / sqrt(8));
    end(&c);
}

/* Too little to find anything: the best try, said to have failed, and not a black picture. */
static void
test_carlini_wagner_fails(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    Case c;
    LimAttackResult r = attack_one(&c, two_classes(), "carlini-wagner",
                                   SETTINGS("rounds", "1", "steps", "3"), x, 0, NULL);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
    g_assert_cmpint(r.label, ==, 0);
    g_assert_cmpfloat(r.l2, <, 0.2);
    g_assert_cmpint(r.queries, ==, 1 + 3 + 1);
    for (int j = 0; j < SIZE; j++)
        g_assert_cmpfloat(r.image[j], >, 0.4);
    end(&c);
    const int32_t label = 0;
    const LimAttackInput in = {.n = 1, .image = x, .label = &label, .budget = 50};
    c = begin(two_classes(), "carlini-wagner", SETTINGS("c", "1e-6"), &in);
    finish(&c);
    lim_attack_result(c.attack, 0, &r);
    g_assert_cmpint(r.queries, <=, 50);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FAILED);
    end(&c);
}

/* Stopped in the middle: what was found by then is the result, and it is judged. */
static void
test_stop(void)
{
    float x[SIZE];
    fill(x, 0.5f);
    const int32_t label = 0;
    const LimAttackInput in = {.n = 1, .image = x, .label = &label, .lattice_queries = 30};
    Case c = begin(two_classes(), "ddn", SETTINGS("steps", "300"), &in);
    LimAttackResult r;
    do {
        g_assert_cmpint(lim_task_step(lim_attack_task(c.attack), &exec, NULL, NULL), ==,
                        LIM_STEP_MORE);
        lim_attack_result(c.attack, 0, &r);
    } while (r.status == LIM_ATTACK_RUNNING);
    float found[SIZE];
    memcpy(found, r.image, sizeof found);
    const int64_t queries = r.queries;
    lim_attack_stop(c.attack);
    finish(&c);
    lim_attack_result(c.attack, 0, &r);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    g_assert_cmpint(r.queries, ==, queries + 2);
    g_assert_cmpint(r.label8, >=, 0);
    g_assert_cmpmem(r.image, sizeof found, found, sizeof found);
    end(&c);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    g_test_add_func("/gradient/balls", test_balls);
    g_test_add_func("/gradient/pgd-l2", test_pgd_l2);
    g_test_add_func("/gradient/queries", test_queries);
    g_test_add_func("/gradient/lattice", test_lattice);
    g_test_add_func("/gradient/lattice-thin", test_lattice_thin);
    g_test_add_func("/gradient/minimal", test_minimal);
    g_test_add_func("/gradient/deepfool", test_deepfool);
    g_test_add_func("/gradient/deepfool-clips", test_deepfool_clips);
    g_test_add_func("/gradient/deepfool-nearest", test_deepfool_nearest);
    g_test_add_func("/gradient/closest", test_closest);
    g_test_add_func("/gradient/carlini-wagner-edges", test_carlini_wagner_edges);
    g_test_add_func("/gradient/carlini-wagner-fails", test_carlini_wagner_fails);
    g_test_add_func("/gradient/stop", test_stop);
    return g_test_run();
}
