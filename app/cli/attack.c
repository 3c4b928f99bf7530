/* limen-cli attack METHOD: pictures of a data set, of a PNG file or of a generator that a
 * classifier is made to get wrong. */
#include "attack.h"

#include "attack-run.h"
#include "attacks/answers.h"
#include "attacks/attackfile.h"
#include "attacks/oracle.h"
#include "base/file.h"
#include "metrics/asked_class.h"
#include "models/generator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POOL 200 /* pictures of the set to start from, for attacks that see labels only */

typedef struct AttackFlags {
    char model[LIM_TEXT_MAX], denoiser[LIM_TEXT_MAX], input[LIM_TEXT_MAX], generate[LIM_TEXT_MAX],
        target[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int first, count, label, queries, lattice;
    bool oblivious;
} AttackFlags;

static const LimParamSpec flags_schema[] = {
    {.name = "model",
     .label = "Classifier",
     .help = "A file written by `limen-cli train classifier`. Empty: the one that comes with the "
             "program.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, model)},
    {.name = "denoiser",
     .label = "Denoiser",
     .help = "Put this defence in front of the classifier, a file written by `limen-cli train "
             "denoiser`. The attack goes through it: answers and gradients are those of both "
             "together.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, denoiser)},
    {.name = "oblivious",
     .label = "Oblivious",
     .help = "The attack does not know of the denoiser: it is made on the classifier alone, and "
             "only its result is denoised.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(AttackFlags, oblivious),
     .max = 1},
    {.name = "first",
     .label = "First picture",
     .help = "Number in the test split.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(AttackFlags, first),
     .max = 1e9},
    {.name = "count",
     .label = "Pictures",
     .help = "How many of the test split, attacked together.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(AttackFlags, count),
     .min = 1,
     .max = 10000,
     .def = 1},
    {.name = "input",
     .label = "Input",
     .help = "A PNG file to attack, instead of the test split.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, input)},
    {.name = "label",
     .label = "Label",
     .help = "The right class of the input; -1: what the model says.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(AttackFlags, label),
     .min = -1,
     .max = 9999,
     .def = -1},
    {.name = "generate",
     .label = "Generator",
     .help = "Attack samples of this generator, a file written by `limen-cli train gan`, instead "
             "of the test split.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, generate)},
    {.name = "target",
     .label = "Target",
     .help = "The class to be taken for, by number or name, or \"next\" for the one after the "
             "right one. Empty: any wrong one.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, target)},
    {.name = "queries",
     .label = "Queries",
     .help = "Most that the model is asked about one picture, beginning and end included; 0: as "
             "often as the attack likes.",
     .unit = "queries",
     .kind = LIM_INT,
     .offset = offsetof(AttackFlags, queries),
     .max = 2e9},
    {.name = "lattice",
     .label = "8-bit search",
     .help = "Queries to find the nearest 8-bit picture that still fools, which is what the PNG "
             "file shows; 0: the result is only rounded.",
     .unit = "queries",
     .kind = LIM_INT,
     .offset = offsetof(AttackFlags, lattice),
     .max = 1e6,
     .def = 200},
    {.name = "out",
     .label = "Folder",
     .help = "Where to write each result: a PNG file with the settings inside, the float values "
             "as .npy, and all numbers as .json. Empty: nothing is written.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AttackFlags, out)},
    {0}};

typedef struct StateFlags {
    char state[LIM_TEXT_MAX];
} StateFlags;

static const LimParamSpec state_schema[] = {
    {.name = "state",
     .label = "Record of answers",
     .help = "A file that every answer goes into. The same command with the same file goes on "
             "where it was stopped or killed, and asks nothing twice. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(StateFlags, state)},
    {0}};

typedef struct Job {
    CliRun *run;
    const LimAttackClass *klass;
    const void *params;
    const AttackFlags *flags;
    const char *state; /* a path, "": none */
    const LimOracleSettings *oracle;
    const LimSampleRequest *request;
    char model[LIM_TEXT_MAX], from[LIM_TEXT_MAX];
    LimPredictor *predictor;
    LimDenoiser *denoiser;
    LimPredictor *behind; /* the predictor behind it */
    LimVictim *victim;
    CliPictures pictures;
    CliPictures pool;
    int32_t *target; /* [n] or NULL */
} Job;

/* ---- pictures ---------------------------------------------------------------------------------
 */

/* What the model says where nobody said what is right. */
static LimStatus
label_by_model(Job *j, LimError *err)
{
    lim_victim_begin(j->victim, j->pictures.n, 0);
    return lim_victim_labels(j->victim, &j->run->exec, j->pictures.image, NULL, j->pictures.n,
                             j->pictures.label, err);
}

static LimVictim *
make_victim(const Job *j, LimError *err)
{
    const int classes = lim_predictor_classes(j->predictor);
    if (!*j->oracle->command)
        return lim_victim_new(j->behind && !j->flags->oblivious ? j->behind : j->predictor,
                              j->klass->access);
    const LimOracleOptions o = {j->oracle->command, lim_predictor_image_shape(j->predictor),
                                j->oracle->timeout, j->oracle->retries};
    LimVictim *v = lim_oracle_new(&o, &j->run->exec, err);
    if (!v || v->classes <= classes)
        return v;
    lim_fail(err, LIM_E_PARAM, "The oracle knows %d classes, %s only %d: choose another --model.",
             v->classes, j->model, classes);
    lim_victim_free(v);
    return NULL;
}

static json_t *
hash_json(uint64_t hash)
{
    char text[24];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return json_string(text);
}

/* What the questions depend on. */
static json_t *
identity(const Job *j)
{
    json_t *o = lim_params_to_json(flags_schema, j->flags);
    json_object_set_new(o, "attack", json_string(j->klass->name));
    json_object_set_new(o, "settings", lim_params_to_json(j->klass->schema, j->params));
    json_object_set_new(o, "samples", lim_params_to_json(lim_sample_schema, j->request));
    json_object_del(o, "out");
    json_object_del(o, "model"); /* that of an oracle only says how large pictures are */
    if (*j->oracle->command)
        json_object_set_new(o, "oracle", json_string(j->oracle->command));
    else
        json_object_set_new(o, "model", hash_json(lim_predictor_hash(j->predictor)));
    if (j->denoiser)
        json_object_set_new(o, "denoiser", hash_json(lim_denoiser_hash(j->denoiser)));
    return o;
}

/* The victim gets a memory. */
static LimStatus
open_state(Job *j, LimError *err)
{
    if (!*j->state)
        return LIM_OK;
    json_t *run = identity(j);
    j->victim = lim_answers_new(j->victim, j->state, run, err);
    json_decref(run);
    return j->victim ? LIM_OK : err->code;
}

static LimStatus
load_png(Job *j, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(j->predictor);
    cli_pictures_init(&j->pictures, 1, (size_t)lim_shape_size(s));
    const LimStatus status = lim_attackfile_picture(j->flags->input, s, j->pictures.image, err);
    if (status != LIM_OK)
        return status;
    if (j->flags->label >= 0) {
        j->pictures.label[0] = j->flags->label;
        return LIM_OK;
    }
    return label_by_model(j, err);
}

static LimStatus
generate(Job *j, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(j->predictor);
    LimGenerator *g = lim_generator_load(j->flags->generate, err);
    if (!g)
        return err->code;
    LimTask *t = lim_sample_task_new(g, j->request);
    LimStatus status = LIM_OK;
    if (cli_run_task(j->run, t, err) == LIM_STEP_DONE) {
        const LimTensor *image = lim_sample_task_image(t);
        const LimShape made = lim_tensor_shape(image);
        if (made.d[1] != s.d[0] || made.d[2] != s.d[1] || made.d[3] != s.d[2]) {
            status = lim_fail(err, LIM_E_SHAPE,
                              "%s draws pictures of %dx%dx%d; the classifier takes %dx%dx%d.",
                              j->flags->generate, made.d[1], made.d[2], made.d[3], s.d[0], s.d[1],
                              s.d[2]);
        } else {
            cli_pictures_init(&j->pictures, made.d[0], (size_t)lim_shape_size(s));
            for (int i = 0; i < made.d[0]; i++)
                j->pictures.index[i] = (uint32_t)i;
            for (size_t i = 0; i < (size_t)j->pictures.n * j->pictures.size; i++)
                j->pictures.image[i] = (lim_tensor_f32(image)[i] + 1) / 2;
            lim_round8(j->pictures.image, j->pictures.image,
                       (size_t)j->pictures.n * j->pictures.size);
            status = label_by_model(j, err);
        }
    } else {
        status = err->code;
    }
    lim_task_free(t);
    lim_generator_free(g);
    return status;
}

/* From the test split: what to attack, unless there is something else, and pictures to start from.
 */
static LimStatus
load_data(Job *j, bool attack, LimError *err)
{
    LimError none = LIM_ERROR_INIT, no_test = LIM_ERROR_INIT;
    LimDataset *d = lim_dataset_open(cli_data(j->run), "test", &no_test);
    if (!d && cli_data(j->run)) /* the pictures that come with the program have no test split */
        d = lim_dataset_open(cli_data(j->run), "sample", &none);
    if (!d) {
        *err = no_test;
        return err->code;
    }
    if (attack)
        snprintf(j->from, sizeof j->from, "%s", d->split);
    LimStatus status = LIM_OK;
    if (attack)
        status = cli_pictures_load(j->run, &j->pictures, j->predictor, d, j->flags->first,
                                   j->flags->count, false, err);
    if (status == LIM_OK && j->klass->access == LIM_ACCESS_LABEL) {
        const int n = d->n < POOL ? d->n : POOL;
        status = cli_pictures_load(j->run, &j->pool, j->predictor, d, d->n - n, n, false, err);
    }
    lim_dataset_free(d);
    return status;
}

static LimStatus
load_pictures(Job *j, LimError *err)
{
    const bool png = *j->flags->input, made = *j->flags->generate;
    if (png && made)
        return lim_fail(err, LIM_E_PARAM, "--input and --generate exclude each other.");
    if (j->flags->label >= 0 && !png)
        return lim_fail(err, LIM_E_PARAM, "--label belongs to --input.");
    snprintf(j->from, sizeof j->from, "%s", png ? j->flags->input : j->flags->generate);
    LimStatus status = png ? load_png(j, err) : made ? generate(j, err) : LIM_OK;
    if (status != LIM_OK)
        return status;
    if (!png && !made)
        return load_data(j, true, err);
    LimError none = LIM_ERROR_INIT;
    if (j->klass->access == LIM_ACCESS_LABEL)
        load_data(j, false, &none); /* without data the attack starts from noise */
    return LIM_OK;
}

static LimStatus
find_target(Job *j, LimError *err)
{
    const char *text = j->flags->target;
    const int classes = lim_predictor_classes(j->predictor);
    if (!*text)
        return LIM_OK;
    if (strcmp(text, "next") == 0) {
        j->target = cli_next_labels(&j->pictures, classes);
        return LIM_OK;
    }
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || end == text)
        for (number = 0; number < classes; number++)
            if (strcmp(text, lim_predictor_class_name(j->predictor, (int)number)) == 0)
                break;
    if (number < 0 || number >= classes)
        return lim_fail(err, LIM_E_PARAM,
                        "--target: there is no class %.60s; they are 0 to %d, or their names, or "
                        "next.",
                        text, classes - 1);
    j->target = lim_alloc((size_t)j->pictures.n, sizeof *j->target);
    for (int i = 0; i < j->pictures.n; i++)
        j->target[i] = (int32_t)number;
    return LIM_OK;
}

static LimStatus
load_denoiser(Job *j, LimError *err)
{
    const bool given = *j->flags->denoiser;
    if (given && *j->oracle->command)
        return lim_fail(err, LIM_E_PARAM, "--denoiser and --oracle exclude each other.");
    if (j->flags->oblivious && !given)
        return lim_fail(err, LIM_E_PARAM, "--oblivious belongs to --denoiser.");
    if (!given)
        return LIM_OK;
    j->denoiser = lim_denoiser_load(j->flags->denoiser, err);
    if (j->denoiser)
        j->behind = lim_predictor_behind(j->denoiser, j->predictor, err);
    return j->behind ? LIM_OK : err->code;
}

/* ---- results ----------------------------------------------------------------------------------
 */

static const char *
class_name(const Job *j, int label)
{
    const char *name = label >= 0 ? lim_predictor_class_name(j->predictor, label) : NULL;
    return name ? name : "";
}

/* What the defended classifier says of the result. */
static LimStatus
judge_denoised(const Job *j, int i, const LimAttackResult *r, json_t *o, LimError *err)
{
    const int classes = lim_predictor_classes(j->behind);
    float *x = lim_alloc(j->pictures.size, sizeof *x), *z = lim_alloc((size_t)classes, sizeof *z);
    for (size_t k = 0; k < j->pictures.size; k++)
        x[k] = 2 * r->image[k] - 1;
    const LimStatus status = lim_predictor_run(j->behind, &j->run->exec, x, 1, z, NULL, err);
    if (status == LIM_OK) {
        const int seen = lim_seen_class(z, classes);
        json_object_set_new(o, "denoised_label", json_integer(seen));
        json_object_set_new(o, "denoised_name", json_string(class_name(j, seen)));
        json_object_set_new(o, "denoised_fools",
                            json_boolean(j->target ? seen == j->target[i]
                                                   : seen != j->pictures.label[i]));
    }
    free(x);
    free(z);
    return status;
}

static json_t *
describe(const Job *j, int i, const LimAttackResult *r)
{
    json_t *o = json_pack("{s:I, s:i, s:s, s:i}", "picture", (json_int_t)j->pictures.index[i],
                          "right", j->pictures.label[i], "status",
                          lim_attack_status_names[r->status], "label", r->label);
    json_object_set_new(o, "name", json_string(class_name(j, r->label)));
    if (j->target)
        json_object_set_new(o, "target", json_integer(j->target[i]));
    json_object_set_new(o, "l2", json_real(r->l2));
    json_object_set_new(o, "linf", json_real(r->linf));
    json_object_set_new(o, "mse", json_real(r->mse));
    json_object_set_new(o, "queries", json_integer(r->queries));
    json_object_set_new(o, "gradients", json_integer(r->gradients));
    json_object_set_new(o, "fools8", json_boolean(r->fools8));
    json_object_set_new(o, "label8", json_integer(r->label8));
    json_object_set_new(o, "l2_8", json_real(r->l2_8));
    return o;
}

static LimStatus
write_result(const Job *j, int i, const LimAttackResult *r, json_t *o, LimError *err)
{
    char path[2 * LIM_TEXT_MAX];
    const LimAttackAbout about = {.klass = j->klass,
                                  .params = j->params,
                                  .model = *j->oracle->command ? LIM_ATTACKFILE_PROGRAM : j->model,
                                  .denoiser = j->denoiser ? j->flags->denoiser : NULL,
                                  .oblivious = j->flags->oblivious,
                                  .from = j->from,
                                  .picture = j->pictures.index[i],
                                  .right = j->pictures.label[i],
                                  .target = j->target ? j->target[i] : -1,
                                  .queries = j->flags->queries,
                                  .lattice = j->flags->lattice,
                                  .seed = j->request->seed};
    snprintf(path, sizeof path, "%s/%s-%05u.png", j->flags->out, j->klass->name,
             j->pictures.index[i]);
    const LimStatus status =
        lim_attackfile_write(path, &about, lim_predictor_image_shape(j->predictor), r, err);
    if (status == LIM_OK)
        json_object_set_new(o, "file", json_string(path));
    return status;
}

static json_t *
report(const Job *j, const LimAttack *a, double seconds, LimError *err)
{
    json_t *rows = json_array();
    double *l2 = lim_alloc((size_t)j->pictures.n, sizeof *l2);
    int fooled = 0, fooled8 = 0;
    LimStatus status = LIM_OK;
    for (int i = 0; i < j->pictures.n && status == LIM_OK; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        json_t *o = describe(j, i, &r);
        if (j->behind)
            status = judge_denoised(j, i, &r, o, err);
        if (*j->flags->out && status == LIM_OK)
            status = write_result(j, i, &r, o, err);
        json_array_append_new(rows, o);
        if (r.status == LIM_ATTACK_FOOLED)
            l2[fooled++] = r.l2;
        fooled8 += r.status == LIM_ATTACK_FOOLED && r.fools8;
    }
    json_t *result = json_pack("{s:s, s:s, s:i, s:i, s:i}", "attack", j->klass->name, "model",
                               *j->oracle->command ? j->oracle->command : j->model, "pictures",
                               j->pictures.n, "fooled", fooled, "fooled_8bit", fooled8);
    json_object_set_new(result, "median_l2",
                        fooled ? json_real(cli_median(l2, fooled)) : json_null());
    json_object_set_new(result, "seconds", json_real(seconds));
    json_object_set_new(result, "settings", lim_params_to_json(j->klass->schema, j->params));
    if (*j->state)
        json_object_set_new(result, "resumed_from", json_integer(lim_answers_known(j->victim)));
    json_object_set_new(result, "results", rows);
    json_object_set_new(result, "command", cli_command(j->run));
    free(l2);
    if (*j->flags->out && status == LIM_OK) {
        char path[2 * LIM_TEXT_MAX];
        snprintf(path, sizeof path, "%s/%s.json", j->flags->out, j->klass->name);
        char *text = json_dumps(result, JSON_INDENT(1));
        LIM_ASSERT(text);
        status = lim_file_write(path, text, strlen(text), err);
        free(text);
    }
    if (status != LIM_OK) {
        json_decref(result);
        return NULL;
    }
    return result;
}

static json_t *
attack(Job *j, LimError *err)
{
    if (load_pictures(j, err) != LIM_OK || find_target(j, err) != LIM_OK)
        return NULL;
    if (*j->flags->out && lim_folder_make(j->flags->out, err) != LIM_OK)
        return NULL;
    const LimAttackInput in = {.n = j->pictures.n,
                               .image = j->pictures.image,
                               .label = j->pictures.label,
                               .target = j->target,
                               .pool = j->pool.image,
                               .pool_label = j->pool.label,
                               .n_pool = j->pool.n,
                               .index = j->pictures.index,
                               .seed = j->request->seed,
                               .budget = j->flags->queries,
                               .lattice_queries = j->flags->lattice};
    const double start = cli_seconds();
    LimAttack *a = cli_run_attack(j->run, j->klass, j->params, &in, j->victim, NULL, NULL, err);
    LimError failed = LIM_ERROR_INIT;
    json_t *result = a ? report(j, a, cli_seconds() - start, &failed) : NULL;
    if (failed.code != LIM_OK) {
        *err = failed;
    } else if (a && err->code == LIM_CANCELLED && *j->state) {
        *err = (LimError)LIM_ERROR_INIT;
        lim_fail(err, LIM_CANCELLED,
                 "stopped; the best so far was kept, and the same command goes on.");
    }
    if (a)
        lim_task_free(lim_attack_task(a));
    return result;
}

static json_t *
run_attack(CliRun *run, LimError *err)
{
    Job j = {.run = run,
             .state = "",
             .klass = lim_attack_find(run->command->name + strlen("attack "))};
    j.params = cli_args_values(&run->args, j.klass->schema);
    j.flags = cli_args_values(&run->args, flags_schema);
    j.oracle = cli_args_values(&run->args, lim_oracle_schema);
    j.request = cli_args_values(&run->args, lim_sample_schema);
    cli_resource(j.flags->model, "fashion-classifier.safetensors", j.model);
    j.predictor = lim_predictor_load(j.model, err);
    j.victim = j.predictor && load_denoiser(&j, err) == LIM_OK ? make_victim(&j, err) : NULL;
    if (j.klass->access == LIM_ACCESS_LABEL)
        j.state = ((const StateFlags *)cli_args_values(&run->args, state_schema))->state;
    json_t *result = j.victim && open_state(&j, err) == LIM_OK ? attack(&j, err) : NULL;
    free(j.target);
    lim_victim_free(j.victim);
    cli_pictures_clear(&j.pictures);
    cli_pictures_clear(&j.pool);
    lim_predictor_free(j.behind);
    lim_predictor_free(j.predictor);
    lim_denoiser_free(j.denoiser);
    return result;
}

/* ---- the commands -----------------------------------------------------------------------------
 */

typedef struct Made {
    CliCommand command;
    CliPiece pieces[6];
    char name[48], summary[80];
} Made;

int
cli_attack_commands(const CliCommand **commands)
{
    static Made made[CLI_ATTACKS];
    const int n = (int)lim_attack_count();
    LIM_ASSERT(n <= CLI_ATTACKS);
    for (int i = 0; i < n; i++) {
        const LimAttackClass *klass = lim_attack_at((size_t)i);
        Made *m = &made[i];
        snprintf(m->name, sizeof m->name, "attack %s", klass->name);
        snprintf(m->summary, sizeof m->summary, "Makes a classifier wrong: %s", klass->label);
        m->pieces[0] = (CliPiece){klass->label, klass->schema, klass->params_size};
        m->pieces[1] = (CliPiece){"What to attack", flags_schema, sizeof(AttackFlags)};
        m->pieces[2] =
            (CliPiece){"A program to attack", lim_oracle_schema, sizeof(LimOracleSettings)};
        m->pieces[3] = (CliPiece){"Samples of --generate (the seed is also the attack's)",
                                  lim_sample_schema, sizeof(LimSampleRequest)};
        if (klass->access == LIM_ACCESS_LABEL) /* the others' answers are too many to keep */
            m->pieces[4] = (CliPiece){"Going on after a stop", state_schema, sizeof(StateFlags)};
        m->command = (CliCommand){.name = m->name,
                                  .summary = m->summary,
                                  .text = klass->help,
                                  .operands = "",
                                  .pieces = m->pieces,
                                  .run = run_attack};
        commands[i] = &m->command;
    }
    return n;
}
