/* Parameter schemas: what is accepted, what is refused, and that a refused value changes nothing.
 */
#include "base/param.h"

#include "base/rng.h"

#include <glib.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Demo {
    int steps;
    double rate, radius;
    bool live;
    int loss;
    uint64_t seed;
    char note[LIM_TEXT_MAX];
    int guard;
} Demo;

static const char *const losses[] = {"hinge", "wasserstein", "least-squares", NULL};

static const LimParamSpec schema[] = {
    {"steps", "Steps", "How many.", "steps", LIM_INT, offsetof(Demo, steps), 1, 5000, 100, 1, 500,
     NULL, NULL},
    {"learning-rate", "Learning rate", "How far.", "", LIM_REAL, offsetof(Demo, rate), 0, 1, 0.1, 0,
     0, NULL, NULL},
    {"radius", "Radius", "How wide.", "px", LIM_REAL, offsetof(Demo, radius), -1e300, 1e300, -2.5,
     0, 8, NULL, NULL},
    {"live", "Live", "While dragging.", NULL, LIM_BOOL, offsetof(Demo, live), 0, 1, 1, 0, 0, NULL,
     NULL},
    {"loss", "Loss", "Which.", "", LIM_CHOICE, offsetof(Demo, loss), 0, 0, 1, 0, 0, losses, NULL},
    {"seed", "Seed", "Start of all random numbers.", "", LIM_SEED, offsetof(Demo, seed), 0, 0, 7, 0,
     0, NULL, NULL},
    {"note", "Note", "For you.", "", LIM_TEXT, offsetof(Demo, note), 0, 0, 0, 0, 0, NULL, "none"},
    {0},
};

static Demo
defaults(void)
{
    Demo d;
    memset(&d, 0, sizeof d);
    d.guard = 12345;
    lim_params_init(schema, &d);
    return d;
}

static void
test_init(void)
{
    Demo d = defaults();
    g_assert_cmpint(d.steps, ==, 100);
    g_assert_cmpfloat(d.rate, ==, 0.1);
    g_assert_cmpfloat(d.radius, ==, -2.5);
    g_assert_true(d.live);
    g_assert_cmpint(d.loss, ==, 1);
    g_assert_cmpuint(d.seed, ==, 7);
    g_assert_cmpstr(d.note, ==, "none");
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_OK);
    g_assert_true(lim_params_find(schema, "loss") == &schema[4]);
    g_assert_null(lim_params_find(schema, "los"));
}

/* A default that depends on a choice. */
static void
test_follow(void)
{
    typedef struct {
        int norm;
        double bound, other;
    } Ball;
    static const char *const norms[] = {"l2", "linf", NULL};
    static const double bounds[] = {2, 0.25};
    static const LimParamSpec ball[] = {
        {.name = "norm",
         .kind = LIM_CHOICE,
         .offset = offsetof(Ball, norm),
         .max = 1,
         .def = 1,
         .choices = norms},
        {.name = "bound",
         .kind = LIM_REAL,
         .offset = offsetof(Ball, bound),
         .max = 4,
         .def = 0.25,
         .def_by = "norm",
         .def_with = bounds},
        {.name = "other", .kind = LIM_REAL, .offset = offsetof(Ball, other), .max = 4, .def = 3},
        {0}};
    Ball b, l2;
    lim_params_init(ball, &b);
    lim_params_init(ball, &l2);
    g_assert_cmpfloat(b.bound, ==, 0.25);
    l2.norm = 0;
    b.other = 1;
    for (int i = 0; i < 3; i++)
        lim_params_follow(ball, &ball[i], &l2, &b);
    g_assert_cmpint(b.norm, ==, 1);
    g_assert_cmpfloat(b.bound, ==, 2);
    g_assert_cmpfloat(b.other, ==, 1);
    lim_params_follow(ball, &ball[1], &b, &b);
    g_assert_cmpfloat(b.bound, ==, 0.25);
}

static void
test_accepts(void)
{
    static const struct {
        const char *name, *text, *back;
    } cases[] = {
        {"steps", "1", "1"},
        {"steps", "5000", "5000"},
        {"steps", "+12", "12"},
        {"learning-rate", "0", "0"},
        {"learning-rate", "1", "1"},
        {"learning-rate", "2e-4", "0.0002"},
        {"learning-rate", ".5", "0.5"},
        {"learning-rate", "0.30000000000000004", "0.30000000000000004"},
        {"radius", "-1e300", "-1e+300"},
        {"live", "false", "false"},
        {"live", "yes", "true"},
        {"live", "off", "false"},
        {"live", "1", "true"},
        {"loss", "least-squares", "least-squares"},
        {"seed", "18446744073709551615", "18446744073709551615"},
        {"seed", "0", "0"},
        {"note", "", ""},
        {"note", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Demo d = defaults();
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_params_set(schema, &d, cases[i].name, cases[i].text, &err), ==, LIM_OK);
        char out[LIM_TEXT_MAX];
        const LimParamSpec *one = lim_params_find(schema, cases[i].name);
        g_assert_cmpint(lim_params_get(one, &d, out, sizeof out), ==, strlen(cases[i].back));
        g_assert_cmpstr(out, ==, cases[i].back);
        g_assert_cmpint(d.guard, ==, 12345);
    }
}

static void
test_refuses(void)
{
    static const struct {
        const char *name, *text, *message; /* NULL: only that it is refused */
    } cases[] = {
        {"learning-rate", "3", "--learning-rate: 3 is outside 0 to 1"},
        {"learning-rate", "-0.001", "--learning-rate: -0.001 is outside 0 to 1"},
        {"learning-rate", "fast", "--learning-rate: fast is not a number within 0 to 1"},
        {"learning-rate", "", "--learning-rate: \"\" is not a number within 0 to 1"},
        {"learning-rate", "nan", NULL},
        {"learning-rate", "inf", NULL},
        {"learning-rate", "0x1p-1", NULL},
        {"learning-rate", " 0.5", NULL},
        {"learning-rate", "0.5 ", NULL},
        {"learning-rate", "0,5", NULL},
        {"learning-rate", "0.5.1", NULL},
        {"learning-rate", "-", NULL},
        {"learning-rate", "1e", NULL},
        {"radius", "1e999", NULL},
        {"radius", "2e300", "--radius: 2e+300 is outside -1e+300 to 1e+300 px"},
        {"steps", "0", "--steps: 0 is outside 1 to 5000 steps"},
        {"steps", "5001", NULL},
        {"steps", "1.5", "--steps: 1.5 is not a whole number within 1 to 5000 steps"},
        {"steps", "1e2", NULL},
        {"steps", "99999999999999999999999", NULL},
        {"steps", "4294967297", "--steps: 4294967297 is outside 1 to 5000 steps"},
        {"steps", "--5", NULL},
        {"steps", " 5", NULL},
        {"live", "maybe", "--live: maybe is not true or false"},
        {"live", "True", NULL},
        {"loss", "hing", "--loss: hing is not one of hinge, wasserstein, least-squares"},
        {"loss", "", NULL},
        {"loss", "0", NULL},
        {"seed", "-1", "--seed: -1 is not a whole number within 0 to 18446744073709551615"},
        {"seed", "18446744073709551616", NULL},
        {"seed", "+1", NULL},
        {"note", "\xff", "--note: ? is not UTF-8 text of at most 511 bytes"},
        {"nosuch", "1",
         "--nosuch is unknown; there is --steps, --learning-rate, --radius, --live, --loss, "
         "--seed, "
         "--note"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Demo d = defaults(), before = d;
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_params_set(schema, &d, cases[i].name, cases[i].text, &err), ==,
                        LIM_E_PARAM);
        if (cases[i].message)
            g_assert_cmpstr(err.text, ==, cases[i].message);
        g_assert_cmpmem(&d, sizeof d, &before, sizeof before);
    }
    /* Limits wider than the type. */
    static const LimParamSpec wide[] = {{"n", "N", "", "", LIM_INT, 0, -1e12, 1e12, 5, 0, 0, NULL,
                                         NULL},
                                        {0}};
    int n = 5;
    g_assert_cmpint(lim_params_set(wide, &n, "n", "4294967297", NULL), ==, LIM_E_PARAM);
    g_assert_cmpint(lim_params_set(wide, &n, "n", "-2147483649", NULL), ==, LIM_E_PARAM);
    g_assert_cmpint(n, ==, 5);
    g_assert_cmpint(lim_params_set(wide, &n, "n", "-2147483648", NULL), ==, LIM_OK);
    g_assert_cmpint(n, ==, INT32_MIN);

    /* The longest text that fits, and one more. */
    Demo d = defaults();
    char text[LIM_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    text[LIM_TEXT_MAX] = 0;
    g_assert_cmpint(lim_params_set(schema, &d, "note", text, NULL), ==, LIM_E_PARAM);
    g_assert_cmpstr(d.note, ==, "none");
    text[LIM_TEXT_MAX - 1] = 0;
    g_assert_cmpint(lim_params_set(schema, &d, "note", text, NULL), ==, LIM_OK);
    g_assert_cmpstr(d.note, ==, text);
    g_assert_cmpint(d.guard, ==, 12345);
}

static void
test_check(void)
{
    LimError err = LIM_ERROR_INIT;
    Demo d = defaults();
    d.rate = (double)NAN;
    g_assert_cmpint(lim_params_check(schema, &d, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "--learning-rate"));
    d = defaults();
    d.radius = (double)INFINITY;
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d = defaults();
    d.steps = 0;
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d = defaults();
    d.loss = 3;
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d.loss = -1;
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d = defaults();
    memset(&d.live, 2, 1);
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d = defaults();
    memset(d.note, 'x', sizeof d.note);
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
    d = defaults();
    d.note[0] = '\xff';
    g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_E_PARAM);
}

static LimStatus
from_json(Demo *d, const char *text, LimError *err)
{
    json_t *object = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    g_assert_nonnull(object);
    LimStatus status = lim_params_from_json(schema, d, object, err);
    json_decref(object);
    return status;
}

static void
test_json(void)
{
    Demo d = defaults();
    g_assert_cmpint(from_json(&d,
                              "{\"steps\": 3, \"learning-rate\": 1, \"live\": false, "
                              "\"loss\": \"hinge\", \"seed\": \"18446744073709551615\"}",
                              NULL),
                    ==, LIM_OK);
    g_assert_cmpint(d.steps, ==, 3);
    g_assert_cmpfloat(d.rate, ==, 1);
    g_assert_false(d.live);
    g_assert_cmpint(d.loss, ==, 0);
    g_assert_cmpuint(d.seed, ==, UINT64_MAX);
    g_assert_cmpstr(d.note, ==, "none"); /* what is not there stays */

    static const struct {
        const char *json, *message;
    } bad[] = {
        {"{\"stepz\": 3}", "--stepz is unknown; there is --steps, *"},
        {"{\"steps\": 0}", "--steps: 0 is outside 1 to 5000 steps"},
        {"{\"steps\": 2.5}", "--steps: 2.5 in JSON is not 1 to 5000 steps"},
        {"{\"steps\": \"3\"}", "*"},
        {"{\"steps\": 9223372036854775807}", "*"},
        {"{\"learning-rate\": \"0.5\"}", "*"},
        {"{\"learning-rate\": null}", "*"},
        {"{\"live\": 1}", "*"},
        {"{\"loss\": 1}", "--loss: 1 in JSON is not hinge, wasserstein, least-squares"},
        {"{\"loss\": \"hing\"}", "*"},
        {"{\"seed\": -1}", "*"},
        {"{\"seed\": 1.0}", "*"},
        {"{\"seed\": \"1x\"}", "*"},
        {"{\"note\": \"a\\u0000b\"}", "*"},
        {"{\"note\": [1, 2]}", "--note: [1,2] in JSON is not *"},
        {"[]", "the settings are not a JSON object ({...})"},
        {"7", "*"},
        /* One right value and one wrong: neither is stored. */
        {"{\"steps\": 3, \"learning-rate\": 2}", "--learning-rate: 2 is outside 0 to 1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Demo e = defaults(), before = e;
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(from_json(&e, bad[i].json, &err), ==, LIM_E_PARAM);
        if (!g_pattern_match_simple(bad[i].message, err.text))
            g_assert_cmpstr(err.text, ==, bad[i].message);
        g_assert_cmpmem(&e, sizeof e, &before, sizeof before);
    }
    g_assert_cmpint(lim_params_from_json(schema, &d, NULL, NULL), ==, LIM_E_PARAM);
}

/* Any values within the limits, in order of `draw`. */
static void
randomise(Demo *d, uint64_t draw)
{
    uint64_t w[8];
    for (uint64_t k = 0; k < 8; k++)
        w[k] = lim_rng_u64(1, LIM_STREAM_TEST, draw * 8 + k);
    d->steps = 1 + (int)(w[0] % 5000);
    d->rate = (double)(w[1] >> 11) * 0x1p-53;
    if (draw % 7 == 0)
        d->rate = ldexp(d->rate, -(int)(draw % 1100)); /* small, denormal, zero */
    do
        memcpy(&d->radius, &w[2], sizeof d->radius);
    while (!(fabs(d->radius) <= 1e300) && (w[2] = w[2] * 3 + 1));
    d->live = w[3] & 1;
    d->loss = (int)(w[4] % 3);
    d->seed = w[5] >> (w[6] % 64);
    size_t used = 0, want = w[7] % (draw % 10 ? 20 : LIM_TEXT_MAX - 6);
    for (uint64_t k = 0; used < want; k++) {
        gunichar c = lim_rng_below(2, LIM_STREAM_TEST, draw * 1000 + k, k % 3 ? 0x80 : 0x110000);
        if (c > 0 && g_unichar_validate(c))
            used += (size_t)g_unichar_to_utf8(c, d->note + used);
    }
    memset(d->note + used, 0, sizeof d->note - used);
}

/* Writing and reading back is the identity, through texts and through JSON, for any values. */
static void
test_round_trips(void)
{
    for (uint64_t draw = 0; draw < 2000; draw++) {
        Demo d = defaults(), texts = defaults(), json = defaults();
        randomise(&d, draw);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_params_check(schema, &d, &err), ==, LIM_OK);
        for (const LimParamSpec *s = schema; s->name; s++) {
            char text[LIM_TEXT_MAX];
            g_assert_cmpint(lim_params_get(s, &d, text, sizeof text), <, LIM_TEXT_MAX);
            g_assert_cmpint(lim_params_set(schema, &texts, s->name, text, &err), ==, LIM_OK);
        }
        json_t *object = lim_params_to_json(schema, &d);
        char *dump = json_dumps(object, 0);
        json_decref(object);
        g_assert_cmpint(from_json(&json, dump, &err), ==, LIM_OK);
        free(dump);
        const Demo *back[] = {&texts, &json};
        for (int k = 0; k < 2; k++) {
            g_assert_cmpint(back[k]->steps, ==, d.steps);
            g_assert_cmpfloat(back[k]->rate, ==, d.rate);
            g_assert_cmpfloat(back[k]->radius, ==, d.radius);
            g_assert_cmpint(back[k]->live, ==, d.live);
            g_assert_cmpint(back[k]->loss, ==, d.loss);
            g_assert_cmpuint(back[k]->seed, ==, d.seed);
            g_assert_cmpstr(back[k]->note, ==, d.note);
            g_assert_cmpint(back[k]->guard, ==, 12345);
        }
    }
}

static const char alphabet[] = "0123456789+-.eExXnaifNI ,_truefalsyo\"\\{}[]:\t\n\xc3\xa4\xff";

/* Arbitrary text, mostly near-numbers: accepted or refused with a sentence; what is accepted is
 * within its limits and survives a round trip; what is refused changes nothing. */
static void
test_any_text(void)
{
    int accepted = 0;
    for (uint64_t draw = 0; draw < 40000; draw++) {
        char text[24], back[LIM_TEXT_MAX];
        size_t n = lim_rng_below(3, 1, draw, sizeof text);
        for (size_t i = 0; i < n; i++) {
            uint32_t below =
                draw % 2 ? sizeof alphabet - 1 : 14; /* every second: only digits, + - . e */
            text[i] = alphabet[lim_rng_below(3, 2, draw * 100 + i, below)];
        }
        text[n] = 0;
        const LimParamSpec *s = &schema[draw / 2 % 7];
        Demo d = defaults(), before = d, again = d;
        LimError err = LIM_ERROR_INIT;
        if (lim_params_set(schema, &d, s->name, text, &err) == LIM_OK) {
            accepted++;
            g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_OK);
            lim_params_get(s, &d, back, sizeof back);
            g_assert_cmpint(lim_params_set(schema, &again, s->name, back, NULL), ==, LIM_OK);
            before = d;
            g_assert_cmpmem((char *)&again + s->offset, 1, (char *)&before + s->offset, 1);
            if (s->kind == LIM_REAL)
                g_assert_cmpfloat(g_ascii_strtod(text, NULL), ==,
                                  *(double *)(void *)((char *)&d + s->offset));
            if (s->kind == LIM_INT || s->kind == LIM_SEED)
                g_assert_cmpuint(strspn(text, "+0123456789"), ==, n);
        } else {
            g_assert_cmpint(err.code, ==, LIM_E_PARAM);
            g_assert_true(g_str_has_prefix(err.text, "--"));
            g_assert_nonnull(strstr(err.text, s->name));
            g_assert_true(g_utf8_validate(err.text, -1, NULL));
            g_assert_cmpmem(&d, sizeof d, &before, sizeof before);
        }
    }
    g_assert_cmpint(accepted, >, 2000);
}

/* JSON that was right, with bytes changed: never a crash, never a value outside its limits. */
static void
test_any_json(void)
{
    int parsed = 0, accepted = 0;
    for (uint64_t draw = 0; draw < 20000; draw++) {
        Demo d = defaults(), before;
        randomise(&d, draw);
        before = d;
        json_t *object = lim_params_to_json(schema, &d);
        char *dump = json_dumps(object, 0);
        json_decref(object);
        size_t n = strlen(dump);
        uint32_t changes = 1 + lim_rng_below(4, 1, draw, 3);
        for (uint32_t k = 0; k < changes; k++)
            dump[lim_rng_below(4, 2, draw * 4 + k, (uint32_t)n)] =
                alphabet[lim_rng_below(4, 3, draw * 4 + k, sizeof alphabet - 1)];
        object = json_loadb(dump, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        free(dump);
        if (!object)
            continue;
        parsed++;
        LimError err = LIM_ERROR_INIT;
        if (lim_params_from_json(schema, &d, object, &err) == LIM_OK) {
            accepted++;
            g_assert_cmpint(lim_params_check(schema, &d, NULL), ==, LIM_OK);
        } else {
            g_assert_cmpint(err.code, ==, LIM_E_PARAM);
            g_assert_true(g_utf8_validate(err.text, -1, NULL));
            g_assert_cmpmem(&d, sizeof d, &before, sizeof before);
        }
        json_decref(object);
    }
    g_assert_cmpint(accepted, >, 500);
    g_assert_cmpint(parsed - accepted, >, 500);
}

/* A short buffer: the length that it would need, and a terminated prefix. */
static void
test_get_truncates(void)
{
    Demo d = defaults();
    for (const LimParamSpec *s = schema; s->name; s++) {
        char whole[LIM_TEXT_MAX], part[3];
        int n = lim_params_get(s, &d, whole, sizeof whole);
        g_assert_cmpint(n, ==, strlen(whole));
        g_assert_cmpint(lim_params_get(s, &d, NULL, 0), ==, n);
        g_assert_cmpint(lim_params_get(s, &d, part, sizeof part), ==, n);
        g_assert_true(g_str_has_prefix(whole, part));
    }
}

/* Numbers mean the same under a locale with a decimal comma. */
static void
test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]);
    if (!found) {
        g_test_skip("no locale with a decimal comma is installed");
        return;
    }
    test_accepts();
    test_refuses();
    test_json();
    setlocale(LC_ALL, "C");
}

static void
test_bad_schema_aborts(void)
{
    if (g_test_subprocess()) {
        static const LimParamSpec bad[] = {{"x", "X", "", "", LIM_REAL, 0, 0, 1, 2, 0, 0, NULL,
                                            NULL},
                                           {0}};
        double x;
        lim_params_init(bad, &x);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*param.c:*bug:*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/param/init", test_init);
    g_test_add_func("/param/follow", test_follow);
    g_test_add_func("/param/accepts", test_accepts);
    g_test_add_func("/param/refuses", test_refuses);
    g_test_add_func("/param/check", test_check);
    g_test_add_func("/param/json", test_json);
    g_test_add_func("/param/round-trips", test_round_trips);
    g_test_add_func("/param/any-text", test_any_text);
    g_test_add_func("/param/any-json", test_any_json);
    g_test_add_func("/param/get-truncates", test_get_truncates);
    g_test_add_func("/param/locale", test_locale);
    g_test_add_func("/param/bad-schema-aborts", test_bad_schema_aborts);
    return g_test_run();
}
