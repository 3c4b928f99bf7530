/* All pairs of a class, directly: differences of nearly equal vectors must not be taken through
 * products. For the jackknife each distance is booked under the groups of both its samples, which
 * gives the mean without any group from one pass. */
#include "metrics/variety.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS LIM_JACKKNIFE_GROUPS

typedef struct Class {
    const LimExec *exec;
    const LimFeatures *f;
    int *member; /* [n] */
    int n, groups;
    double *sum; /* [n][groups]: of the distances to later members, by their group */
} Class;

static int
group_of(const Class *c, int i)
{
    return (int)((int64_t)i * c->groups / c->n);
}

static void
sum_row(void *ctx, int i, int thread)
{
    const Class *c = ctx;
    const size_t size = (size_t)c->f->size;
    const float *a = c->f->x + (size_t)c->member[i] * size;
    if (lim_cancelled(c->exec->cancel))
        return;
    for (int j = i + 1; j < c->n; j++) {
        const float *b = c->f->x + (size_t)c->member[j] * size;
        double part[4] = {0};
        size_t k = 0;
        for (; k + 4 <= size; k += 4)
            for (size_t l = 0; l < 4; l++) {
                const double gap = (double)a[k + l] - (double)b[k + l];
                part[l] += gap * gap;
            }
        for (; k < size; k++)
            part[0] += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
        c->sum[i * c->groups + group_of(c, j)] += sqrt(part[0] + part[1] + part[2] + part[3]);
    }
}

/* The mean over pairs, and that over pairs without group g. */
static double
mean_pairs(Class *c, double *without /* [groups] */)
{
    double all = 0, in[GROUPS] = {0};
    int size[GROUPS] = {0};
    c->sum = lim_alloc((size_t)c->n * (size_t)c->groups, sizeof *c->sum);
    lim_pool_for(c->exec->pool, c->n, sum_row, c);
    for (int i = 0; i < c->n; i++) {
        const int gi = group_of(c, i);
        size[gi]++;
        for (int g = 0; g < c->groups; g++) {
            const double s = c->sum[i * c->groups + g];
            all += s;
            in[g] += s;
            if (g != gi)
                in[gi] += s;
        }
    }
    free(c->sum);
    for (int g = 0; g < c->groups; g++) {
        const double left = c->n - size[g];
        without[g] = (all - in[g]) / (left * (left - 1) / 2);
    }
    return all / (c->n * (c->n - 1.0) / 2);
}

LimStatus
lim_variety(const LimExec *exec, const LimFeatures *f, LimMeasure *of, LimMeasure *all,
            LimError *err)
{
    Class c = {.exec = exec, .f = f, .member = lim_alloc((size_t)f->n, sizeof *c.member)};
    double mean = 0, without[GROUPS] = {0}, own[GROUPS];
    int classes = 0, groups = GROUPS;
    int *count = lim_alloc((size_t)f->classes, sizeof *count);
    for (int i = 0; i < f->n; i++)
        count[f->label[i]]++;
    for (int k = 0; k < f->classes; k++)
        if (count[k] >= 2 && count[k] / 2 < groups)
            groups = count[k] / 2;
    for (int k = 0; k < f->classes; k++) {
        LimMeasure m = {NAN, NAN, NAN};
        c.n = 0;
        for (int i = 0; i < f->n && count[k] >= 2; i++)
            if (f->label[i] == k)
                c.member[c.n++] = i;
        if (c.n >= 2) {
            c.groups = groups;
            m.value = mean_pairs(&c, own);
            if (groups >= 2)
                m = lim_jackknife(m.value, own, groups);
            mean += m.value;
            for (int g = 0; g < groups; g++)
                without[g] += own[g];
            classes++;
        }
        if (of)
            of[k] = m;
    }
    free(c.member);
    free(count);
    mean /= classes;
    for (int g = 0; g < groups; g++)
        without[g] /= classes;
    *all = groups >= 2 ? lim_jackknife(mean, without, groups) : (LimMeasure){mean, NAN, NAN};
    return lim_cancelled(exec->cancel) ? lim_fail(err, LIM_CANCELLED, "stopped") : LIM_OK;
}
