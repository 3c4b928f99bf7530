/* limen-cli interpolate: the steps from one sample to another. The engine's task and file writer do
 * the work, so the file is the one that the window exports under the same settings. */
#include "cli.h"
#include "models/strip.h"

#include <string.h>

typedef struct StripFiles {
    char to_settings[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int scale;
} StripFiles;

static const LimParamSpec files_schema[] = {
    {.name = "to-settings",
     .label = "Settings of the last sample",
     .help = "What is different for the last sample, as name=value,name=value with the names of "
             "the settings: seed=2,class=8. Empty: nothing but its number.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(StripFiles, to_settings)},
    CLI_PICTURE_FLAGS(StripFiles, "strip.png"),
    {0}};

/* "name=value,name=value" into the request. */
static LimStatus
apply(const char *changes, LimSampleRequest *r, LimError *err)
{
    char text[LIM_TEXT_MAX];
    snprintf(text, sizeof text, "%s", changes);
    for (char *at = *text ? text : NULL, *comma; at; at = comma) {
        comma = strchr(at, ',');
        if (comma)
            *comma++ = '\0';
        at += strspn(at, " ");
        char *value = strchr(at, '=');
        if (!value)
            return lim_fail(err, LIM_E_PARAM, "--to-settings: %.60s is not name=value", at);
        *value++ = '\0';
        if (strcmp(at, "samples") == 0 || !lim_params_find(lim_sample_schema, at))
            return lim_fail(err, LIM_E_PARAM, "--to-settings: a sample has no setting %.60s", at);
        const LimStatus status = lim_params_set(lim_sample_schema, r, at, value, err);
        if (status != LIM_OK)
            return status;
    }
    return LIM_OK;
}

static json_t *
draw(CliRun *run, LimGenerator *g, const LimInterpolation *way, LimError *err)
{
    const StripFiles *files = cli_args_values(&run->args, files_schema);
    const char *model = run->args.operand[0];
    LimTask *task = lim_interpolation_task_new(g, way, false);
    json_t *result = NULL;
    if (cli_run_task(run, task, err) == LIM_STEP_DONE &&
        lim_strip_write(files->out, lim_sample_task_image(task), g, model, way, files->scale,
                        err) == LIM_OK)
        result = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "model", model, "picture", files->out,
                           "interpolation", lim_params_to_json(lim_interpolation_schema, way),
                           "settings", lim_params_to_json(lim_sample_schema, &way->from.request),
                           "to", lim_params_to_json(lim_sample_schema, &way->to.request), "command",
                           cli_command(run));
    lim_task_free(task);
    return result;
}

static json_t *
run_interpolate(CliRun *run, LimError *err)
{
    const StripFiles *files = cli_args_values(&run->args, files_schema);
    LimInterpolation way =
        *(const LimInterpolation *)cli_args_values(&run->args, lim_interpolation_schema);
    way.from.request = *(const LimSampleRequest *)cli_args_values(&run->args, lim_sample_schema);
    way.to.request = way.from.request;
    if (apply(files->to_settings, &way.to.request, err) != LIM_OK)
        return NULL;
    if (cli_args_given(&run->args, "samples")) {
        lim_fail(err, LIM_E_PARAM,
                 "the number of pictures is --steps times --rows; leave "
                 "--samples out.");
        return NULL;
    }
    if (cli_check_picture(files->out, err) != LIM_OK)
        return NULL;
    LimGenerator *g = lim_generator_load(run->args.operand[0], err);
    if (!g)
        return NULL;
    json_t *result = draw(run, g, &way, err);
    lim_generator_free(g);
    return result;
}

static const CliPiece pieces[] = {{"The way", lim_interpolation_schema, sizeof(LimInterpolation)},
                                  {"The first sample", lim_sample_schema, sizeof(LimSampleRequest)},
                                  {"The last sample and the file", files_schema,
                                   sizeof(StripFiles)},
                                  {0}};
const CliCommand cli_interpolate = {
    .name = "interpolate",
    .summary = "Draws the steps from one sample to another",
    .text = "MODEL is a file written by `limen-cli train gan`.\n"
            "Example: limen-cli interpolate MODEL --class 3 --to-settings class=8 --what class",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = pieces,
    .run = run_interpolate,
};
