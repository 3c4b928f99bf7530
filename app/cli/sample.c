/* limen-cli sample: pictures from a trained generator. The engine's task and file writer do the
 * work, so the file is the one that the window exports under the same settings. */
#include "cli.h"
#include "models/generator.h"
#include "models/samplefile.h"
#include "tensor/npy.h"

typedef struct SampleFiles {
    char out[LIM_TEXT_MAX], npy[LIM_TEXT_MAX];
    int scale, columns;
} SampleFiles;

static const LimParamSpec files_schema[] = {
    {.name = "out",
     .label = "Picture",
     .help = "The PNG file to write; the settings are inside. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(SampleFiles, out),
     .def_text = "samples.png"},
    {.name = "npy",
     .label = "Array",
     .help = "Also write the float values [n][c][h][w] in [-1, 1] to this .npy file.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(SampleFiles, npy)},
    CLI_SCALE_FLAG(SampleFiles),
    {.name = "columns",
     .label = "Columns",
     .help = "Pictures in a row; 0: as square as possible.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(SampleFiles, columns),
     .min = 0,
     .max = 256},
    {0}};

static json_t *
describe(const CliRun *run, const LimGenerator *g, const char *model, const LimSampleRequest *r,
         const SampleFiles *files)
{
    json_t *result = json_pack("{s:s, s:o}", "model", model, "settings",
                               lim_params_to_json(lim_sample_schema, r));
    if (r->label >= 0)
        json_object_set_new(result, "class_name",
                            json_string(lim_generator_class_name(g, r->label)));
    if (*files->out)
        json_object_set_new(result, "picture", json_string(files->out));
    if (*files->npy)
        json_object_set_new(result, "array", json_string(files->npy));
    json_object_set_new(result, "command", cli_command(run));
    return result;
}

static json_t *
run_sample(CliRun *run, LimError *err)
{
    const LimSampleRequest *r = cli_args_values(&run->args, lim_sample_schema);
    const SampleFiles *files = cli_args_values(&run->args, files_schema);
    const char *model = run->args.operand[0];
    if (!*files->out && !*files->npy) {
        lim_fail(err, LIM_E_PARAM, "nothing to write; give --out FILE.png or --npy FILE.npy.");
        return NULL;
    }
    LimGenerator *g = lim_generator_load(model, err);
    if (!g)
        return NULL;
    json_t *result = NULL;
    LimTask *task = lim_sample_task_new(g, r);
    if (cli_run_task(run, task, err) == LIM_STEP_DONE) {
        const LimTensor *image = lim_sample_task_image(task);
        LimStatus status = LIM_OK;
        if (*files->out)
            status = lim_samplefile_write_sheet(files->out, image, model, r, files->scale,
                                                files->columns, err);
        if (status == LIM_OK && *files->npy)
            status = lim_npy_write(files->npy, image, err);
        if (status == LIM_OK)
            result = describe(run, g, model, r, files);
    }
    lim_task_free(task);
    lim_generator_free(g);
    return result;
}

static const CliPiece pieces[] = {{"What to draw", lim_sample_schema, sizeof(LimSampleRequest)},
                                  {"Files", files_schema, sizeof(SampleFiles)},
                                  {0}};
const CliCommand cli_sample = {
    .name = "sample",
    .summary = "Draws pictures from a trained generator",
    .text = "MODEL is a file written by `limen-cli train gan`.",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = pieces,
    .run = run_sample,
};
