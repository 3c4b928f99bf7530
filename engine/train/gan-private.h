/* The GAN trainer's state, shared by the files that make it up: gan.c (settings and steps),
 * gan-plan.c (the two plans), gan-checkpoint.c, gan-save.c. */
#pragma once

#include "train/gan.h"
#include "train/network.h"

typedef struct GanTrainer {
    LimTask base;
    LimGanTraining p;
    const LimDataset *data;
    char *checkpoint;
    LimTrainLog log;
    LimStore *g, *d, *ema;
    LimOptim *g_optim, *d_optim;
    LimStepPlan d_plan, g_plan;
    LimVal d_loss, d_score_real, d_score_fake, g_loss;
    float *z;       /* [batch][latent] */
    float *real;    /* [batch][channels][size][size] */
    int32_t *label; /* of the fakes, then of the reals: [2 batch] */
    float momentum; /* of batch norm's running statistics */
    uint32_t *index;
    float *gram; /* scratch of the orthogonal regularisation, or NULL */
    /* phase: D steps done in this iteration; part: batches gathered of the step under way */
    int32_t iteration, phase, part;
    /* sums since the last line of the log */
    double sum_d, sum_g, sum_real, sum_fake;
    int n_d, n_g;
} GanTrainer;

/* Record and plan the D step and the G step, bound to the buffers above. */
LimStatus gan_plan_d(GanTrainer *t, const LimExec *exec, LimError *err);
LimStatus gan_plan_g(GanTrainer *t, const LimExec *exec, LimError *err);
/* Takes everything that the next step depends on from the checkpoint. */
LimStatus gan_resume(GanTrainer *t, LimError *err);
