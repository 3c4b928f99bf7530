/* What the schema of a request leaves open: which choices, which marks, and in which words. */
#include "panes/generate/form.h"

#include "schema-form.h"
#include "widgets/lim-choice-row.h"

#define NAME(field) lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, field))->name
#define LOOK(field) lim_schema_at(lim_look_schema, offsetof(LimLook, field))->name

LimFormRow *
lim_generate_form_row(LimForm *form, size_t offset)
{
    return lim_form_get_row(form, lim_schema_at(lim_sample_schema, offset)->name);
}

const char *
lim_generate_class_title(LimModel *model, int label)
{
    return label < 0 ? "All classes" : lim_generator_class_name(lim_model_generator(model), label);
}

char *
lim_generate_dup_title(LimModel *model, const LimSampleRequest *r)
{
    const char *class = lim_generate_class_title(model, r->label);

    if (r->blend_label < 0 || r->blend <= 0)
        return g_strdup(class);
    return g_strdup_printf("%s with %.0f %% %s", class, 100 * r->blend,
                           lim_generate_class_title(model, r->blend_label));
}

char *
lim_generate_dup_subtitle(const LimSampleRequest *r)
{
    GString *text = g_string_new(NULL);
    gboolean slots = FALSE;

    g_string_printf(text, "truncation threshold %.2f", r->threshold);
    for (int k = 0; k < LIM_SLOTS; k++)
        slots |= r->slot_threshold[k] > 0;
    for (int k = 0; k < LIM_SLOTS && slots; k++)
        g_string_append_printf(text, "%s%.1f%s", k ? ", " : " (layers ", lim_sample_threshold(r, k),
                               k == LIM_SLOTS - 1 ? ")" : "");
    g_string_append_printf(text, ", seed %" G_GUINT64_FORMAT, r->seed);
    if (r->walk_x != 0 || r->walk_y != 0)
        g_string_append_printf(text, ", walk %.1f, %.1f", r->walk_x, r->walk_y);
    if (r->mix_slots)
        g_string_append_printf(text, ", mixed with seed %" G_GUINT64_FORMAT, r->mix_seed);
    return g_string_free(text, FALSE);
}

void
lim_generate_form_set_model(LimForm *form, LimModel *model)
{
    int n = lim_generator_classes(lim_model_generator(model));
    g_autofree const char **texts = g_new0(const char *, n + 2);
    g_autofree int *values = g_new(int, n + 1);

    for (int i = -1; i < n; i++) {
        texts[i + 1] = lim_generate_class_title(model, i);
        values[i + 1] = i;
    }
    lim_choice_row_set_choices(LIM_CHOICE_ROW(
                                   lim_generate_form_row(form, offsetof(LimSampleRequest, label))),
                               texts, values);
    /* Where only the first layer sees the latent there is nothing to choose per layer. */
    gboolean slots = lim_generator_slots(lim_model_generator(model)) > 1;
    for (int k = 0; k < LIM_SLOTS; k++)
        lim_form_row_set_enabled(lim_generate_form_row(form, offsetof(LimSampleRequest,
                                                                      slot_threshold[k])),
                                 slots || k == 0);
    texts[0] = "No other class";
    lim_choice_row_set_choices(LIM_CHOICE_ROW(lim_generate_form_row(form, offsetof(LimSampleRequest,
                                                                                   blend_label))),
                               texts, values);
}

LimForm *
lim_generate_form_new(void)
{
    static const char *const counts[] = {"1", "4", "9", "16", "25", "36", "64", NULL};
    static const int count_values[] = {1, 4, 9, 16, 25, 36, 64};
    static const char *const all[] = {"All classes", NULL};
    static const int all_values[] = {-1};
    static const double marks[] = {0.04, 0.5, 1, 2};
    static const char *const truncations[] = {"Continuous (inverse CDF)", "Redraw (as published)",
                                              "Scale", NULL};
    static const char *const slots[] = {"4×4", "8×8", "16×16", "32×32", NULL};
    static const char *const none[] = {"No other class", NULL};
    static const char blend[] = "Class blend", walk[] = "Latent walk", layers[] = "Layers";
    static const char *const senses[] = {"Where it looks", "Who looks at it", NULL};
    const LimFormHint hints[] = {
        {.name = NAME(label), .texts = all, .values = all_values},
        {.name = NAME(count),
         .texts = counts,
         .values = count_values,
         .open = true,
         .beside = true},
        {.name = NAME(threshold), .marks = marks, .n_marks = G_N_ELEMENTS(marks)},
        {.name = NAME(truncation), .texts = truncations},
        {.name = NAME(blend_label), .texts = none, .values = all_values, .group = blend},
        {.name = NAME(blend), .group = blend},
        {.name = NAME(walk_x), .group = walk},
        {.name = NAME(walk_y), .group = walk},
        {.name = NAME(slot_threshold[0]), .digits = 1, .group = layers},
        {.name = NAME(slot_threshold[1]), .digits = 1, .group = layers},
        {.name = NAME(slot_threshold[2]), .digits = 1, .group = layers},
        {.name = NAME(slot_threshold[3]), .digits = 1, .group = layers},
        {.name = NAME(mix_seed), .group = layers},
        {.name = NAME(mix_slots), .flags = slots, .group = layers},
    };
    const LimFormHint looks[] = {{.name = LOOK(sense), .texts = senses, .beside = true}};
    LimForm *form = LIM_FORM(lim_form_new());

    lim_schema_form_fill(form, lim_sample_schema, hints, G_N_ELEMENTS(hints));
    lim_schema_form_fill(form, lim_look_schema, looks, G_N_ELEMENTS(looks));
    return form;
}
