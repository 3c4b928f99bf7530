/* limen-cli attention: where the generator's self-attention looks, over its samples. The engine's
 * task and file writer do the work, so the file is the one that the window exports under the same
 * settings. */
#include "cli.h"
#include "models/attention-sheet.h"

typedef struct AttentionFiles {
    char out[LIM_TEXT_MAX];
    int scale;
} AttentionFiles;

static const LimParamSpec files_schema[] = {CLI_PICTURE_FLAGS(AttentionFiles, "attention.png"),
                                            {0}};

static json_t *
draw(CliRun *run, LimGenerator *g, LimAttentionSheet *s, LimError *err)
{
    const AttentionFiles *files = cli_args_values(&run->args, files_schema);
    const char *model = run->args.operand[0];
    LimTask *task = lim_attention_task_new(g, s, err);
    json_t *result = NULL;
    if (task && cli_run_task(run, task, err) == LIM_STEP_DONE &&
        lim_attention_write(files->out, task, g, model, s, files->scale, err) == LIM_OK) {
        LimAttentionInfo info;
        lim_generator_attention(g, &info);
        result = json_pack("{s:s, s:s, s:f, s:i, s:i, s:o, s:o, s:o}", "model", model, "picture",
                           files->out, "gamma", info.gamma, "query_size", info.query, "key_size",
                           info.key, "attention", lim_params_to_json(lim_attention_schema, s),
                           "settings", lim_params_to_json(lim_sample_schema, &s->request),
                           "command", cli_command(run));
    }
    lim_task_free(task);
    return result;
}

static json_t *
run_attention(CliRun *run, LimError *err)
{
    const AttentionFiles *files = cli_args_values(&run->args, files_schema);
    LimAttentionSheet s =
        *(const LimAttentionSheet *)cli_args_values(&run->args, lim_attention_schema);
    const int samples = s.request.count;
    s.request = *(const LimSampleRequest *)cli_args_values(&run->args, lim_sample_schema);
    s.request.count = samples;
    if (cli_check_picture(files->out, err) != LIM_OK)
        return NULL;
    LimGenerator *g = lim_generator_load(run->args.operand[0], err);
    if (!g)
        return NULL;
    json_t *result = draw(run, g, &s, err);
    lim_generator_free(g);
    return result;
}

static const CliPiece pieces[] = {{"Attention", lim_attention_schema, sizeof(LimAttentionSheet)},
                                  {"Samples", lim_sample_schema, sizeof(LimSampleRequest)},
                                  {"Files", files_schema, sizeof(AttentionFiles)},
                                  {0}};
const CliCommand cli_attention = {
    .name = "attention",
    .summary = "Draws where a generator's attention looks",
    .text = "MODEL is a file written by `limen-cli train gan`.\n"
            "Example: limen-cli attention MODEL --class 9 --at 8,20,16,20,24,8 --sense both",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = pieces,
    .run = run_attention,
};
