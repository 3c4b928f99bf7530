/* Networks on scenes, one scene at a time. */
#include "metrics/scenes.h"

#include <stdlib.h>
#include <string.h>

LimStatus
lim_measure_segmenter(LimSceneNet *net, const LimScenes *scenes, int first, int n,
                      const LimExec *exec, LimIou *m, LimError *err)
{
    const int size = lim_scenes_size(scenes), area = size * size;
    LimSegmenter *s = lim_segmenter_new(net, size, exec, err);
    if (!s)
        return err ? err->code : LIM_E_SHAPE;
    float *x = lim_alloc(3 * (size_t)area, sizeof *x);
    int32_t *truth = lim_alloc(2 * (size_t)area, sizeof *truth), *predicted = truth + area;
    LimStatus status = LIM_OK;
    for (int i = first; i < first + n && status == LIM_OK; i++) {
        lim_scenes_draw(scenes, (uint64_t)i, x, truth, NULL);
        status = lim_segmenter_run(s, exec, x, predicted, err);
        if (status == LIM_OK)
            lim_iou_add(m, truth, predicted, area);
    }
    free(x);
    free(truth);
    lim_segmenter_free(s);
    return status;
}

void
lim_boxes_init(LimBoxes *b, int scenes)
{
    *b = (LimBoxes){.detected = lim_alloc((size_t)scenes * LIM_DETECTIONS, sizeof *b->detected),
                    .truth = lim_alloc((size_t)scenes * LIM_SCENE_GARMENTS, sizeof *b->truth)};
}

void
lim_boxes_clear(LimBoxes *b)
{
    free(b->detected);
    free(b->truth);
}

void
lim_boxes_add(LimBoxes *b, int picture, const LimDetection *found, int n, const LimScene *scene)
{
    for (int i = 0; i < n; i++) {
        LimBoxRecord *r = &b->detected[b->n++];
        *r = (LimBoxRecord){.picture = picture, .label = found[i].label, .score = found[i].score};
        memcpy(r->box, found[i].box, sizeof r->box);
    }
    for (int i = 0; i < scene->n; i++) {
        LimBoxRecord *r = &b->truth[b->m++];
        *r = (LimBoxRecord){.picture = picture, .label = scene->object[i].label};
        memcpy(r->box, scene->object[i].box, sizeof r->box);
    }
}

double
lim_boxes_map(const LimBoxes *b, int classes, LimApKind kind)
{
    return lim_mean_average_precision(b->detected, b->n, b->truth, b->m, classes, 0.5, kind);
}

LimStatus
lim_measure_detector(LimSceneNet *net, const LimScenes *scenes, int first, int n,
                     const LimExec *exec, LimBoxes *boxes, LimError *err)
{
    const size_t size = (size_t)lim_scenes_size(scenes);
    LimDetector *d = lim_detector_new(net, (int)size, exec, err);
    if (!d)
        return err ? err->code : LIM_E_SHAPE;
    float *x = lim_alloc(3 * size * size, sizeof *x);
    LimStatus status = LIM_OK;
    for (int i = first; i < first + n && status == LIM_OK; i++) {
        LimDetection found[LIM_DETECTIONS];
        LimScene scene;
        int count;
        lim_scenes_draw(scenes, (uint64_t)i, x, NULL, &scene);
        status = lim_detector_run(d, exec, x, found, &count, err);
        if (status == LIM_OK)
            lim_boxes_add(boxes, i, found, count, &scene);
    }
    free(x);
    lim_detector_free(d);
    return status;
}
