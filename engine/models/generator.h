/* A trained class-conditional generator, ready to draw samples: what the Generate view and
 * `limen-cli` both use, so that the same settings give the same bytes.
 *
 * For one picture the network takes a latent z [latent] and weights of the classes [classes]: a
 * single 1 for a class, more than one for a blend of their embeddings. A request (models/request.h)
 * becomes these two with lim_generator_input(), and lim_generator_draw() makes pictures of any of
 * them. */
#pragma once

#include "models/biggan.h"
#include "models/request.h"
#include "run/exec.h"
#include "run/task.h"
#include "tensor/tensor.h"

typedef struct LimGenerator LimGenerator;

/* Loads a model file written by `limen-cli train gan`. NULL and err on failure. */
LimGenerator *lim_generator_load(const char *path, LimError *err);
void lim_generator_free(LimGenerator *g);
int lim_generator_classes(const LimGenerator *g);
const char *lim_generator_class_name(const LimGenerator *g, int k); /* borrowed */
int lim_generator_latent_size(const LimGenerator *g);
/* Parts of z, of equal length: LIM_SLOTS, or 1 for a model in which only the first layer sees z
 * (all of z is slot 0 then). */
int lim_generator_slots(const LimGenerator *g);
LimShape lim_generator_image_shape(const LimGenerator *g); /* {c, h, w} */
/* The network and its weights, borrowed: for what replaces its batch statistics before anything is
 * drawn. */
const LimBigganParams *lim_generator_params(const LimGenerator *g);
LimStore *lim_generator_store(LimGenerator *g);

/* The self-attention block. A map is [query y][query x][key y][key x], float: how much of the
 * output at the query comes from the key; the keys of a query add up to 1. The block's output is
 * gamma o + x, so near gamma 0 a map has no say in the picture. */
typedef struct LimAttentionInfo {
    int query, key; /* sides of the two square grids: mostly 16 and 8 */
    double gamma;
} LimAttentionInfo;
bool lim_generator_attention(const LimGenerator *g, LimAttentionInfo *a); /* false: there is none */

/* ---- from settings to what the network takes ------------------------------------------------- */

/* LIM_E_PARAM and a sentence for values out of range and for classes that do not exist. */
LimStatus lim_generator_check(const LimGenerator *g, const LimSampleRequest *r, LimError *err);
/* z [latent] and classes [classes] (either may be NULL) of sample `index` of a request: a pure
 * function of both and of the model file. The values of the request are taken as they are; a
 * threshold of 9 or more is no truncation. */
void lim_generator_input(const LimGenerator *g, const LimSampleRequest *r, int index, float *z,
                         float *classes);
/* The class of that sample, before any blend. */
int lim_generator_label(const LimGenerator *g, const LimSampleRequest *r, int index);
/* The latents of a request: [count][latent]. */
void lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z);
/* The directions of walk_x and walk_y, [latent] each: orthonormal, the same for every model with
 * this latent size. Borrowed. */
const float *lim_generator_plane(const LimGenerator *g, int axis);
/* The inputs of an interpolation: z [rows][steps][latent], classes [rows][steps][classes]. The
 * first and the last of a row are exactly those of the two samples (as far as they travel). */
void lim_generator_interpolate(const LimGenerator *g, const LimInterpolation *i, float *z,
                               float *classes);

/* ---- drawing --------------------------------------------------------------------------------- */

/* n pictures [n][c][h][w] in [-1,1] from z [n][latent] and classes [n][classes], any n. maps:
 * NULL, or [n][query y][query x][key y][key x], which the model must have (asserted); pictures are
 * the same bytes with and without. */
LimStatus lim_generator_draw(LimGenerator *g, const LimExec *exec, const float *z,
                             const float *classes, int n, float *pictures, float *maps,
                             LimError *err);
/* The same for classes label [n]. */
LimStatus lim_generator_run(LimGenerator *g, const LimExec *exec, const float *z,
                            const int32_t *label, int n, float *pictures, LimError *err);

/* Tasks that draw; the generator is borrowed and must outlive them. After LIM_STEP_DONE
 * lim_sample_task_image() is float [n][c][h][w] in [-1,1], and lim_sample_task_maps() float
 * [n][query y][query x][key y][key x], or NULL when no maps were asked for (both borrowed). Asking
 * a model without attention for maps is LIM_E_PARAM. */

/* One request: picture i is its sample i. */
LimTask *lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r);
const LimSampleRequest *lim_sample_task_request(const LimTask *t); /* of that task only */
/* n single samples (copied), 1 .. LIM_SAMPLES_MAX, in batches: sheets, and maps of samples. */
#define LIM_SAMPLES_MAX 1024
LimTask *lim_samples_task_new(LimGenerator *g, const LimSample *samples, int n, bool maps);
/* The steps between two samples: picture [row][step]. */
LimTask *lim_interpolation_task_new(LimGenerator *g, const LimInterpolation *i, bool maps);
const LimTensor *lim_sample_task_image(const LimTask *t);
const LimTensor *lim_sample_task_maps(const LimTask *t);
