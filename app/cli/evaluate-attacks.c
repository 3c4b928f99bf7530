/* limen-cli evaluate attacks: how close each attack comes to each classifier (the tables of the
 * Boundary Attack paper, Brendel et al. 2018), the distance against the queries spent, and what is
 * left of a classifier's gradients. */
#include "attack-run.h"
#include "plot.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODELS  8
#define MAX_ATTACKS 24
#define POOL        200 /* pictures to start from, the last of the split */
#define CHECKS      22  /* 1, 2, 5, 10 ... 10,000,000 queries */

typedef struct Flags {
    char attacks[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int pictures, first, queries, lattice;
    bool next;
    double temperature;
} Flags;

static const LimParamSpec schema[] = {
    {.name = "attacks",
     .label = "Attacks",
     .help = "Names with settings, as in fgsm:epsilon=0.05,deepfool. Empty: all that there are, "
             "FGSM as the search for the smallest epsilon.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, attacks)},
    {.name = "pictures",
     .label = "Pictures",
     .help = "The first of the test split that the classifier has right.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, pictures),
     .min = 1,
     .max = 10000,
     .def = 100},
    {.name = "first",
     .label = "First picture",
     .help = "Take pictures from this number of the test split on: for other ones than those that "
             "something was tried on.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(Flags, first),
     .max = 1e9},
    {.name = "next",
     .label = "Targeted",
     .help = "Aim at the class after the right one (attacks that cannot are left out).",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(Flags, next),
     .max = 1},
    {.name = "queries",
     .label = "Queries",
     .help = "Most for one picture and attack; 0: as often as the attack likes.",
     .unit = "queries",
     .kind = LIM_INT,
     .offset = offsetof(Flags, queries),
     .max = 2e9},
    {.name = "lattice",
     .label = "8-bit search",
     .help = "Queries to find the nearest 8-bit picture that still fools; 0: results are rounded.",
     .unit = "queries",
     .kind = LIM_INT,
     .offset = offsetof(Flags, lattice),
     .max = 1e6},
    {.name = "temperature",
     .label = "Temperature",
     .help = "Above 0: also measure the gradients of the cross entropy, of the logits as they are "
             "and divided by this. A distilled classifier's vanish at 1.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Flags, temperature),
     .max = 10000},
    {.name = "out",
     .label = "Files",
     .help = "Writes OUT.json, OUT.md with the tables and OUT.svg with the distance against the "
             "queries. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, out)},
    {0}};

/* An attack to run, and its settings as they were written. */
typedef struct Entry {
    const LimAttackClass *klass;
    void *params;
    char text[128];
} Entry;

/* The closest that was known after so many queries. */
typedef struct Curve {
    char model[64], name[200];
    int pictures;
    double *l2;    /* [CHECKS][pictures]; INFINITY: none */
    double *known; /* [pictures]: best_distance of the last look */
    double *now;   /* [pictures]: its l2 */
    double x[CHECKS], median[CHECKS];
    int n;
} Curve;

typedef struct Evaluation {
    CliRun *run;
    const Flags *flags;
    Entry entry[MAX_ATTACKS];
    int n_entries;
    LimDataset *data;
    json_t *models, *rows, *curves, *gradients;
    Curve *curve; /* [MAX_MODELS * MAX_ATTACKS] */
    int n_curves;
} Evaluation;

/* 1, 2, 5, 10, 20, 50 ... */
static int64_t
check_at(int i)
{
    static const int digit[] = {1, 2, 5};
    int64_t power = 1;
    for (int k = 0; k < i / 3; k++)
        power *= 10;
    return power * digit[i % 3];
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- which attacks ----------------------------------------------------------------------------
 */

/* One of the list: "name:setting=value:..." (changed while it is read). */
static LimStatus
add_entry(Evaluation *e, char *text, LimError *err)
{
    if (e->n_entries == MAX_ATTACKS)
        return lim_fail(err, LIM_E_PARAM, "more than %d attacks are too many.", MAX_ATTACKS);
    Entry *entry = &e->entry[e->n_entries];
    snprintf(entry->text, sizeof entry->text, "%.120s", text);
    char *rest, *name = strtok_r(text, ":", &rest);
    const LimAttackClass *klass = name ? lim_attack_find(name) : NULL;
    if (!klass)
        return lim_fail(err, LIM_E_PARAM, "--attacks: there is no attack %.60s.",
                        name ? name : "without a name");
    entry->klass = klass;
    entry->params = lim_alloc(1, klass->params_size);
    e->n_entries++;
    lim_params_init(klass->schema, entry->params);
    for (char *setting; (setting = strtok_r(NULL, ":", &rest));) {
        char *equals = strchr(setting, '=');
        if (!equals)
            return lim_fail(err, LIM_E_PARAM, "--attacks: %.60s is not setting=value.", setting);
        *equals = 0;
        if (!lim_params_find(klass->schema, setting))
            return lim_fail(err, LIM_E_PARAM, "--attacks: %s has no setting %.60s.", klass->name,
                            setting);
        const LimStatus status =
            lim_params_set(klass->schema, entry->params, setting, equals + 1, err);
        if (status != LIM_OK)
            return status;
    }
    return LIM_OK;
}

static LimStatus
read_entries(Evaluation *e, LimError *err)
{
    char text[LIM_TEXT_MAX];
    LimStatus status = LIM_OK;
    if (!*e->flags->attacks)
        for (size_t i = 0; i < lim_attack_count() && status == LIM_OK; i++) {
            const char *name = lim_attack_at(i)->name;
            snprintf(text, sizeof text, "%s%s", name,
                     strcmp(name, "fgsm") == 0 ? ":epsilon=1:minimal=true" : "");
            status = add_entry(e, text, err);
        }
    snprintf(text, sizeof text, "%s", e->flags->attacks);
    char *rest, *one = strtok_r(text, ",", &rest);
    for (; one && status == LIM_OK; one = strtok_r(NULL, ",", &rest))
        status = add_entry(e, one, err);
    return status;
}

/* ---- one attack on one classifier -------------------------------------------------------------
 */

static void
watch(void *ctx, const LimAttack *a)
{
    Curve *c = ctx;
    for (int i = 0; i < c->pictures; i++) {
        if (!isinf(a->best_distance[i]) && a->best_distance[i] != c->known[i]) {
            c->known[i] = a->best_distance[i];
            c->now[i] =
                lim_l2(a->best + (size_t)i * a->size, a->image + (size_t)i * a->size, a->size);
        }
        for (int k = CHECKS - 1; k >= 0 && check_at(k) >= a->victim->queries[i]; k--)
            c->l2[k * c->pictures + i] = c->now[i];
    }
}

static Curve *
begin_curve(Evaluation *e, const char *model, const char *name, int pictures)
{
    Curve *c = &e->curve[e->n_curves++];
    *c = (Curve){.pictures = pictures};
    snprintf(c->model, sizeof c->model, "%.60s", model);
    snprintf(c->name, sizeof c->name, "%s", name);
    c->l2 = lim_alloc((size_t)CHECKS * (size_t)pictures, sizeof *c->l2);
    c->known = lim_alloc((size_t)pictures, sizeof *c->known);
    c->now = lim_alloc((size_t)pictures, sizeof *c->now);
    for (int i = 0; i < pictures; i++)
        c->known[i] = c->now[i] = (double)INFINITY;
    return c;
}

/* Medians over all pictures, those that are not fooled counted as infinitely far. Up to the first
 * number of queries that nobody exceeded. */
static json_t *
end_curve(Curve *c, int64_t most)
{
    json_t *queries = json_array(), *median = json_array();
    for (int k = 0; k < CHECKS; k++) {
        const double m = cli_median(c->l2 + k * c->pictures, c->pictures);
        c->x[c->n] = log10((double)check_at(k));
        c->median[c->n++] = isinf(m) ? (double)NAN : log10(m);
        json_array_append_new(queries, json_integer(check_at(k)));
        json_array_append_new(median, isinf(m) ? json_null() : json_real(m));
        if (check_at(k) >= most)
            break;
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "model", c->model, "attack", c->name, "queries",
                     queries, "median_l2", median);
}

static json_t *
median_of(double *value, int n)
{
    return n > 0 ? json_real(cli_median(value, n)) : json_null();
}

static json_t *
summarise(const LimAttack *a, const char *model, const char *name, double seconds, int64_t *most)
{
    const size_t n = (size_t)a->n;
    double *l2 = lim_alloc(n, sizeof *l2), *linf = lim_alloc(n, sizeof *linf);
    double *mse = lim_alloc(n, sizeof *mse), *l2_8 = lim_alloc(n, sizeof *l2_8);
    int fooled = 0, fooled8 = 0;
    double queries = 0, gradients = 0;
    *most = 0;
    for (int i = 0; i < a->n; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        queries += (double)r.queries;
        gradients += (double)r.gradients;
        if (r.queries > *most)
            *most = r.queries;
        if (r.status != LIM_ATTACK_FOOLED)
            continue;
        l2[fooled] = r.l2;
        linf[fooled] = r.linf;
        mse[fooled++] = r.mse;
        if (r.fools8)
            l2_8[fooled8++] = r.l2_8;
    }
    json_t *row = json_pack("{s:s, s:s, s:i, s:i}", "model", model, "attack", name, "pictures",
                            a->n, "fooled", fooled);
    json_object_set_new(row, "median_l2", median_of(l2, fooled));
    json_object_set_new(row, "median_linf", median_of(linf, fooled));
    json_object_set_new(row, "median_mse", median_of(mse, fooled));
    json_object_set_new(row, "fooled_8bit", json_integer(fooled8));
    json_object_set_new(row, "median_l2_8bit", median_of(l2_8, fooled8));
    json_object_set_new(row, "queries", json_real(queries / a->n));
    json_object_set_new(row, "gradients", json_real(gradients / a->n));
    json_object_set_new(row, "seconds", json_real(seconds));
    free(l2);
    free(linf);
    free(mse);
    free(l2_8);
    return row;
}

static LimStatus
attack(Evaluation *e, const Entry *entry, LimPredictor *model, const char *name,
       const CliPictures *p, const CliPictures *pool, LimError *err)
{
    int32_t *target = e->flags->next ? cli_next_labels(p, lim_predictor_classes(model)) : NULL;
    const LimAttackInput in = {.n = p->n,
                               .image = p->image,
                               .label = p->label,
                               .target = target,
                               .pool = pool->image,
                               .pool_label = pool->label,
                               .n_pool = pool->n,
                               .index = p->index,
                               .seed = e->run->common->seed,
                               .budget = e->flags->queries,
                               .lattice_queries = e->flags->lattice};
    LimVictim *victim = lim_victim_new(model, entry->klass->access);
    Curve *curve = begin_curve(e, name, entry->text, p->n);
    const double start = cli_seconds();
    LimAttack *a =
        cli_run_attack(e->run, entry->klass, entry->params, &in, victim, watch, curve, err);
    if (a && err->code == LIM_OK) { /* one that was stopped is not comparable */
        int64_t most;
        json_array_append_new(e->rows,
                              summarise(a, name, entry->text, cli_seconds() - start, &most));
        json_array_append_new(e->curves, end_curve(curve, most));
    }
    if (a)
        lim_task_free(lim_attack_task(a));
    lim_victim_free(victim);
    free(target);
    return a ? err->code : err->code == LIM_OK ? LIM_E_PARAM : err->code;
}

/* What is left of the gradients of the cross entropy at the pictures themselves. */
static LimStatus
measure_gradients(Evaluation *e, LimPredictor *model, const char *name, const CliPictures *p,
                  double temperature, LimError *err)
{
    float *g = lim_alloc((size_t)p->n * p->size, sizeof *g);
    double *length = lim_alloc((size_t)p->n, sizeof *length);
    LimVictim *v = lim_victim_new(model, LIM_ACCESS_GRADIENT);
    lim_victim_begin(v, p->n, 0);
    const LimStatus status =
        lim_victim_loss_gradient(v, &e->run->exec, LIM_LOSS_CROSS_ENTROPY, temperature, p->image,
                                 NULL, p->label, p->n, NULL, NULL, g, err);
    if (status == LIM_OK) {
        int64_t zero = 0;
        int dead = 0;
        for (int i = 0; i < p->n; i++) {
            double square = 0;
            for (size_t j = 0; j < p->size; j++) {
                const double d = (double)g[(size_t)i * p->size + j];
                square += d * d;
                zero += d == 0;
            }
            length[i] = sqrt(square);
            dead += square == 0;
        }
        json_array_append_new(e->gradients,
                              json_pack("{s:s, s:f, s:f, s:f, s:i}", "model", name, "temperature",
                                        temperature, "median_l2", cli_median(length, p->n),
                                        "zero_values",
                                        (double)zero / ((double)p->n * (double)p->size),
                                        "zero_pictures", dead));
    }
    lim_victim_free(v);
    free(length);
    free(g);
    return status;
}

static LimStatus
evaluate(Evaluation *e, const char *path, LimError *err)
{
    LimPredictor *model = lim_predictor_load(path, err);
    if (!model)
        return err->code;
    char hash[24];
    CliPictures p = {0}, pool = {0};
    const char *name = base_name(path);
    const int n_pool = e->data->n < POOL ? e->data->n : POOL;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)lim_predictor_hash(model));
    json_array_append_new(e->models, json_pack("{s:s, s:s}", "model", name, "hash", hash));
    LimStatus status = cli_pictures_load(e->run, &p, model, e->data, e->flags->first,
                                         e->flags->pictures, true, err);
    if (status == LIM_OK)
        status = cli_pictures_load(e->run, &pool, model, e->data, e->data->n - n_pool, n_pool,
                                   false, err);
    const double temperature[] = {1, e->flags->temperature};
    for (int i = 0; i < 2 && status == LIM_OK && temperature[1] > 0; i++)
        status = measure_gradients(e, model, name, &p, temperature[i], err);
    for (int i = 0; i < e->n_entries && status == LIM_OK; i++)
        if (!e->flags->next || e->entry[i].klass->targeted)
            status = attack(e, &e->entry[i], model, name, &p, &pool, err);
    cli_pictures_clear(&p);
    cli_pictures_clear(&pool);
    lim_predictor_free(model);
    return status;
}

/* ---- what is written --------------------------------------------------------------------------
 */

static void
markdown(const void *ctx, const json_t *result, FILE *out)
{
    const Evaluation *e = ctx;
    fprintf(out, "# Attacks on classifiers\n\n`%s`, seed %llu\n\n",
            json_string_value(json_object_get(result, "command")),
            (unsigned long long)e->run->common->seed);
    fprintf(out,
            "The first %d pictures of %s's %s split, from number %d on, that each classifier has "
            "right, attacked %s. "
            "Distances are medians over the pictures that were fooled, on the scale from 0 to 1; "
            "mse is the squared l2 distance by the number of values; 8bit counts the pictures that "
            "still fool as an 8-bit picture; queries and gradients are means for one picture, "
            "seconds are for all.\n\n",
            e->flags->pictures, e->data->name, e->data->split, e->flags->first,
            e->flags->next ? "to be taken for the class after the right one"
                           : "to be taken for any other class");
    cli_markdown_table(out, e->rows);
    cli_markdown_section(
        out, "Gradients of the cross entropy",
        "At the pictures themselves, of the logits divided by a temperature: the median length, "
        "the share of values that are exactly 0, and the number of pictures whose values all are.",
        e->gradients);
    fputs("## Classifiers\n\n", out);
    cli_markdown_table(out, e->models);
}

static LimStatus
write_plot(const void *ctx, const char *path, LimError *err)
{
    const Evaluation *e = ctx;
    CliSeries *series = lim_alloc((size_t)e->n_curves + 1, sizeof *series);
    CliPanel panels[MAX_MODELS];
    int n = 0;
    for (int i = 0; i < e->n_curves; i++) {
        const Curve *c = &e->curve[i];
        series[i] = (CliSeries){.name = c->name, .n = c->n, .x = c->x, .y = c->median};
        if (n == 0 || strcmp(panels[n - 1].title, c->model) != 0)
            panels[n++] = (CliPanel){.title = c->model,
                                     .x_label = "queries, log10",
                                     .y_label = "median l2 distance, log10",
                                     .series = &series[i]};
        panels[n - 1].n++;
    }
    const LimStatus status =
        n == 0 ? LIM_OK
               : cli_plot_write(path, "Distance against queries", panels, n, n < 2 ? n : 2, err);
    free(series);
    return status;
}

static LimStatus
write_files(const Evaluation *e, const json_t *result, LimError *err)
{
    const CliReport report = {
        .out = e->flags->out, .ctx = e, .result = result, .markdown = markdown, .plot = write_plot};
    return cli_report_write(&report, err);
}

static json_t *
finish(const Evaluation *e, LimError *err)
{
    json_t *result =
        json_pack("{s:s, s:s, s:i, s:i, s:I, s:b, s:o, s:o, s:o, s:o, s:o}", "data", e->data->name,
                  "split", e->data->split, "pictures", e->flags->pictures, "first", e->flags->first,
                  "seed", (json_int_t)e->run->common->seed, "targeted", e->flags->next, "models",
                  json_incref(e->models), "attacks", json_incref(e->rows), "gradients",
                  json_incref(e->gradients), "curves", json_incref(e->curves), "command",
                  cli_command(e->run));
    LimError failed = LIM_ERROR_INIT;
    if (*e->flags->out && write_files(e, result, &failed) != LIM_OK) {
        *err = failed;
        json_decref(result);
        return NULL;
    }
    return result;
}

static json_t *
run_evaluate_attacks(CliRun *run, LimError *err)
{
    Evaluation e = {.run = run,
                    .flags = cli_args_values(&run->args, schema),
                    .models = json_array(),
                    .rows = json_array(),
                    .curves = json_array(),
                    .gradients = json_array()};
    e.curve = lim_alloc(MAX_MODELS * MAX_ATTACKS, sizeof *e.curve);
    json_t *result = NULL;
    LimStatus status = read_entries(&e, err);
    if (status == LIM_OK) {
        e.data = lim_dataset_open(cli_data(run), "test", err);
        status = e.data ? LIM_OK : err->code;
    }
    for (int i = 0; i < run->args.n_operands && status == LIM_OK; i++)
        status = evaluate(&e, run->args.operand[i], err);
    if (e.data && (status == LIM_OK || status == LIM_CANCELLED))
        result = finish(&e, err);
    for (int i = 0; i < e.n_entries; i++)
        free(e.entry[i].params);
    for (int i = 0; i < e.n_curves; i++) {
        free(e.curve[i].l2);
        free(e.curve[i].known);
        free(e.curve[i].now);
    }
    free(e.curve);
    json_decref(e.models);
    json_decref(e.rows);
    json_decref(e.curves);
    json_decref(e.gradients);
    lim_dataset_free(e.data);
    return result;
}

static const CliPiece pieces[] = {{"What to run", schema, sizeof(Flags)}, {0}};
const CliCommand cli_evaluate_attacks = {
    .name = "evaluate attacks",
    .summary = "Measures how close attacks come to classifiers",
    .text = "MODEL is a file written by `limen-cli train classifier`; up to eight are compared. "
            "Ctrl+C ends with what was measured by then.",
    .operands = "MODEL...",
    .min_operands = 1,
    .max_operands = MAX_MODELS,
    .pieces = pieces,
    .run = run_evaluate_attacks,
};
