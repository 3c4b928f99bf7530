/* The schemas of what a generator can be asked for. Apart from the generator, because files,
 * windows and command lines need the settings without any network. */
#include "models/request.h"

#include <string.h>

const char *const lim_truncation_names[] = {"inverse-cdf", "resample", "scale", NULL};

#define SLOT_ROW(k, flag, text, place)                                                           \
    {                                                                                            \
        .name = flag, .label = text,                                                             \
        .help = "Truncation threshold of the part of the latent that " place                     \
                " sees. 0: the truncation threshold above.",                                     \
        .unit = "", .kind = LIM_REAL, .offset = offsetof(LimSampleRequest, slot_threshold[(k)]), \
        .max = LIM_THRESHOLD_MAX                                                                 \
    }

const LimParamSpec lim_sample_schema[] = {
    {.name = "class",
     .label = "Class",
     .help = "Which class to draw: its number from 0, or -1 for all classes in turn.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, label),
     .min = -1,
     .max = 999,
     .def = -1},
    {.name = "seed",
     .label = "Seed",
     .help = "Chooses the latent vectors. The same seed gives the same samples under every "
             "threshold, on every machine.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimSampleRequest, seed),
     .def = 1},
    {.name = "threshold",
     .label = "Truncation threshold",
     .help = "Latent values beyond the threshold are not allowed. Small: typical, alike, clean "
             "pictures (fidelity). Large: varied and sometimes odd ones (variety).",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimSampleRequest, threshold),
     .min = LIM_THRESHOLD_MIN,
     .max = LIM_THRESHOLD_MAX,
     .def = 1},
    {.name = "truncation",
     .label = "Truncation mode",
     .help = "How the threshold acts. inverse-cdf: every value moves continuously with the "
             "threshold, with the paper's distribution. resample: values beyond it are drawn again "
             "(the paper). scale: all values are multiplied by it.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimSampleRequest, truncation),
     .max = 2,
     .choices = lim_truncation_names},
    {.name = "samples",
     .label = "Samples",
     .help = "How many pictures to draw.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, count),
     .min = 1,
     .max = 256,
     .def = 16,
     .ui_min = 1,
     .ui_max = 64},
    {.name = "blend-class",
     .label = "Blend with",
     .help = "A second class to blend into the first, or -1 for none. The generator knows a class "
             "as a point, its embedding; between two points lie pictures of neither class.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, blend_label),
     .min = -1,
     .max = 999,
     .def = -1},
    {.name = "blend",
     .label = "Blend",
     .help = "How far to go from the first class (0) to the second (1), in a straight line "
             "between their embeddings.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimSampleRequest, blend),
     .max = 1},
    {.name = "walk-x",
     .label = "Walk x",
     .help = "A step in a fixed random direction of latent space, the same for every sample. The "
             "truncation acts after it, so a walk never leaves the threshold.",
     .unit = "sigma",
     .kind = LIM_REAL,
     .offset = offsetof(LimSampleRequest, walk_x),
     .min = -LIM_WALK_MAX,
     .max = LIM_WALK_MAX,
     .ui_min = -10,
     .ui_max = 10},
    {.name = "walk-y",
     .label = "Walk y",
     .help = "A step in a second fixed direction, at a right angle to the first.",
     .unit = "sigma",
     .kind = LIM_REAL,
     .offset = offsetof(LimSampleRequest, walk_y),
     .min = -LIM_WALK_MAX,
     .max = LIM_WALK_MAX,
     .ui_min = -10,
     .ui_max = 10},
    SLOT_ROW(0, "threshold-0", "Threshold, first layer", "the first layer (layout at 4x4)"),
    SLOT_ROW(1, "threshold-1", "Threshold, block 1", "the first block (shape at 8x8)"),
    SLOT_ROW(2, "threshold-2", "Threshold, block 2", "the second block (parts at 16x16)"),
    SLOT_ROW(3, "threshold-3", "Threshold, block 3", "the third block (texture at 32x32)"),
    {.name = "mix-seed",
     .label = "Mix seed",
     .help = "The seed of a second latent, for the slots chosen by the mix.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimSampleRequest, mix_seed),
     .def = 2},
    {.name = "mix-slots",
     .label = "Mixed slots",
     .help = "Which parts of the latent come from the mix seed, to see what each layer decides: "
             "the sum of 1 (first layer), 2, 4 and 8 (blocks 1 to 3). 0: none.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, mix_slots),
     .max = (1 << LIM_SLOTS) - 1},
    {0}};

static const char *const path_names[] = {"linear", "spherical", NULL};
static const char *const travel_names[] = {"both", "latent", "class", NULL};

const LimParamSpec lim_interpolation_schema[] = {
    {.name = "from",
     .label = "First sample",
     .help = "Number of the sample to start from, among those of its seed.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimInterpolation, from.index),
     .max = LIM_INDEX_MAX},
    {.name = "to",
     .label = "Last sample",
     .help = "Number of the sample to arrive at.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimInterpolation, to.index),
     .max = LIM_INDEX_MAX,
     .def = 1},
    {.name = "steps",
     .label = "Steps",
     .help = "How many pictures from the first sample to the second, both included.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimInterpolation, steps),
     .min = 2,
     .max = 64,
     .def = 10,
     .ui_min = 3,
     .ui_max = 32},
    {.name = "rows",
     .label = "Rows",
     .help = "How many strips: each further one goes from the next sample to the next.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimInterpolation, rows),
     .min = 1,
     .max = 16,
     .def = 1},
    {.name = "path",
     .label = "Path",
     .help = "linear: the straight line between the latents; in the middle they are shorter, so "
             "more typical. spherical: along the great circle, where latents keep their length.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimInterpolation, path),
     .max = 1,
     .choices = path_names},
    {.name = "what",
     .label = "Interpolate",
     .help = "both: latent and class. latent: the class stays that of the first sample. class: "
             "the latent stays.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimInterpolation, what),
     .max = 2,
     .choices = travel_names},
    {0}};

LimStatus
lim_sample_check(const LimSampleRequest *r, LimError *err)
{
    LimStatus status = lim_params_check(lim_sample_schema, r, err);
    for (int k = 0; k < LIM_SLOTS && status == LIM_OK; k++)
        if (r->slot_threshold[k] > 0 && r->slot_threshold[k] < LIM_THRESHOLD_MIN)
            status = lim_fail(err, LIM_E_PARAM,
                              "--threshold-%d: %g is outside %g to %g; 0 means the truncation "
                              "threshold",
                              k, r->slot_threshold[k], LIM_THRESHOLD_MIN, LIM_THRESHOLD_MAX);
    return status;
}

double
lim_sample_threshold(const LimSampleRequest *r, int slot)
{
    return r->slot_threshold[slot] > 0 ? r->slot_threshold[slot] : r->threshold;
}

static bool
blended(const LimSampleRequest *r)
{
    return r->blend_label >= 0 && r->blend > 0;
}

bool
lim_sample_equal(const LimSampleRequest *a, const LimSampleRequest *b)
{
    if (a->count != b->count || a->label != b->label || a->seed != b->seed ||
        a->truncation != b->truncation || a->walk_x != b->walk_x || a->walk_y != b->walk_y ||
        a->mix_slots != b->mix_slots || (a->mix_slots && a->mix_seed != b->mix_seed) ||
        blended(a) != blended(b) ||
        (blended(a) && (a->blend_label != b->blend_label || a->blend != b->blend)))
        return false;
    for (int k = 0; k < LIM_SLOTS; k++)
        if (lim_sample_threshold(a, k) != lim_sample_threshold(b, k))
            return false;
    return true;
}
