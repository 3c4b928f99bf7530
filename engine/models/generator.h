/* A trained class-conditional generator, ready to draw samples: what the Generate view and
 * `limen-cli sample` both use, so that the same settings give the same bytes. */
#pragma once

#include "base/param.h"
#include "run/exec.h"
#include "run/task.h"
#include "tensor/tensor.h"

typedef enum LimTruncation {
    LIM_TRUNC_INVERSE_CDF, /* z = Q(Phi(-t) + u (Phi(t) - Phi(-t))): moves continuously with t */
    LIM_TRUNC_RESAMPLE,    /* redraw every |z_i| > t (Brock et al. 2019, section 3.1) */
    LIM_TRUNC_SCALE        /* t * z with |z| <= 2 (as in published TF-Hub weights) */
} LimTruncation;

typedef struct LimGenerator LimGenerator;

/* Loads a model file written by `limen-cli train gan`. NULL and err on failure. */
LimGenerator *lim_generator_load(const char *path, LimError *err);
void lim_generator_free(LimGenerator *g);
int lim_generator_classes(const LimGenerator *g);
const char *lim_generator_class_name(const LimGenerator *g, int k); /* borrowed */
int lim_generator_latent_size(const LimGenerator *g);
LimShape lim_generator_image_shape(const LimGenerator *g); /* {c, h, w} */

/* One picture asked for. Sample i of a request with seed s uses latent counter i, so the first 4 of
 * 16 are the same pictures as a request for 4. */
typedef struct LimSampleRequest {
    int count; /* 1 .. 256 */
    int label; /* class of all samples; -1: sample i has class i % classes */
    uint64_t seed;
    double threshold; /* truncation threshold, 0.02 .. 2.5 */
    int truncation;   /* LimTruncation */
} LimSampleRequest;
#define LIM_THRESHOLD_MIN 0.02
#define LIM_THRESHOLD_MAX 2.5

extern const LimParamSpec lim_sample_schema[]; /* over LimSampleRequest */

/* The latents of a request: [count][latent], pure function of the request. */
void lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z);

/* n pictures [n][c][h][w] in [-1,1] from latents z [n][latent] and classes label [n], any n. */
LimStatus lim_generator_run(LimGenerator *g, const LimExec *exec, const float *z,
                            const int32_t *label, int n, float *pictures, LimError *err);

/* A task that computes one request; the generator is borrowed and must outlive it. After
 * LIM_STEP_DONE lim_sample_task_image() is float [count][c][h][w] in [-1,1] (borrowed). */
LimTask *lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r);
const LimTensor *lim_sample_task_image(const LimTask *t);
const LimSampleRequest *lim_sample_task_request(const LimTask *t);
