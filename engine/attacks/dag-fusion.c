/* Weighted sums. */
#include "attacks/dag-fusion.h"

#include <string.h>

const LimParamSpec lim_dag_fusion_schema[] = {
    {.name = "weights",
     .label = "Weights",
     .help = "Of the perturbation made on each network, in their order, with commas between them: "
             "1,0.5,0. With 0 none is made on that network, which only looks. Empty: 1 each.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimDagFusion, weights)},
    {.name = "permuted",
     .label = "Rows in another order",
     .help = "The control: the same values in another order of rows are as large in every norm, "
             "and fool nobody if it is the structure that fools.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimDagFusion, permuted),
     .max = 1},
    {0}};

/* One weight; text as long as a setting may be. */
static bool
read_weight(const char *text, double *weight)
{
    static const LimParamSpec one[] = {{.name = "weights",
                                        .label = "Weight",
                                        .unit = "",
                                        .kind = LIM_REAL,
                                        .max = LIM_DAG_WEIGHT_MAX},
                                       {0}};
    return lim_params_set(one, weight, "weights", text, NULL) == LIM_OK;
}

LimStatus
lim_dag_weights(const char *text, int n, double *weight, LimError *err)
{
    const char *at = text;
    for (int i = 0; i < n; i++) {
        char word[LIM_TEXT_MAX];
        const size_t length = strcspn(at, ",");
        weight[i] = 1;
        if (!*text)
            continue;
        if (length >= sizeof word)
            return lim_fail(err, LIM_E_PARAM, "a weight is too long a text");
        memcpy(word, at, length);
        word[length] = 0;
        at += length;
        if (!read_weight(word, &weight[i]) || (i + 1 < n ? *at != ',' : *at != 0))
            return lim_fail(err, LIM_E_PARAM,
                            "\"%s\" is not a weight for each of %d network%s; give numbers from 0 "
                            "to %d with commas between them, such as 1,0.5",
                            text, n, n == 1 ? "" : "s", LIM_DAG_WEIGHT_MAX);
        at += *at == ',';
    }
    return LIM_OK;
}

void
lim_dag_sum(const float *const *r, const double *weight, int n, int size, float *out)
{
    for (int i = 0; i < 3 * size * size; i++) {
        double v = 0;
        for (int k = 0; k < n; k++)
            v += weight[k] * (double)r[k][i];
        out[i] = (float)v;
    }
}
