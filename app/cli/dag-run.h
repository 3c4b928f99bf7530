/* What the commands about dense adversaries share: a scene in memory, a network that is asked and
 * attacked, and what it gets right. */
#pragma once

#include "attacks/dag.h"
#include "cli.h"
#include "metrics/scenes.h"

/* A test scene in memory. */
typedef struct CliStage {
    LimScenes *scenes;
    int size, area;
    float *x, *y;          /* [3][size][size]: the scene; another picture */
    int32_t *mask, *label; /* [size][size] */
    LimScene scene;
} CliStage;
/* Takes the settings of scenes and --data from the command line. */
bool cli_stage_open(CliStage *s, CliRun *run, LimError *err);
void cli_stage_clear(CliStage *s);

/* A network, ready to be asked and attacked. */
typedef struct CliJudge {
    LimSceneNet *net;
    LimSegmenter *segmenter;
    LimDetector *detector;
    LimDag *dag;
    char name[64]; /* of its file */
} CliJudge;
/* Takes the settings of the attack and the seed from the command line. */
bool cli_judge_open(CliJudge *j, CliRun *run, const char *path, const LimScenes *scenes,
                    LimError *err);
void cli_judge_clear(CliJudge *j);
/* Attacks a scene to the end. */
LimStatus cli_judge_attack(CliJudge *j, CliRun *run, uint64_t number, const float *x,
                           const int32_t *mask, const LimScene *scene, LimError *err);

/* What a network gets right. */
typedef struct CliScore {
    LimIou iou;
    LimBoxes boxes;
} CliScore;
void cli_score_init(CliScore *s, const CliJudge *j, int scenes);
void cli_score_clear(CliScore *s);
/* Asks the network what it sees in x (number `number`) and adds that. label: scratch. */
LimStatus cli_score_add(CliScore *s, CliJudge *j, CliRun *run, int number, const float *x,
                        const int32_t *mask, int area, const LimScene *scene, int32_t *label,
                        LimError *err);
/* Mean IoU or mAP. */
double cli_score_value(const CliScore *s, const CliJudge *j);
