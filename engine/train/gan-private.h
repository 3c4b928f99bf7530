/* The GAN trainer's state, shared by the files that make it up: gan.c (settings and steps),
 * gan-plan.c (the two plans), gan-watch.c (log and instruments), gan-checkpoint.c, gan-save.c. */
#pragma once

#include "train/gan.h"
#include "train/network.h"
#include "train/spectra.h"

/* The instruments; none of them changes what is trained. */
typedef struct GanWatch {
    const LimDataset *held_out; /* or NULL */
    LimPlan *plan;              /* its score */
    LimVal score;
    float *pictures; /* [n][channels][size][size] */
    int32_t *label;
    uint32_t *index;
    int n;
    double variety;      /* of the last D step before a line */
    bool varied;         /* it has been well above nothing */
    double *usual;       /* [matrices of g, then of d] moving average of the largest value */
    bool spike;          /* of a singular value, at the last look */
    int32_t ill_since;   /* iteration of the first symptom of those that last; 0: none */
    const char *symptom; /* the last one, or NULL */
    int32_t good;        /* iteration of the checkpoint */
} GanWatch;

typedef struct GanTrainer {
    LimTask base;
    LimGanTraining p;
    const LimDataset *data;
    char *checkpoint;
    LimTrainLog log;
    LimStore *g, *d, *ema;
    LimOptim *g_optim, *d_optim;
    LimStepPlan d_plan, g_plan;
    LimVal d_loss, d_score, d_score_real, d_score_fake, d_fake, d_r1, g_loss;
    LimSpectra *g_spectra, *d_spectra; /* or NULL */
    GanWatch watch;
    float *z;       /* [batch][latent] */
    float *real;    /* [batch][channels][size][size] */
    int32_t *label; /* of the fakes, then of the reals: [2 batch] */
    float momentum; /* of batch norm's running statistics */
    uint32_t *index;
    float *gram; /* scratch of the orthogonal regularisation, or NULL */
    /* phase: D steps done in this iteration; part: batches gathered of the step under way */
    int32_t iteration, phase, part;
    /* sums since the last line of the log */
    double sum_d, sum_g, sum_real, sum_fake, sum_r1, sum_seen; /* seen: reals taken for real */
    int n_d, n_g;
} GanTrainer;

/* Record and plan the D step and the G step, bound to the buffers above. */
LimStatus gan_plan_d(GanTrainer *t, const LimExec *exec, LimError *err);
LimStatus gan_plan_g(GanTrainer *t, const LimExec *exec, LimError *err);
/* The instruments that the settings ask for. */
LimStatus gan_watch_init(GanTrainer *t, const LimExec *exec, LimError *err);
void gan_watch_clear(GanTrainer *t);
/* After a D step, while its pictures are at hand. */
void gan_watch_d(GanTrainer *t);
/* After an iteration: writes the lines that are due. LIM_E_NUMERIC when the training collapsed. */
LimStatus gan_watch_iteration(GanTrainer *t, const LimExec *exec, LimError *err);
/* LIM_E_NUMERIC, with what is left and what to do. */
LimStatus gan_collapsed(const GanTrainer *t, const char *why, LimError *err);
/* Takes everything that the next step depends on from the checkpoint. */
LimStatus gan_resume(GanTrainer *t, LimError *err);
