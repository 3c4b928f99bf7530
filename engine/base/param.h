/* One schema for everything a person can set: op attributes, models, trainers, attacks, requests.
 *
 * A schema is an array of LimParamSpec ended by {0}; the values live in a plain struct that the
 * owner defines, at spec->offset. From the schema come range checks, command-line flags, --help,
 * JSON in model files, and the forms in the window. Types in the struct: LIM_INT int, LIM_REAL
 * double, LIM_BOOL bool, LIM_CHOICE int (index into choices), LIM_SEED uint64_t, LIM_TEXT
 * char[LIM_TEXT_MAX]. */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define LIM_TEXT_MAX 512

typedef enum LimParamKind {
    LIM_INT,
    LIM_REAL,
    LIM_BOOL,
    LIM_CHOICE,
    LIM_SEED,
    LIM_TEXT
} LimParamKind;

typedef struct LimParamSpec {
    const char *name;  /* "learning-rate": the flag and the JSON key */
    const char *label; /* "Learning rate": the visible label and accessible name */
    const char *help;  /* one or two sentences that teach; the tooltip */
    const char *unit;  /* "steps", "px", "" */
    LimParamKind kind;
    size_t offset;              /* into the owner's struct */
    double min, max, def;       /* hard limits, both allowed; default (CHOICE: index; BOOL: 0/1) */
    double ui_min, ui_max;      /* what a slider shows; both 0: the hard limits */
    const char *const *choices; /* LIM_CHOICE: NULL-terminated names */
    const char *def_text;       /* LIM_TEXT: default, NULL means "" */
    /* LIM_REAL: the name of a LIM_CHOICE of the schema that the default depends on, and the default
     * with each choice; `def` is the one with that choice's own default. NULL: none. */
    const char *def_by;
    const double *def_with;
} LimParamSpec;

/* One of a whole number in the struct `type`; schemas with many give it a shorter name. */
#define LIM_PARAM_INT(type, field, flag, text, teach, of, lo, hi, value)         \
    {                                                                            \
        .name = flag, .label = text, .help = teach, .unit = of, .kind = LIM_INT, \
        .offset = offsetof(type, field), .min = lo, .max = hi, .def = value      \
    }

/* Sets every value to its default. */
void lim_params_init(const LimParamSpec *spec, void *params);
/* Sets a value whose default depends on a choice to the one with that choice, as `beside` has it
 * (may be params). Nothing happens to others. */
void lim_params_follow(const LimParamSpec *spec, const LimParamSpec *one, const void *beside,
                       void *params);
/* Parses text into the named value: LIM_E_PARAM names the flag, the value and the allowed range. */
LimStatus lim_params_set(const LimParamSpec *spec, void *params, const char *name, const char *text,
                         LimError *err);
/* Every value within its hard limits and finite? */
LimStatus lim_params_check(const LimParamSpec *spec, const void *params, LimError *err);
/* Writes the value as text that lim_params_set() reads back exactly. Returns the length like
 * snprintf. */
int lim_params_get(const LimParamSpec *one, const void *params, char *out, size_t size);
const LimParamSpec *lim_params_find(const LimParamSpec *spec, const char *name); /* or NULL */

/* JSON object <-> params. Unknown keys are an error (a typo must not pass silently). json_t is
 * jansson's; the reader borrows, the writer returns a new reference. */
struct json_t;
struct json_t *lim_params_to_json(const LimParamSpec *spec, const void *params);
LimStatus lim_params_from_json(const LimParamSpec *spec, void *params, const struct json_t *object,
                               LimError *err);
