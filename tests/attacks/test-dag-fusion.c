/* Weights of fused perturbations as text, and their sum. */
#include "attacks/dag-fusion.h"

#include <glib.h>
#include <string.h>

static void
test_weights(void)
{
    static const char *const wrong[] = {"1",    "1,2,3", "1,",    ",1",   "1;2", "1,x",
                                        "-1,1", "11,1",  "1,nan", "1, ,", "1 2"};
    double weight[3] = {7, 7, 7};
    LimError err = LIM_ERROR_INIT;

    g_assert_cmpint(lim_dag_weights("", 2, weight, &err), ==, LIM_OK);
    g_assert_true(weight[0] == 1 && weight[1] == 1 && weight[2] == 7);
    g_assert_cmpint(lim_dag_weights("0.25,10", 2, weight, &err), ==, LIM_OK);
    g_assert_true(weight[0] == 0.25 && weight[1] == 10 && weight[2] == 7);
    g_assert_cmpint(lim_dag_weights("0", 1, weight, &err), ==, LIM_OK);
    g_assert_true(weight[0] == 0);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_test_message("%s", wrong[i]);
        g_assert_cmpint(lim_dag_weights(wrong[i], 2, weight, NULL), ==, LIM_E_PARAM);
    }
    g_assert_cmpint(lim_dag_weights("1", 2, weight, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "2 networks"));
}

/* Values that floats hold exactly. */
static void
test_sum(void)
{
    enum { SIZE = 2, N = 3 * SIZE * SIZE };
    float a[N], b[N], out[N];
    const float *r[2] = {a, b};
    const double weight[2] = {0.5, 3};

    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = (float)(i * i) - 8;
        out[i] = 99;
    }
    lim_dag_sum(r, weight, 2, SIZE, out);
    for (int i = 0; i < N; i++)
        g_assert_cmpfloat((double)out[i], ==, 0.5 * i + 3.0 * (i * i - 8));
    lim_dag_sum(NULL, NULL, 0, SIZE, out);
    for (int i = 0; i < N; i++)
        g_assert_cmpfloat((double)out[i], ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dag-fusion/weights", test_weights);
    g_test_add_func("/dag-fusion/sum", test_sum);
    return g_test_run();
}
