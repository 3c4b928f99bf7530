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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    g_test_add_func("/gradient/balls", test_balls);
    g_test_add_func("/gradient/pgd-l2", test_pgd_l2);
    g_test_add_func("/gradient/queries", test_queries);
    g_test_add_func("/gradient/lattice", test_lattice);
    return g_test_run();
}
