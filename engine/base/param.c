/* Values described by a schema: defaults, texts, JSON.
 *
 * Every way in (text, JSON) first becomes a Value, is checked against the spec by one function, and
 * only then stored; so a refused value changes nothing. Numbers are read and written in the C
 * locale, whatever the program's is: a file or command line must mean the same everywhere. */
#include "base/param.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest integer below which every JSON reader keeps integers exact. */
#define JSON_EXACT (UINT64_C(1) << 53)

typedef struct Value {
    double real;
    int64_t integer; /* LIM_INT, LIM_CHOICE, LIM_BOOL */
    uint64_t seed;
    const char *text; /* borrowed */
} Value;

static locale_t c_locale;

static void
make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    LIM_ASSERT(c_locale != (locale_t)0);
}

static locale_t
get_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

/* The shortest of %.15g, %.16g, %.17g that reads back as x. */
static int
real_text(double x, char *out, size_t size)
{
    locale_t c = get_c_locale(), old = uselocale(c);
    char buf[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, x);
        if (strtod(buf, NULL) == x)
            break;
    }
    uselocale(old);
    return snprintf(out, size, "%s", buf);
}

/* The whole of text is one decimal number; nothing before or behind, no hex, NaN or Inf. */
static bool
read_real(const char *text, double *x)
{
    if (!*text || text[strspn(text, "0123456789+-.eE")])
        return false;
    char *end;
    *x = strtod_l(text, &end, get_c_locale());
    return end != text && !*end; /* check() refuses an overflow */
}

static bool
read_digits(const char *text, uint64_t *x)
{
    if (!*text || text[strspn(text, "0123456789")])
        return false;
    errno = 0;
    *x = strtoull(text, NULL, 10);
    return errno == 0;
}

static bool
read_integer(const char *text, int64_t *x)
{
    bool minus = text[0] == '-';
    uint64_t magnitude;
    if (!read_digits(text + (minus || text[0] == '+'), &magnitude) || magnitude > INT64_MAX)
        return false;
    *x = minus ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool
read_bool(const char *text, int64_t *x)
{
    static const char *const names[][2] = {{"false", "true"},
                                           {"no", "yes"},
                                           {"off", "on"},
                                           {"0", "1"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int k = 0; k < 2; k++)
            if (strcmp(text, names[i][k]) == 0) {
                *x = k;
                return true;
            }
    return false;
}

static int64_t
find_choice(const LimParamSpec *s, const char *text)
{
    for (int i = 0; s->choices[i]; i++)
        if (strcmp(text, s->choices[i]) == 0)
            return i;
    return -1;
}

static int
count_choices(const LimParamSpec *s)
{
    int n = 0;
    while (s->choices[n])
        n++;
    return n;
}

/* "0 to 1", "0 to 16 px", "hinge, wasserstein", "true or false", ... */
static const char *
allowed_text(const LimParamSpec *s, char *out, size_t size)
{
    char lo[40], hi[40];
    size_t used = 0;
    out[0] = 0;
    switch (s->kind) {
    case LIM_INT:
    case LIM_REAL:
        real_text(s->min, lo, sizeof lo);
        real_text(s->max, hi, sizeof hi);
        snprintf(out, size, "%s to %s%s%s", lo, hi, s->unit && *s->unit ? " " : "",
                 s->unit ? s->unit : "");
        break;
    case LIM_BOOL:
        snprintf(out, size, "true or false");
        break;
    case LIM_CHOICE:
        for (int i = 0; s->choices[i] && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", s->choices[i]);
        break;
    case LIM_SEED:
        snprintf(out, size, "0 to %" PRIu64, UINT64_MAX);
        break;
    case LIM_TEXT:
        snprintf(out, size, "UTF-8 text of at most %d bytes", LIM_TEXT_MAX - 1);
        break;
    }
    return out;
}

/* `what` is the value as it was given; a long one is cut. */
static LimStatus
refuse(const LimParamSpec *s, const char *what, const char *problem, LimError *err)
{
    char allowed[240];
    return lim_fail(err, LIM_E_PARAM, "--%s: %.60s%s %s %s", s->name, *what ? what : "\"\"",
                    strlen(what) > 60 ? "..." : "", problem,
                    allowed_text(s, allowed, sizeof allowed));
}

static bool
text_valid(const char *text)
{
    if (strnlen(text, LIM_TEXT_MAX) == LIM_TEXT_MAX)
        return false;
    json_t *utf8 = json_string(text); /* NULL when it is not UTF-8 */
    json_decref(utf8);
    return utf8 != NULL;
}

/* Is the value inside what the spec allows? */
static LimStatus
check(const LimParamSpec *s, const Value *v, LimError *err)
{
    char buf[40];
    switch (s->kind) {
    case LIM_INT:
        if ((double)v->integer < s->min || (double)v->integer > s->max || v->integer < INT_MIN ||
            v->integer > INT_MAX) {
            snprintf(buf, sizeof buf, "%" PRId64, v->integer);
            return refuse(s, buf, "is outside", err);
        }
        return LIM_OK;
    case LIM_REAL:
        if (!(v->real >= s->min && v->real <= s->max) || !isfinite(v->real)) {
            real_text(v->real, buf, sizeof buf);
            return refuse(s, buf, "is outside", err);
        }
        return LIM_OK;
    case LIM_BOOL:
        if (v->integer < 0 || v->integer > 1) {
            snprintf(buf, sizeof buf, "%" PRId64, v->integer);
            return refuse(s, buf, "is not", err);
        }
        return LIM_OK;
    case LIM_CHOICE:
        if (v->integer < 0 || v->integer >= count_choices(s)) {
            snprintf(buf, sizeof buf, "%" PRId64, v->integer);
            return refuse(s, buf, "is not one of", err);
        }
        return LIM_OK;
    case LIM_SEED:
        return LIM_OK;
    case LIM_TEXT:
        return text_valid(v->text) ? LIM_OK : refuse(s, v->text, "is not", err);
    }
    return LIM_OK;
}

static void
store(const LimParamSpec *s, void *params, const Value *v)
{
    char *at = (char *)params + s->offset;
    switch (s->kind) {
    case LIM_INT:
    case LIM_CHOICE:
        *(int *)(void *)at = (int)v->integer;
        return;
    case LIM_REAL:
        *(double *)(void *)at = v->real;
        return;
    case LIM_BOOL:
        *(bool *)at = v->integer != 0;
        return;
    case LIM_SEED:
        *(uint64_t *)(void *)at = v->seed;
        return;
    case LIM_TEXT:
        if (v->text != at)
            snprintf(at, LIM_TEXT_MAX, "%s", v->text);
        return;
    }
}

static Value
load(const LimParamSpec *s, const void *params)
{
    const char *at = (const char *)params + s->offset;
    Value v = {0};
    switch (s->kind) {
    case LIM_INT:
    case LIM_CHOICE:
        v.integer = *(const int *)(const void *)at;
        break;
    case LIM_REAL:
        v.real = *(const double *)(const void *)at;
        break;
    case LIM_BOOL:
        v.integer = *(const unsigned char *)at; /* a bool that holds 2 must not be read as one */
        break;
    case LIM_SEED:
        v.seed = *(const uint64_t *)(const void *)at;
        break;
    case LIM_TEXT:
        v.text = at;
        break;
    }
    return v;
}

void
lim_params_init(const LimParamSpec *spec, void *params)
{
    for (const LimParamSpec *s = spec; s->name; s++) {
        Value v = {.real = s->def,
                   .integer = (int64_t)s->def,
                   .seed = s->kind == LIM_SEED ? (uint64_t)s->def : 0,
                   .text = s->def_text ? s->def_text : ""};
        LIM_ASSERT(check(s, &v, NULL) == LIM_OK);
        store(s, params, &v);
    }
}

const LimParamSpec *
lim_params_find(const LimParamSpec *spec, const char *name)
{
    for (const LimParamSpec *s = spec; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

static LimStatus
unknown(const LimParamSpec *spec, const char *name, LimError *err)
{
    char known[240] = "";
    size_t used = 0;
    for (const LimParamSpec *s = spec; s->name && used < sizeof known; s++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s--%s", s == spec ? "" : ", ",
                                 s->name);
    return lim_fail(err, LIM_E_PARAM, "--%.60s is unknown; there is %s", name,
                    *known ? known : "nothing to set");
}

static LimStatus
parse(const LimParamSpec *s, const char *text, Value *v, LimError *err)
{
    *v = (Value){0};
    switch (s->kind) {
    case LIM_INT:
        if (!read_integer(text, &v->integer))
            return refuse(s, text, "is not a whole number within", err);
        break;
    case LIM_REAL:
        if (!read_real(text, &v->real))
            return refuse(s, text, "is not a number within", err);
        break;
    case LIM_BOOL:
        if (!read_bool(text, &v->integer))
            return refuse(s, text, "is not", err);
        break;
    case LIM_CHOICE:
        v->integer = find_choice(s, text);
        if (v->integer < 0)
            return refuse(s, text, "is not one of", err);
        break;
    case LIM_SEED:
        if (!read_digits(text, &v->seed))
            return refuse(s, text, "is not a whole number within", err);
        break;
    case LIM_TEXT:
        v->text = text;
        break;
    }
    return check(s, v, err);
}

void
lim_params_follow(const LimParamSpec *spec, const LimParamSpec *one, const void *beside,
                  void *params)
{
    if (!one->def_by)
        return;
    const LimParamSpec *by = lim_params_find(spec, one->def_by);
    LIM_ASSERT(by && by->kind == LIM_CHOICE && one->kind == LIM_REAL);
    const Value choice = load(by, beside), v = {.real = one->def_with[choice.integer], .text = ""};
    LIM_ASSERT(check(one, &v, NULL) == LIM_OK);
    store(one, params, &v);
}

LimStatus
lim_params_set(const LimParamSpec *spec, void *params, const char *name, const char *text,
               LimError *err)
{
    const LimParamSpec *s = lim_params_find(spec, name);
    if (!s)
        return unknown(spec, name, err);
    Value v;
    LimStatus status = parse(s, text, &v, err);
    if (status == LIM_OK)
        store(s, params, &v);
    return status;
}

LimStatus
lim_params_check(const LimParamSpec *spec, const void *params, LimError *err)
{
    for (const LimParamSpec *s = spec; s->name; s++) {
        Value v = load(s, params);
        LimStatus status = check(s, &v, err);
        if (status != LIM_OK)
            return status;
    }
    return LIM_OK;
}

int
lim_params_get(const LimParamSpec *one, const void *params, char *out, size_t size)
{
    Value v = load(one, params);
    switch (one->kind) {
    case LIM_INT:
        return snprintf(out, size, "%" PRId64, v.integer);
    case LIM_REAL:
        return real_text(v.real, out, size);
    case LIM_BOOL:
        return snprintf(out, size, "%s", v.integer ? "true" : "false");
    case LIM_CHOICE:
        LIM_ASSERT(v.integer >= 0 && v.integer < count_choices(one));
        return snprintf(out, size, "%s", one->choices[v.integer]);
    case LIM_SEED:
        return snprintf(out, size, "%" PRIu64, v.seed);
    case LIM_TEXT:
        return snprintf(out, size, "%s", v.text);
    }
    return 0;
}

static json_t *
value_to_json(const LimParamSpec *s, const void *params)
{
    Value v = load(s, params);
    char buf[LIM_TEXT_MAX];
    switch (s->kind) {
    case LIM_INT:
        return json_integer(v.integer);
    case LIM_REAL:
        return json_real(v.real);
    case LIM_BOOL:
        return json_boolean(v.integer);
    case LIM_SEED:
        if (v.seed <= JSON_EXACT)
            return json_integer((json_int_t)v.seed);
        break;
    case LIM_CHOICE:
    case LIM_TEXT:
        break;
    }
    lim_params_get(s, params, buf, sizeof buf);
    return json_string(buf);
}

struct json_t *
lim_params_to_json(const LimParamSpec *spec, const void *params)
{
    json_t *object = json_object();
    for (const LimParamSpec *s = spec; s->name; s++) {
        /* NULL only for what lim_params_check() refuses: NaN, text that is not UTF-8. */
        int failed = json_object_set_new(object, s->name, value_to_json(s, params));
        LIM_ASSERT(!failed);
    }
    return object;
}

/* Each kind takes one JSON type; a seed also the text form that large ones are written in. */
static LimStatus
value_from_json(const LimParamSpec *s, const json_t *j, Value *v, LimError *err)
{
    *v = (Value){0};
    bool fits = false;
    switch (s->kind) {
    case LIM_INT:
        fits = json_is_integer(j);
        v->integer = json_integer_value(j);
        break;
    case LIM_REAL:
        fits = json_is_number(j);
        v->real = json_number_value(j);
        break;
    case LIM_BOOL:
        fits = json_is_boolean(j);
        v->integer = json_is_true(j);
        break;
    case LIM_SEED:
        if (json_is_integer(j)) {
            fits = json_integer_value(j) >= 0;
            v->seed = (uint64_t)json_integer_value(j);
            break;
        }
        fits = json_is_string(j);
        break;
    case LIM_CHOICE:
    case LIM_TEXT:
        fits = json_is_string(j);
        break;
    }
    if (fits && json_is_string(j)) {
        const char *text = json_string_value(j);
        fits = strlen(text) == json_string_length(j);
        if (fits)
            return parse(s, text, v, err);
    }
    if (fits)
        return check(s, v, err);
    char *dump = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
    LimStatus status = refuse(s, dump ? dump : "?", "in JSON is not", err);
    free(dump);
    return status;
}

LimStatus
lim_params_from_json(const LimParamSpec *spec, void *params, const struct json_t *object,
                     LimError *err)
{
    if (!json_is_object(object))
        return lim_fail(err, LIM_E_PARAM, "the settings are not a JSON object ({...})");
    /* Twice over the keys: nothing is stored unless everything is right. jansson's iterators take
     * a mutable object, but do not change it. */
    for (int pass = 0; pass < 2; pass++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
            const LimParamSpec *s = lim_params_find(spec, key);
            if (!s)
                return unknown(spec, key, err);
            Value v;
            LimStatus status = value_from_json(s, value, &v, err);
            if (status != LIM_OK)
                return status;
            if (pass == 1)
                store(s, params, &v);
        }
    }
    return LIM_OK;
}
