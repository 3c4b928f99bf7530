#include "judge.h"

#include <stdatomic.h>
#include <stdlib.h>

struct LimJudge {
    atomic_int refs;
    char *classifier_path, *features_path;
    LimPredictor *predictor;
    LimFeatures *real;
};

LimJudge *
lim_judge_new(const char *classifier_path, const char *features_path)
{
    LimJudge *j = lim_alloc(1, sizeof *j);

    atomic_init(&j->refs, 1);
    j->classifier_path = lim_strdup(classifier_path);
    j->features_path = lim_strdup(features_path);
    return j;
}

LimJudge *
lim_judge_ref(LimJudge *j)
{
    atomic_fetch_add(&j->refs, 1);
    return j;
}

void
lim_judge_unref(LimJudge *j)
{
    if (!j || atomic_fetch_sub(&j->refs, 1) != 1)
        return;
    lim_features_free(j->real);
    lim_predictor_free(j->predictor);
    free(j->classifier_path);
    free(j->features_path);
    free(j);
}

LimStatus
lim_judge_load(LimJudge *j, LimError *err)
{
    if (!j->predictor)
        j->predictor = lim_predictor_load(j->classifier_path, err);
    if (j->predictor && !j->real)
        j->real = lim_features_load(j->features_path, j->predictor, err);
    return j->real ? LIM_OK : err->code;
}

LimPredictor *
lim_judge_predictor(LimJudge *j)
{
    return j->predictor;
}

const LimFeatures *
lim_judge_real(LimJudge *j)
{
    return j->real;
}

const char *
lim_judge_path(const LimJudge *j)
{
    return j->classifier_path;
}
