/* Victims that are programs: what they are told, and what happens when they misbehave. */
#include "attacks/boundary.h"
#include "attacks/oracle.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIDE 4
#define SIZE (SIDE * SIDE)

/* Class 1: the first value is 1, to the last bit. */
#define FIRST_IS_ONE "case $p in 3f800000*) echo 1;; *) echo 0;; esac"
#define LOOP         "while read -r p; do " FIRST_IS_ONE "; done"

static LimVictim *
oracle(const char *command, double timeout, int retries, LimError *err)
{
    const LimOracleOptions o = {command, LIM_SHAPE3(1, SIDE, SIDE), timeout, retries};
    return lim_oracle_new(&o, NULL, err);
}

static LimVictim *
good(const char *command, double timeout, int retries)
{
    LimError err = LIM_ERROR_INIT;
    LimVictim *v = oracle(command, timeout, retries, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_victim_begin(v, 1000, 0);
    return v;
}

static void
no_children(void)
{
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

/* n pictures; the first value of those with i % 3 == 0 is 1. */
static void
check(LimVictim *v, int n)
{
    const size_t size = (size_t)lim_shape_size(v->image);
    float *x = g_new(float, (size_t)n *size);
    int32_t *label = g_new(int32_t, (size_t)n);
    LimError err = LIM_ERROR_INIT;
    for (size_t i = 0; i < (size_t)n * size; i++)
        x[i] = nextafterf(1, 0);
    for (size_t i = 0; i < (size_t)n; i += 3)
        x[i * size] = 1;
    lim_victim_labels(v, NULL, x, NULL, n, label, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < n; i++)
        g_assert_cmpint(label[i], ==, i % 3 == 0);
    g_free(x);
    g_free(label);
}

static void
test_protocol(void)
{
    char *command = g_strdup_printf("%s/resources/oracles/brightness.sh", g_getenv("LIMEN_SOURCE"));
    LimVictim *v = good(command, 10, 0);
    float x[3 * SIZE];
    int32_t label[3];
    for (int i = 0; i < 3 * SIZE; i++)
        x[i] = i / SIZE == 1 ? 127.4F / 255 : i / SIZE == 0 && i > 4 ? 0 : 127.6F / 255;
    g_assert_cmpint(v->classes, ==, 2);
    g_assert_cmpint(lim_victim_labels(v, NULL, x, NULL, 3, label, NULL), ==, LIM_OK);
    g_assert_cmpint(label[0], ==, 1);
    g_assert_cmpint(label[1], ==, 0);
    g_assert_cmpint(label[2], ==, 1);
    lim_victim_free(v);
    g_free(command);
    v = good("read l; echo ready 2 floats; " LOOP, 10, 0);
    for (int n = 1; n < 100; n += 20)
        check(v, n);
    g_assert_cmpint(v->queries[0], ==, 5);
    lim_victim_free(v);
    no_children();
}

/* Questions and answers that fill both pipes do not block each other. */
static void
test_pipes(void)
{
    LimError err = LIM_ERROR_INIT;
    const LimOracleOptions o = {"read l; echo ready 2 floats; while read -r p; do "
                                "echo $p >&2; printf %900s; " FIRST_IS_ONE "; done",
                                LIM_SHAPE3(1, 32, 32), 20, 0};
    LimVictim *v = lim_oracle_new(&o, NULL, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_victim_begin(v, 1000, 0);
    check(v, 64);
    lim_victim_free(v);
    no_children();
}

/* It dies every seventh answer, or is silent: it is started again and nothing is lost. */
static void
test_retries(void)
{
    LimVictim *v =
        good("read l; echo ready 2 floats; for i in 1 2 3 4 5 6; do read -r p; " FIRST_IS_ONE
             "; done",
             10, 1);
    check(v, 64);
    g_assert_cmpint(lim_oracle_restarts(v), ==, 10);
    lim_victim_free(v);
    v = good("read l; echo ready 2 floats; for i in 1 2 3 4 5 6; do read -r p; " FIRST_IS_ONE
             "; done; sleep 1000",
             0.3, 1);
    check(v, 13);
    g_assert_cmpint(lim_oracle_restarts(v), ==, 2);
    lim_victim_free(v);
    no_children();
}

static void
test_errors(void)
{
    static const struct {
        const char *command, *text;
    } bad[] = {
        {"echo first >&2; echo no such model >&2; exit 3", "ended with status 3: no such model"},
        {"exit 3", "ended with status 3; its command was: exit 3"},
        {"kill -9 $$", "was ended by signal 9 (Killed)"},
        {"sleep 1000", "said nothing for 0.3 s"},
        {"echo ready 10", "answered \"ready 10\" instead of \"ready CLASSES bytes\""},
        {"echo ready 10 words", "answered \"ready 10 words\" instead of"},
        {"echo ready 1 bytes", "answered \"ready 1 bytes\" instead of"},
        {"/no/such/program", "ended with status 127: "},
    };
    LimVictim *v;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_null(oracle(bad[i].command, 0.3, 0, &err));
        g_assert_cmpint(err.code, ==, LIM_E_IO);
        if (!strstr(err.text, bad[i].text))
            g_error("%s: %s", bad[i].command, err.text);
    }
    static const struct {
        const char *command, *text;
    } later[] = {
        {"read l; echo ready 2 bytes; read p; echo out of memory >&2; exit 4",
         "the oracle ended with status 4: out of memory"},
        {"read l; echo ready 2 bytes; exec <&-; exit 5", "the oracle ended with status 5"},
        {"read l; echo ready 2 bytes; read p; echo 2; sleep 1000", "answered \"2\" instead of"},
        {"read l; echo ready 2 bytes; read p; echo shirt; sleep 1000", "answered \"shirt\""},
        {"read l; echo ready 2 bytes; read p; echo; sleep 1000", "answered \"\" instead"},
        {"read l; echo ready 2 bytes; read p; echo error no licence; sleep 1000",
         "the oracle reports an error no licence"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(later); i++) {
        LimError err = LIM_ERROR_INIT;
        float x[64 * SIZE] = {0};
        int32_t label[64];
        v = good(later[i].command, 10, 2);
        g_assert_cmpint(lim_victim_labels(v, NULL, x, NULL, 64, label, &err), !=, LIM_OK);
        if (!strstr(err.text, later[i].text))
            g_error("%s: %s", later[i].command, err.text);
        g_assert_cmpint(v->queries[0], ==, 0);
        g_assert_cmpint(lim_oracle_pid(v), ==, 0);
        lim_victim_free(v);
    }
    no_children();
}

static void *
cancel_soon(void *flag)
{
    const struct timespec t = {0, 100000000};
    nanosleep(&t, NULL);
    lim_cancel(flag);
    return NULL;
}

/* Cancelled while it hangs; what it says too late is not taken for an answer to something else. */
static void
test_cancel(void)
{
    LimCancel cancel = {0};
    const LimExec exec = {.cancel = &cancel};
    LimError err = LIM_ERROR_INIT;
    pthread_t thread;
    LimVictim *v = good("read l; echo ready 2 floats; read p; sleep 0.5; echo 1; " LOOP, 100, 0);
    float x[SIZE] = {0};
    int32_t label;
    pthread_create(&thread, NULL, cancel_soon, &cancel);
    g_assert_cmpint(lim_victim_labels(v, &exec, x, NULL, 1, &label, &err), ==, LIM_CANCELLED);
    pthread_join(thread, NULL);
    g_assert_cmpint(v->queries[0], ==, 0);
    x[0] = 0.5F;
    g_assert_cmpint(lim_victim_labels(v, NULL, x, NULL, 1, &label, NULL), ==, LIM_OK);
    g_assert_cmpint(label, ==, 0);
    check(v, 10);
    lim_victim_free(v);

    const LimOracleOptions o = {"sleep 1000", LIM_SHAPE3(1, SIDE, SIDE), 100, 0};
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_oracle_new(&o, &exec, &err));
    g_assert_cmpint(err.code, ==, LIM_CANCELLED);
    no_children();
}

/* An attack from end to end; the program is killed in the middle, the result is the same. */
static void
test_attack(void)
{
    char *command = g_strdup_printf("exec /usr/bin/python3 -c \"\n"
                                    "import struct, sys\n"
                                    "sys.stdin.readline()\n"
                                    "print('ready 2 floats', flush=True)\n"
                                    "for line in sys.stdin:\n"
                                    "    v = struct.unpack('>%df', bytes.fromhex(line))\n"
                                    "    print(int(sum(v) > 0.3 * %d), flush=True)\n\"",
                                    SIZE, SIZE);
    const LimAttackClass *klass = lim_attack_find("boundary");
    float x[SIZE], result[2][SIZE];
    const int32_t label = 0;
    double distance[2];
    char params[256];
    for (int i = 0; i < SIZE; i++)
        x[i] = 0.1F;
    for (int k = 0; k < 2; k++) {
        LimVictim *v = good(command, 20, 2);
        const LimAttackInput in = {.n = 1, .image = x, .label = &label, .budget = 400};
        LimError err = LIM_ERROR_INIT;
        lim_params_init(klass->schema, params);
        LimAttack *a = lim_attack_new(klass, params, &in, v, &err);
        g_assert_cmpstr(err.text, ==, "");
        LimStep s = LIM_STEP_MORE;
        for (int i = 0; s == LIM_STEP_MORE; i++) {
            if (k == 1 && i % 100 == 50)
                kill(lim_oracle_pid(v), SIGKILL);
            s = lim_task_step(lim_attack_task(a), &(LimExec){0}, NULL, &err);
        }
        g_assert_cmpstr(err.text, ==, "");
        LimAttackResult r;
        lim_attack_result(a, 0, &r);
        g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
        g_assert_cmpint(r.queries, ==, 400);
        g_assert_cmpint(lim_oracle_restarts(v), ==, k == 1 ? 4 : 0);
        memcpy(result[k], r.image, sizeof result[k]);
        distance[k] = r.l2;
        lim_task_free(lim_attack_task(a));
        lim_victim_free(v);
    }
    g_assert_cmpmem(result[0], sizeof result[0], result[1], sizeof result[1]);
    g_assert_cmpfloat(distance[0], >=, 0.2 * 4 - 1e-5); /* sqrt(SIZE) */
    g_assert_cmpfloat(distance[0], <, 0.2 * 4 * 1.02);
    g_free(command);
    no_children();
}

/* The example in Python, on a picture of the data set's size. */
static void
test_example(void)
{
    if (!g_file_test("/usr/share/datasets/fashion-mnist", G_FILE_TEST_IS_DIR)) {
        g_test_skip("Fashion-MNIST is not installed");
        return;
    }
    char *command =
        g_strdup_printf("%s/resources/oracles/nearest-mean.py", g_getenv("LIMEN_SOURCE"));
    const LimOracleOptions o = {command, LIM_SHAPE3(1, 32, 32), 60, 0};
    LimError err = LIM_ERROR_INIT;
    LimVictim *v = lim_oracle_new(&o, NULL, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(v->classes, ==, 10);
    lim_victim_begin(v, 2, 0);
    static float x[2][1024];
    int32_t label[2];
    for (int j = 0; j < 1024; j++)
        x[1][j] = 1;
    g_assert_cmpint(lim_victim_labels(v, NULL, &x[0][0], NULL, 2, label, &err), ==, LIM_OK);
    g_assert_cmpint(label[0], !=, label[1]);
    lim_victim_free(v);
    g_free(command);
    no_children();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/oracle/protocol", test_protocol);
    g_test_add_func("/oracle/pipes", test_pipes);
    g_test_add_func("/oracle/retries", test_retries);
    g_test_add_func("/oracle/errors", test_errors);
    g_test_add_func("/oracle/cancel", test_cancel);
    g_test_add_func("/oracle/attack", test_attack);
    g_test_add_func("/oracle/example", test_example);
    return g_test_run();
}
