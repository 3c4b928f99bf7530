/* Two attacks may have a parameter of the same name, and both keep their values while another is
 * chosen: their rows are told apart by the attack's name before that of the parameter. */
#include "panes/attack/form.h"

#include "schema-form.h"
#include "shipped.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-text-row.h"

#include <stdlib.h>

#define NAME(field)      lim_schema_at(lim_attack_setup_schema, offsetof(LimAttackSetup, field))->name
#define ROW(form, field) LIM_CHOICE_ROW(lim_form_get_row(form, NAME(field)))
#define FIRST            "boundary" /* chosen at first */
#define PROGRAM_GROUP    "External program settings"

/* The schema of an attack with longer names; made once, kept for good. */
static const LimParamSpec *
renamed(size_t method)
{
    static LimParamSpec **made;
    const LimAttackClass *klass = lim_attack_at(method);
    size_t n = 0;

    if (!klass->schema)
        return NULL;
    if (!made)
        made = g_new0(LimParamSpec *, lim_attack_count());
    if (made[method])
        return made[method];
    while (klass->schema[n].name)
        n++;
    made[method] = g_new0(LimParamSpec, n + 1);
    for (size_t i = 0; i < n; i++) {
        made[method][i] = klass->schema[i];
        made[method][i].name = g_strdup_printf("%s-%s", klass->name, klass->schema[i].name);
    }
    return made[method];
}

static char *
dup_group(size_t method)
{
    return g_strdup_printf("%s settings", lim_attack_at(method)->label);
}

LimForm *
lim_attack_form_new(void)
{
    static const char *const sources[] = {"Sample pictures", "Test pictures", "Your own picture",
                                          NULL};
    static const char *const shipped[] = {"First classifier", NULL};
    static const char *const none[] = {"No defence", NULL};
    static const char *const any[] = {"Any other class", NULL};
    static const int any_values[] = {-1};
    const size_t n = lim_attack_count();
    g_autofree const char **methods = g_new0(const char *, n + 1);
    g_autofree LimParamSpec *setup = NULL;
    LimForm *form = LIM_FORM(lim_form_new());
    size_t specs = 0;

    for (size_t i = 0; i < n; i++)
        methods[i] = lim_attack_at(i)->label;
    const LimFormHint hints[] = {
        {.name = NAME(source), .texts = sources},
        {.name = NAME(model), .texts = shipped},
        {.name = NAME(denoiser), .texts = none, .open = true},
        {.name = NAME(method), .texts = methods},
        {.name = NAME(target), .texts = any, .values = any_values, .open = true},
        {.name = NAME(picture), .beside = true},
        {.name = NAME(queries), .beside = true},
        {.name = NAME(lattice), .beside = true},
    };
    while (lim_attack_setup_schema[specs].name)
        specs++;
    setup = g_memdup2(lim_attack_setup_schema, (specs + 1) * sizeof *setup);
    for (size_t i = 0; i < specs; i++)
        for (size_t k = 0; k < n; k++)
            if (setup[i].offset == offsetof(LimAttackSetup, method) &&
                g_str_equal(lim_attack_at(k)->name, FIRST))
                setup[i].def = (double)k;
    /* The external program stands below the classifiers. */
    size_t half = 0;
    while (setup[half++].offset != offsetof(LimAttackSetup, model))
        ;
    g_autofree LimParamSpec *rest = g_memdup2(setup + half, (specs + 1 - half) * sizeof *rest);
    const LimFormHint oracle_hints[] = {
        {.name = lim_oracle_schema[1].name, .group = PROGRAM_GROUP},
        {.name = lim_oracle_schema[2].name, .group = PROGRAM_GROUP},
    };
    setup[half] = (LimParamSpec){0};
    lim_schema_form_fill(form, setup, hints, G_N_ELEMENTS(hints));
    lim_schema_form_fill(form, lim_oracle_schema, oracle_hints, G_N_ELEMENTS(oracle_hints));
    lim_text_row_set_on_enter(LIM_TEXT_ROW(lim_form_get_row(form, lim_oracle_schema[0].name)),
                              "Start this program and attack it (Enter)");
    lim_schema_form_fill(form, rest, hints, G_N_ELEMENTS(hints));
    lim_text_row_set_file(LIM_TEXT_ROW(lim_form_get_row(form, NAME(denoiser_file))),
                          "Open a Denoiser", "safetensors");
    for (size_t i = 0; i < n; i++) {
        const LimParamSpec *schema = renamed(i);
        if (!schema)
            continue;
        g_autofree char *group = dup_group(i);
        g_autofree LimFormHint *in = g_new0(LimFormHint, 64);
        int hinted = 0;
        for (const LimParamSpec *s = schema; s->name && hinted < 64; s++)
            in[hinted++] = (LimFormHint){.name = s->name, .group = group, .digits = 3};
        lim_schema_form_fill(form, schema, in, hinted);
    }
    lim_attack_form_arrange(form);
    return form;
}

/* A program tells its decision only. */
static void
arrange_methods(LimForm *form, gboolean external, size_t chosen)
{
    const size_t n = lim_attack_count();
    g_autofree gboolean *usable = g_new(gboolean, n);
    size_t first = 0;

    for (size_t i = 0; i < n; i++) {
        usable[i] = lim_attack_at(i)->access == LIM_ACCESS_LABEL;
        if (g_str_equal(lim_attack_at(i)->name, FIRST))
            first = i;
    }
    lim_choice_row_set_usable(ROW(form, method), external ? usable : NULL,
                              "Needs gradients or logits; an external program tells its decision "
                              "only");
    if (external && chosen < n && !usable[chosen])
        lim_form_row_set_value(lim_form_get_row(form, NAME(method)),
                               g_variant_new_int32((int)first));
}

/* Says so where the budget leaves nothing to try with. */
static void
note_budget(LimForm *form)
{
    LimAttackPlan plan = {0};
    g_autofree char *note = NULL;

    lim_schema_form_read(form, lim_attack_setup_schema, &plan.setup);
    const LimAttackSetup *s = &plan.setup;
    const bool none = lim_attack_plan_spare(&plan) < 1;
    if (none && s->lattice)
        note = g_strdup_printf("⚠ Leaves nothing for the attack: the budget is %d, and the checks "
                               "take %d of it.",
                               s->queries, LIM_ATTACK_CHECKS);
    else if (none)
        note = g_strdup_printf("⚠ Leaves nothing for the attack: the checks take %d.",
                               LIM_ATTACK_CHECKS);
    lim_form_row_set_note(lim_form_get_row(form, NAME(lattice)), s->lattice ? note : NULL);
    lim_form_row_set_note(lim_form_get_row(form, NAME(queries)), s->lattice ? NULL : note);
}

void
lim_attack_form_arrange(LimForm *form)
{
    g_autoptr(GVariant) method = lim_form_row_dup_value(lim_form_get_row(form, NAME(method)));
    g_autoptr(GVariant) source = lim_form_row_dup_value(lim_form_get_row(form, NAME(source)));
    const size_t chosen = (size_t)g_variant_get_int32(method);

    for (size_t i = 0; i < lim_attack_count(); i++) {
        g_autofree char *group = dup_group(i);
        lim_form_set_group_shown(form, group, i == chosen);
    }
    g_autoptr(GVariant) model = lim_form_row_dup_value(lim_form_get_row(form, NAME(model)));
    const gboolean external = g_variant_get_int32(model) == LIM_ATTACK_EXTERNAL;
    gtk_widget_set_visible(GTK_WIDGET(lim_form_get_row(form, lim_oracle_schema[0].name)), external);
    lim_form_set_group_shown(form, PROGRAM_GROUP, external);
    arrange_methods(form, external, chosen);
    const LimAttackClass *klass = lim_attack_at(chosen);
    lim_form_row_set_enabled(lim_form_get_row(form, NAME(target)), klass && klass->targeted);
    lim_form_row_set_enabled(lim_form_get_row(form, NAME(denoiser)), !external);
    g_autoptr(GVariant) denoiser = lim_form_row_dup_value(lim_form_get_row(form, NAME(denoiser)));
    gtk_widget_set_visible(GTK_WIDGET(lim_form_get_row(form, NAME(denoiser_file))),
                           !external && g_variant_get_int32(denoiser) == LIM_ATTACK_FILE);
    lim_form_row_set_enabled(lim_form_get_row(form, NAME(through)),
                             !external && g_variant_get_int32(denoiser) > 0);
    lim_form_row_set_enabled(lim_form_get_row(form, NAME(picture)),
                             g_variant_get_int32(source) != LIM_ATTACK_OWN);
    note_budget(form);
}

void
lim_attack_form_set_models(LimForm *form, const char *const *paths, int n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree int *values = g_new(int, n + 1);

    for (int i = 0; i < n; i++) {
        g_ptr_array_add(names, lim_model_file_label(paths[i]));
        values[i] = i;
    }
    g_ptr_array_add(names, g_strdup("External program…"));
    values[n] = LIM_ATTACK_EXTERNAL;
    g_ptr_array_add(names, NULL);
    if (n)
        lim_choice_row_set_choices(ROW(form, model), (const char *const *)names->pdata, values);
}

char *
lim_attack_dup_denoiser_name(const char *path)
{
    static const char known[] = "fashion-denoiser-";
    g_autofree char *name = lim_model_file_label(path);

    if (!g_str_has_prefix(name, known))
        return g_steal_pointer(&name);
    return g_ascii_strup(name + strlen(known), -1);
}

void
lim_attack_form_set_denoisers(LimForm *form, const char *const *paths, int n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree int *values = g_new(int, n + 2);

    g_ptr_array_add(names, g_strdup("No defence"));
    for (int i = 0; i < n; i++)
        g_ptr_array_add(names, lim_attack_dup_denoiser_name(paths[i]));
    g_ptr_array_add(names, g_strdup("File…"));
    g_ptr_array_add(names, NULL);
    for (int i = 0; i <= n; i++)
        values[i] = i;
    values[n + 1] = LIM_ATTACK_FILE;
    lim_choice_row_set_choices(ROW(form, denoiser), (const char *const *)names->pdata, values);
}

void
lim_attack_form_set_classes(LimForm *form, LimAttackRun *run)
{
    const int n = lim_attack_run_classes(run);
    g_autofree const char **texts = g_new0(const char *, n + 2);
    g_autofree int *values = g_new(int, n + 1);

    texts[0] = "Any other class";
    values[0] = -1;
    for (int k = 0; k < n; k++) {
        texts[k + 1] = lim_attack_run_class_name(run, k);
        values[k + 1] = k;
    }
    lim_choice_row_set_choices(ROW(form, target), texts, values);
}

void
lim_attack_form_read(LimForm *form, LimAttackPlan *plan)
{
    lim_schema_form_read(form, lim_attack_setup_schema, &plan->setup);
    lim_schema_form_read(form, lim_oracle_schema, &plan->setup.oracle);
    free(plan->params);
    plan->params = NULL;
    plan->method = lim_attack_at((size_t)plan->setup.method);
    if (!plan->method)
        return;
    if (plan->setup.model == LIM_ATTACK_EXTERNAL) /* its defences are its own */
        plan->setup.denoiser = 0;
    if (plan->setup.denoiser == 0)
        plan->setup.through = false;
    if (plan->setup.denoiser != LIM_ATTACK_FILE)
        *plan->setup.denoiser_file = '\0';
    if (!plan->method->targeted)
        plan->setup.target = -1;
    if (plan->method->params_size)
        plan->params = lim_alloc(1, plan->method->params_size);
    if (plan->method->schema)
        lim_schema_form_read(form, renamed((size_t)plan->setup.method), plan->params);
}

void
lim_attack_form_set_method(LimForm *form, const LimAttackClass *klass, const void *params)
{
    for (size_t i = 0; i < lim_attack_count(); i++) {
        if (lim_attack_at(i) != klass)
            continue;
        lim_form_set_values(form, g_variant_new_parsed("{'method': <%i>}", (int)i));
        if (klass->schema)
            lim_form_set_values(form, lim_schema_values(renamed(i), params));
    }
}

void
lim_attack_form_set_restarts(LimForm *form, const char *restarts)
{
    lim_form_row_set_value(lim_form_get_row(form, "boundary-restarts"),
                           g_variant_new_string(restarts));
}
