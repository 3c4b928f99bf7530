/* limen-cli sweep: one sample under every combination of two settings, as the window's Sheet shows
 * and exports it. */
#include "cli.h"
#include "models/sweep.h"

typedef struct SweepFiles {
    char out[LIM_TEXT_MAX];
    int scale;
} SweepFiles;

static const LimParamSpec files_schema[] = {CLI_PICTURE_FLAGS(SweepFiles, "sheet.png"), {0}};

static json_t *
texts(char (*text)[LIM_TEXT_MAX], int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_string(text[i]));
    return list;
}

static json_t *
draw(CliRun *run, LimGenerator *g, const LimSweep *s, const LimSweepSheet *sheet, LimError *err)
{
    const SweepFiles *files = cli_args_values(&run->args, files_schema);
    const char *model = run->args.operand[0];
    LimTask *task = lim_samples_task_new(g, sheet->samples, sheet->rows * sheet->columns, false);
    json_t *result = NULL;
    if (cli_run_task(run, task, err) == LIM_STEP_DONE &&
        lim_sweep_write(files->out, lim_sample_task_image(task), sheet, model, s, files->scale,
                        err) == LIM_OK)
        result = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "model", model, "picture",
                           files->out, "rows", sheet->axis[0]->name, "row_values",
                           texts(sheet->row_text, sheet->rows), "columns", sheet->axis[1]->name,
                           "column_values", texts(sheet->column_text, sheet->columns), "command",
                           cli_command(run));
    lim_task_free(task);
    return result;
}

static json_t *
run_sweep(CliRun *run, LimError *err)
{
    const SweepFiles *files = cli_args_values(&run->args, files_schema);
    LimSweep s = *(const LimSweep *)cli_args_values(&run->args, lim_sweep_schema);
    s.request = *(const LimSampleRequest *)cli_args_values(&run->args, lim_sample_schema);
    if (cli_args_given(&run->args, "samples")) {
        lim_fail(err, LIM_E_PARAM, "a sheet has one sample in each place; leave --samples out.");
        return NULL;
    }
    if (cli_check_picture(files->out, err) != LIM_OK)
        return NULL;
    LimGenerator *g = lim_generator_load(run->args.operand[0], err);
    if (!g)
        return NULL;
    LimSweepSheet *sheet = lim_sweep_expand(g, &s, err);
    json_t *result = sheet ? draw(run, g, &s, sheet, err) : NULL;
    lim_sweep_sheet_free(sheet);
    lim_generator_free(g);
    return result;
}

static const CliPiece pieces[] = {{"Rows and columns", lim_sweep_schema, sizeof(LimSweep)},
                                  {"Everything else", lim_sample_schema, sizeof(LimSampleRequest)},
                                  {"Files", files_schema, sizeof(SweepFiles)},
                                  {0}};
const CliCommand cli_sweep = {
    .name = "sweep",
    .summary = "Draws a sheet of samples over two settings",
    .text = "MODEL is a file written by `limen-cli train gan`.\n"
            "Example: limen-cli sweep MODEL --rows seed --row-values 1..8 --columns threshold "
            "--column-values 0.04,0.5,1,2",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = pieces,
    .run = run_sweep,
};
