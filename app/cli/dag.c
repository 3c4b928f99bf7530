/* limen-cli attack dag: a perturbation that makes a segmenter or a detector wrong everywhere at
 * once (Xie et al. 2017). */
#include "dag-run.h"
#include "data/scene-sheet.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <stdlib.h>
#include <string.h>

typedef struct DagFlags {
    char net[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int scene, scale;
} DagFlags;

static const LimParamSpec flags_schema[] = {
    {.name = "net",
     .label = "Network",
     .help = "The segmenter or detector to attack: a file of `limen-cli train segmenter` or `train "
             "detector`.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, net)},
    {.name = "scene",
     .label = "Scene",
     .help = "Number of the test scene.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(DagFlags, scene),
     .max = 1e9},
    {.name = "out",
     .label = "Picture",
     .help = "The PNG file to write: the scene, the attacked one and the perturbation, with what "
             "the network sees; beside it a .npy file with the float perturbation.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, out),
     .def_text = "dag.png"},
    {.name = "scale",
     .label = "Scale",
     .help = "Each pixel becomes a square of this side.",
     .unit = "px",
     .kind = LIM_INT,
     .offset = offsetof(DagFlags, scale),
     .min = 1,
     .max = 16,
     .def = 4},
    {0}};

/* The picture with what the network sees in it, into a tile. */
static LimStatus
draw_seen(CliJudge *j, CliRun *run, const CliStage *s, const float *x, LimImageView tile, int scale,
          LimError *err)
{
    LimDetection found[LIM_DETECTIONS];
    LimSceneMark marks[LIM_DETECTIONS];
    int n = 0, shown = 0;
    if (j->segmenter)
        lim_segmenter_run(j->segmenter, &run->exec, x, s->label, err);
    else
        lim_detector_run(j->detector, &run->exec, x, found, &n, err);
    for (int i = 0; i < n; i++)
        if (found[i].score >= 0.5f) {
            marks[shown] = (LimSceneMark){.label = found[i].label, .score = found[i].score};
            memcpy(marks[shown++].box, found[i].box, sizeof found[i].box);
        }
    if (err->code == LIM_OK)
        lim_scene_overlay(tile, s->size, scale, x, j->segmenter ? s->label : NULL, marks, shown,
                          lim_scenes_naming(s->scenes));
    return err->code;
}

/* Two rows: the scene, the attacked scene, the perturbation; what is there, what the network saw,
 * what it sees. */
static LimStatus
draw_sheet(CliJudge *j, CliRun *run, CliStage *s, const DagFlags *f, const LimDagResult *r,
           LimError *err)
{
    const double gain = r->largest > 0 ? 1 / (2 * r->largest) : 1;
    const int side = s->size * f->scale;
    char title[64];
    snprintf(title, sizeof title, "perturbation x %.0f", gain);
    const char *captions[] = {"scene",         "attacked",    title,
                              "what is there", "seen before", "seen after"};
    const LimTable table = {.rows = 2,
                            .columns = 3,
                            .tile_w = side,
                            .tile_h = side,
                            .gap = 8,
                            .letter = 1,
                            .captions = captions};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    if (!picture.data)
        return err->code;
    float *shown = lim_alloc(3 * (size_t)s->area, sizeof *shown);
    for (int i = 0; i < 3 * s->area; i++)
        shown[i] = (float)(gain * (double)r->r[i]);
    LimSceneMark marks[LIM_SCENE_GARMENTS];
    for (int i = 0; i < s->scene.n; i++) {
        marks[i] = (LimSceneMark){.label = s->scene.object[i].label, .score = -1};
        memcpy(marks[i].box, s->scene.object[i].box, sizeof marks[i].box);
    }
    const LimDataset *naming = lim_scenes_naming(s->scenes);
    const float *top[3] = {s->x, s->y, shown};
    for (int k = 0; k < 3; k++)
        lim_scene_overlay(lim_table_tile(&table, picture, 0, k), s->size, f->scale, top[k], NULL,
                          NULL, 0, naming);
    lim_scene_overlay(lim_table_tile(&table, picture, 1, 0), s->size, f->scale, s->x, s->mask,
                      marks, s->scene.n, naming);
    draw_seen(j, run, s, s->x, lim_table_tile(&table, picture, 1, 1), f->scale, err);
    draw_seen(j, run, s, s->y, lim_table_tile(&table, picture, 1, 2), f->scale, err);
    if (err->code == LIM_OK) {
        json_t *command = cli_command(run);
        const LimPngText text = {"limen", json_string_value(command)};
        lim_png_write(f->out, picture, &text, 1, err);
        json_decref(command);
    }
    free(shown);
    free(picture.data);
    return err->code;
}

static LimStatus
write_perturbation(const char *png, const CliStage *s, const float *r, LimError *err)
{
    char path[LIM_TEXT_MAX + 8];
    const char *dot = strrchr(png, '.');
    const int stem = dot && !strchr(dot, '/') ? (int)(dot - png) : (int)strlen(png);
    snprintf(path, sizeof path, "%.*s.npy", stem, png);
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE3(3, s->size, s->size));
    memcpy(lim_tensor_edit(t), r, 3 * (size_t)s->area * sizeof *r);
    const LimStatus status = lim_npy_write(path, t, err);
    lim_tensor_unref(t);
    return status;
}

/* One scene's measure for the network: mean IoU or mAP of it alone. */
static LimStatus
measure_one(CliJudge *j, CliRun *run, CliStage *s, const float *x, double *value, LimError *err)
{
    CliScore score = {0};
    cli_score_init(&score, j, 1);
    if (cli_score_add(&score, j, run, 0, x, s->mask, s->area, &s->scene, s->label, err) == LIM_OK)
        *value = cli_score_value(&score, j);
    cli_score_clear(&score);
    return err->code;
}

static json_t *
run_dag(CliRun *run, LimError *err)
{
    const DagFlags *f = cli_args_values(&run->args, flags_schema);
    if (!*f->net || !*f->out) {
        lim_fail(err, LIM_E_PARAM,
                 *f->net ? "nothing to write; give --out FILE.png."
                         : "no network to attack; give one with --net.");
        return NULL;
    }
    CliStage s;
    CliJudge j = {0};
    json_t *result = NULL;
    double before = 0, after = 0;
    if (!cli_stage_open(&s, run, err))
        return NULL;
    if (cli_judge_open(&j, run, f->net, s.scenes, err)) {
        lim_scenes_draw(s.scenes, (uint64_t)f->scene, s.x, s.mask, &s.scene);
        cli_judge_attack(&j, run, (uint64_t)f->scene, s.x, s.mask, &s.scene, err);
    }
    if (err->code == LIM_OK) {
        const LimDagResult r = lim_dag_result(j.dag);
        lim_dag_picture(s.x, &r.r, (double[]){1}, 1, s.size, s.y);
        if (measure_one(&j, run, &s, s.x, &before, err) == LIM_OK &&
            measure_one(&j, run, &s, s.y, &after, err) == LIM_OK &&
            draw_sheet(&j, run, &s, f, &r, err) == LIM_OK &&
            write_perturbation(f->out, &s, r.r, err) == LIM_OK)
            result =
                json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:o}", "picture", f->out,
                          "measure", j.segmenter ? "mean IoU" : "mAP at 0.5", "targets", r.targets,
                          "still_right", r.active, "iterations", r.iterations, "before", before,
                          "after_8bit", after, "largest_change", r.largest, "perceptibility",
                          lim_dag_perceptibility(s.x, s.y, s.size), "command", cli_command(run));
    }
    cli_judge_clear(&j);
    cli_stage_clear(&s);
    return result;
}

static const CliPiece dag_pieces[] = {{"Dense adversary generation", lim_dag_schema,
                                       sizeof(LimDagParams)},
                                      {"What to attack", flags_schema, sizeof(DagFlags)},
                                      {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                      {0}};
const CliCommand cli_attack_dag = {
    .name = "attack dag",
    .summary = "Makes a segmenter or a detector wrong at all pixels or boxes of a scene",
    .text = "The measures are of the picture rounded to bytes, by the whole network: a detector "
            "proposes anew.",
    .operands = "",
    .pieces = dag_pieces,
    .run = run_dag,
};
