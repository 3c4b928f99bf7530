/* Exact answers for attacks: a linear classifier with its own gradients. */
#include "toy.h"

#include <math.h>
#include <stdlib.h>

typedef struct Toy {
    LimVictim victim;
    const float *weight, *bias;
} Toy;

static void
evaluate(const LimVictim *v, const float *x, float *z)
{
    const Toy *t = (const Toy *)v;
    const int size = v->image.d[2];
    for (int k = 0; k < v->classes; k++) {
        double sum = (double)t->bias[k];
        for (int j = 0; j < size; j++)
            sum += (double)t->weight[k * size + j] * (double)x[j];
        z[k] = (float)sum;
    }
}

static LimStatus
toy_logits(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits, LimError *err)
{
    for (int i = 0; i < n; i++)
        evaluate(v, x + i * v->image.d[2], logits + i * v->classes);
    return LIM_OK;
}

static LimStatus
toy_labels(LimVictim *v, const LimExec *exec, const float *x, int n, int32_t *label, LimError *err)
{
    float z[16];
    for (int i = 0; i < n; i++) {
        evaluate(v, x + i * v->image.d[2], z);
        label[i] = lim_victim_seen(v, z);
    }
    return LIM_OK;
}

static LimStatus
toy_gradient(LimVictim *v, const LimExec *exec, LimVictimLoss loss, double temperature,
             const float *x, const int32_t *label, int n, float *value, float *logits,
             float *gradient, LimError *err)
{
    const Toy *t = (const Toy *)v;
    const int size = v->image.d[2], classes = v->classes;
    for (int i = 0; i < n; i++) {
        float z[16] = {0};
        double sum = 0, weight[16];
        int other = label[i] == 0;
        evaluate(v, x + i * size, z);
        for (int k = 0; k < classes; k++) {
            if (k != label[i] && z[k] > z[other])
                other = k;
            sum += exp((double)z[k] / temperature);
            if (logits)
                logits[i * classes + k] = z[k];
        }
        for (int k = 0; k < classes; k++)
            weight[k] = (loss == LIM_LOSS_MARGIN
                             ? (k == label[i]) - (k == other)
                             : exp((double)z[k] / temperature) / sum - (k == label[i])) /
                        temperature;
        if (value)
            value[i] = loss == LIM_LOSS_MARGIN
                           ? (z[label[i]] - z[other]) / (float)temperature
                           : (float)(log(sum) - (double)z[label[i]] / temperature);
        for (int j = 0; j < size; j++) {
            double g = 0;
            for (int k = 0; k < classes; k++)
                g += weight[k] * (double)t->weight[k * size + j];
            gradient[i * size + j] = (float)g;
        }
    }
    return LIM_OK;
}

static LimStatus
toy_jacobian(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits,
             float *jacobian, LimError *err)
{
    const Toy *t = (const Toy *)v;
    const int one = v->classes * v->image.d[2];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < one; j++)
            jacobian[i * one + j] = t->weight[j];
    return toy_logits(v, exec, x, n, logits, err);
}

static void
toy_free(LimVictim *v)
{
    free(v);
}

static const LimVictimClass toy_class = {toy_labels, toy_logits, toy_gradient, toy_jacobian,
                                         toy_free};

LimVictim *
toy_new(int classes, int size, const float *weight, const float *bias)
{
    LIM_ASSERT(classes <= 16);
    Toy *t = lim_alloc(1, sizeof *t);
    t->victim = (LimVictim){.klass = &toy_class,
                            .access = LIM_ACCESS_GRADIENT,
                            .image = LIM_SHAPE3(1, 1, size),
                            .classes = classes};
    t->weight = weight;
    t->bias = bias;
    return &t->victim;
}
