/* Networks for scenes, asked and attacked. */
#include "dag-run.h"

#include "shipped.h"

#include <stdlib.h>

bool
cli_stage_open(CliStage *s, CliRun *run, LimError *err)
{
    *s = (CliStage){.scenes = lim_scenes_open(cli_args_values(&run->args, lim_scene_schema),
                                              cli_data(run), LIM_SCENE_TEST, err)};
    if (!s->scenes)
        return false;
    s->size = lim_scenes_size(s->scenes);
    s->area = s->size * s->size;
    s->x = lim_alloc(3 * (size_t)s->area, sizeof *s->x);
    s->y = lim_alloc(3 * (size_t)s->area, sizeof *s->y);
    s->mask = lim_alloc((size_t)s->area, sizeof *s->mask);
    s->label = lim_alloc((size_t)s->area, sizeof *s->label);
    return true;
}

void
cli_stage_clear(CliStage *s)
{
    lim_scenes_free(s->scenes);
    free(s->x);
    free(s->y);
    free(s->mask);
    free(s->label);
}

void
cli_judge_clear(CliJudge *j)
{
    lim_dag_free(j->dag);
    lim_segmenter_free(j->segmenter);
    lim_detector_free(j->detector);
    lim_scene_net_free(j->net);
}

bool
cli_judge_open(CliJudge *j, CliRun *run, const char *path, const LimScenes *scenes, LimError *err)
{
    const int size = lim_scenes_size(scenes);
    char *label = lim_model_file_label(path);
    snprintf(j->name, sizeof j->name, "%.60s", label);
    free(label);
    j->net = lim_scene_net_load(path, err);
    if (!j->net)
        return false;
    if (j->net->params.classes != lim_scenes_classes(scenes)) {
        lim_fail(err, LIM_E_PARAM,
                 "%s knows %d classes, the scenes have %d; give the data it was trained on", path,
                 j->net->params.classes, lim_scenes_classes(scenes));
        return false;
    }
    if (j->net->kind == LIM_SCENE_SEGMENTER)
        j->segmenter = lim_segmenter_new(j->net, size, &run->exec, err);
    else
        j->detector = lim_detector_new(j->net, size, &run->exec, err);
    if (err->code == LIM_OK)
        j->dag = lim_dag_new(j->net, size, cli_args_values(&run->args, lim_dag_schema),
                             run->common->seed, &run->exec, err);
    return j->dag;
}

LimStatus
cli_judge_attack(CliJudge *j, CliRun *run, uint64_t number, const float *x, const int32_t *mask,
                 const LimScene *scene, LimError *err)
{
    LimStep step = LIM_STEP_MORE;
    if (lim_dag_begin(j->dag, number, x, mask, scene, &run->exec, err) != LIM_OK)
        return err->code;
    while (step == LIM_STEP_MORE)
        step = lim_dag_step(j->dag, &run->exec, err);
    return step == LIM_STEP_DONE ? LIM_OK : err->code;
}

void
cli_score_init(CliScore *s, const CliJudge *j, int scenes)
{
    if (j->segmenter)
        lim_iou_init(&s->iou, j->net->params.classes);
    else
        lim_boxes_init(&s->boxes, scenes);
}

void
cli_score_clear(CliScore *s)
{
    lim_iou_clear(&s->iou);
    lim_boxes_clear(&s->boxes);
}

LimStatus
cli_score_add(CliScore *s, CliJudge *j, CliRun *run, int number, const float *x,
              const int32_t *mask, int area, const LimScene *scene, int32_t *label, LimError *err)
{
    if (j->segmenter) {
        if (lim_segmenter_run(j->segmenter, &run->exec, x, label, err) == LIM_OK)
            lim_iou_add(&s->iou, mask, label, area);
        return err->code;
    }
    LimDetection found[LIM_DETECTIONS];
    int n;
    if (lim_detector_run(j->detector, &run->exec, x, found, &n, err) == LIM_OK)
        lim_boxes_add(&s->boxes, number, found, n, scene);
    return err->code;
}

double
cli_score_value(const CliScore *s, const CliJudge *j)
{
    return j->segmenter ? lim_iou_mean(&s->iou)
                        : lim_boxes_map(&s->boxes, j->net->params.classes, LIM_AP_ALL_POINTS);
}
