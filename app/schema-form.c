/* From a schema to rows and back. A kind of parameter is one case in each of the three switches. */
#include "schema-form.h"

#include "widgets/lim-choice-row.h"
#include "widgets/lim-flags-row.h"
#include "widgets/lim-number-row.h"
#include "widgets/lim-seed-row.h"
#include "widgets/lim-slider-row.h"
#include "widgets/lim-switch-row.h"
#include "widgets/lim-text-row.h"

#include <string.h>

static GtkWidget *
row_new(const LimParamSpec *s, const LimFormHint *hint)
{
    bool hard = s->ui_min == 0 && s->ui_max == 0;
    double min = hard ? s->min : s->ui_min, max = hard ? s->max : s->ui_max;

    switch (s->kind) {
    case LIM_INT:
        if (hint && hint->flags)
            return lim_flags_row_new(s->name, s->label, s->help, hint->flags, (int)s->def);
        if (hint && hint->texts) {
            GtkWidget *row = lim_choice_row_new(s->name, s->label, s->help, hint->texts,
                                                hint->values, (int)s->def);
            if (hint->open)
                lim_choice_row_set_range(LIM_CHOICE_ROW(row), (int)s->min, (int)s->max);
            return row;
        }
        return lim_number_row_new(s->name, s->label, s->help, s->unit, (int)s->min, (int)s->max,
                                  (int)s->def);
    case LIM_REAL:
        return lim_slider_row_new(s->name, s->label, s->help, s->unit, min, max, s->def,
                                  hint && hint->digits ? hint->digits : 2,
                                  hint ? hint->marks : NULL, hint ? hint->n_marks : 0);
    case LIM_BOOL:
        return lim_switch_row_new(s->name, s->label, s->help, s->def != 0);
    case LIM_CHOICE:
        return lim_choice_row_new(s->name, s->label, s->help,
                                  hint && hint->texts ? hint->texts : s->choices, NULL,
                                  (int)s->def);
    case LIM_SEED:
        return lim_seed_row_new(s->name, s->label, s->help, (guint64)s->def);
    case LIM_TEXT:
        return lim_text_row_new(s->name, s->label, s->help, s->def_text, LIM_TEXT_MAX - 1);
    }
    g_assert_not_reached();
}

void
lim_schema_form_fill(LimForm *form, const LimParamSpec *schema, const LimFormHint *hints,
                     int n_hints)
{
    const char *open = NULL;

    for (const LimParamSpec *s = schema; s->name; s++) {
        const LimFormHint *hint = NULL;
        for (int i = 0; i < n_hints; i++)
            if (g_str_equal(hints[i].name, s->name))
                hint = &hints[i];
        const char *group = hint ? hint->group : NULL;
        if (g_strcmp0(group, open) != 0) {
            if (open)
                lim_form_end_group(form);
            if (group)
                lim_form_begin_group(form, group);
            open = group;
        }
        LimFormRow *row = LIM_FORM_ROW(row_new(s, hint));
        if (hint && hint->beside)
            lim_form_row_set_beside(row);
        lim_form_add(form, row);
    }
    if (open)
        lim_form_end_group(form);
}

void
lim_schema_form_read(LimForm *form, const LimParamSpec *schema, void *params)
{
    for (const LimParamSpec *s = schema; s->name; s++) {
        g_autoptr(GVariant) v = lim_form_row_dup_value(lim_form_get_row(form, s->name));
        char *at = (char *)params + s->offset;

        switch (s->kind) {
        case LIM_INT:
        case LIM_CHOICE:
            *(int *)(void *)at = g_variant_get_int32(v);
            break;
        case LIM_REAL:
            *(double *)(void *)at = g_variant_get_double(v);
            break;
        case LIM_BOOL:
            *(bool *)(void *)at = g_variant_get_boolean(v);
            break;
        case LIM_SEED:
            *(uint64_t *)(void *)at = g_variant_get_uint64(v);
            break;
        case LIM_TEXT:
            g_strlcpy(at, g_variant_get_string(v, NULL), LIM_TEXT_MAX);
            break;
        }
    }
}

GVariant *
lim_schema_values(const LimParamSpec *schema, const void *params)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    for (const LimParamSpec *s = schema; s->name; s++) {
        const char *at = (const char *)params + s->offset;

        switch (s->kind) {
        case LIM_INT:
        case LIM_CHOICE:
            g_variant_dict_insert(&dict, s->name, "i", *(const int *)(const void *)at);
            break;
        case LIM_REAL:
            g_variant_dict_insert(&dict, s->name, "d", *(const double *)(const void *)at);
            break;
        case LIM_BOOL:
            g_variant_dict_insert(&dict, s->name, "b", (gboolean) * (const bool *)(const void *)at);
            break;
        case LIM_SEED:
            g_variant_dict_insert(&dict, s->name, "t", *(const uint64_t *)(const void *)at);
            break;
        case LIM_TEXT:
            g_variant_dict_insert(&dict, s->name, "s", at);
            break;
        }
    }
    return g_variant_dict_end(&dict);
}

const LimParamSpec *
lim_schema_at(const LimParamSpec *schema, size_t offset)
{
    const LimParamSpec *s = schema;

    while (s->name && s->offset != offset)
        s++;
    g_assert(s->name);
    return s;
}

static int
choice_of(const LimParamSpec *schema, const char *name, const void *params)
{
    const LimParamSpec *s = lim_params_find(schema, name);

    return *(const int *)(const void *)((const char *)params + s->offset);
}

char *
lim_schema_flags(const LimParamSpec *schema, const void *params)
{
    GString *flags = g_string_new(NULL);

    for (const LimParamSpec *s = schema; s->name; s++) {
        char text[LIM_TEXT_MAX], usual[LIM_TEXT_MAX];
        union { /* the value alone */
            double real;
            char text[LIM_TEXT_MAX];
        } value;
        LimParamSpec alone[2] = {*s};
        alone->offset = 0;
        lim_params_init(alone, &value);
        if (s->def_by)
            value.real = s->def_with[choice_of(schema, s->def_by, params)];
        lim_params_get(alone, &value, usual, sizeof usual);
        lim_params_get(s, params, text, sizeof text);
        if (g_str_equal(text, usual))
            continue;
        if (s->kind == LIM_BOOL) {
            g_string_append_printf(flags, " --%s%s", g_str_equal(text, "true") ? "" : "no-",
                                   s->name);
            continue;
        }
        /* Quoted only where a shell would read it otherwise. */
        bool plain = *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789+-_./:,@%") == strlen(text);
        g_autofree char *quoted = plain ? g_strdup(text) : g_shell_quote(text);
        g_string_append_printf(flags, " --%s %s", s->name, quoted);
    }
    return g_string_free(flags, FALSE);
}
