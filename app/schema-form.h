/* Parameter schemas as forms: one row per LimParamSpec. The only place where the two meet. */
#pragma once

#include "base/param.h"
#include "widgets/lim-form.h"

/* What a schema cannot know. */
typedef struct LimFormHint {
    const char *name;         /* of the spec */
    const char *const *flags; /* LIM_INT: its bits by name, NULL-terminated */
    const char *const *texts; /* LIM_INT: offer only these, NULL-terminated ... */
    const int *values;        /* ... with these values. LIM_CHOICE: shown in place of the choices */
    bool open;                /* others join them once a file asks for them */
    const double *marks;      /* LIM_REAL: values to mark on the slider */
    int n_marks;
    bool beside; /* a small control: right of the label */
    int digits;  /* LIM_REAL: decimals that the slider rounds to; 0: 2 */
    /* Neighbours with the same group stand together below a line with this title. */
    const char *group;
} LimFormHint;

/* A row for every spec, in order. hints: n_hints of them, in any order; may be NULL. */
void lim_schema_form_fill(LimForm *form, const LimParamSpec *schema, const LimFormHint *hints,
                          int n_hints);
/* Values of the form -> params (the struct that belongs to the schema). */
void lim_schema_form_read(LimForm *form, const LimParamSpec *schema, void *params);
/* params -> a{sv} for lim_form_set_values(); floating. */
GVariant *lim_schema_values(const LimParamSpec *schema, const void *params);
/* The spec whose value lies at this offset of the params struct; aborts when there is none. */
const LimParamSpec *lim_schema_at(const LimParamSpec *schema, size_t offset);
/* " --name value" for every value that is not the default (of a switch " --name" or " --no-name"),
 * quoted for a shell; g_free(). */
char *lim_schema_flags(const LimParamSpec *schema, const void *params);
