/* Flags and --help from schemas. The values are checked by lim_params_set(), so a flag, a form in
 * the window and a model file refuse the same values with the same words. */
#include "args.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 256
#define MAX_NAME  48

void
cli_args_init(CliArgs *a)
{
    *a = (CliArgs){0};
}

void
cli_args_add(CliArgs *a, const CliPiece *piece)
{
    LIM_ASSERT(a->n_pieces < CLI_PIECES);
    void *values = lim_alloc(1, piece->size);
    lim_params_init(piece->spec, values);
    a->piece[a->n_pieces] = piece;
    a->values[a->n_pieces++] = values;
}

void
cli_args_clear(CliArgs *a)
{
    for (int i = 0; i < a->n_pieces; i++)
        free(a->values[i]);
    free((void *)a->operand);
    *a = (CliArgs){0};
}

void *
cli_args_values(const CliArgs *a, const LimParamSpec *spec)
{
    for (int i = 0; i < a->n_pieces; i++)
        if (a->piece[i]->spec == spec)
            return a->values[i];
    lim_bug(__FILE__, __LINE__, "the command has no such piece");
}

bool
cli_args_given(const CliArgs *a, const char *name)
{
    for (int i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i]->name, name) == 0)
            return true;
    return false;
}

/* A value as a shell reads it back. */
void
cli_quote(FILE *out, const char *text)
{
    if (*text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-+.,:/=@%")]) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, 0}, out);
    fputc('\'', out);
}

char *
cli_args_text(const CliArgs *a, int n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LIM_ASSERT(out);
    for (int i = 0; i < n; i++) {
        void *defaults = lim_alloc(1, a->piece[i]->size);
        lim_params_init(a->piece[i]->spec, defaults);
        for (const LimParamSpec *s = a->piece[i]->spec; s->name; s++) {
            char value[LIM_TEXT_MAX], usual[LIM_TEXT_MAX];
            lim_params_follow(a->piece[i]->spec, s, a->values[i], defaults);
            lim_params_get(s, a->values[i], value, sizeof value);
            lim_params_get(s, defaults, usual, sizeof usual);
            if (strcmp(value, usual) == 0)
                continue;
            if (s->kind == LIM_BOOL) {
                fprintf(out, " --%s%s", strcmp(value, "true") == 0 ? "" : "no-", s->name);
                continue;
            }
            fprintf(out, " --%s ", s->name);
            cli_quote(out, value);
        }
        free(defaults);
    }
    fclose(out);
    return text;
}

char *
cli_args_command(const CliArgs *a, const char *name, int n)
{
    char *text = NULL, *flags = cli_args_text(a, n);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LIM_ASSERT(out);
    fprintf(out, "limen-cli %s", name);
    for (int i = 0; i < a->n_operands; i++) {
        fputc(' ', out);
        cli_quote(out, a->operand[i]);
    }
    fputs(flags, out);
    fclose(out);
    free(flags);
    return text;
}

static int
min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edit distance (Levenshtein). */
static int
distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    int row[MAX_NAME + 1];
    if (n > MAX_NAME)
        return MAX_NAME;
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

const char *
cli_nearest(const char *name, const char *const *names, int n)
{
    size_t length = strlen(name);
    int best = MAX_NAME;
    const char *found = NULL;
    for (int i = 0; i < n; i++) {
        /* The beginning of a longer name counts as near. */
        int d = length >= 3 && strncmp(name, names[i], length) == 0 ? 1 : distance(name, names[i]);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return best <= (length < 6 ? 2 : (int)length / 3) ? found : NULL;
}

/* The spec of a flag and the values it goes to. */
static const LimParamSpec *
find(const CliArgs *a, const char *name, void **values, const LimParamSpec **schema)
{
    for (int i = 0; i < a->n_pieces; i++) {
        const LimParamSpec *s = lim_params_find(a->piece[i]->spec, name);
        if (s) {
            *values = a->values[i];
            *schema = a->piece[i]->spec;
            return s;
        }
    }
    return NULL;
}

static LimStatus
unknown(const CliArgs *a, const char *name, LimError *err)
{
    const char *names[MAX_NAMES];
    int n = 0;
    names[n++] = "help";
    for (int i = 0; i < a->n_pieces; i++)
        for (const LimParamSpec *s = a->piece[i]->spec; s->name && n < MAX_NAMES; s++)
            names[n++] = s->name;
    const char *near = cli_nearest(name, names, n);
    if (near)
        return lim_fail(err, LIM_E_PARAM, "--%.60s is unknown; did you mean --%s?", name, near);
    return lim_fail(err, LIM_E_PARAM, "--%.60s is unknown; --help lists what there is.", name);
}

/* One flag, argv[*i]; takes its value from argv[*i + 1] where it needs one. */
static LimStatus
flag(CliArgs *a, int argc, char **argv, int *i, LimError *err)
{
    const char *text = argv[*i] + 2, *equals = strchr(text, '='), *value = NULL;
    char name[MAX_NAME + 1];
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    if (length > MAX_NAME)
        return unknown(a, text, err);
    memcpy(name, text, length);
    name[length] = 0;

    if (strcmp(name, "help") == 0 && !equals) {
        a->help = true;
        return LIM_OK;
    }
    void *values;
    const LimParamSpec *schema, *s = find(a, name, &values, &schema);
    if (!s && strncmp(name, "no-", 3) == 0 && !equals) {
        s = find(a, name + 3, &values, &schema);
        if (s && s->kind == LIM_BOOL)
            value = "false";
        else
            s = NULL;
    }
    if (!s)
        return unknown(a, name, err);
    if (a->n_given == CLI_GIVEN)
        return lim_fail(err, LIM_E_PARAM, "more than %d flags are too many.", CLI_GIVEN);
    a->given[a->n_given++] = s;
    if (value)
        return lim_params_set(schema, values, s->name, value, err);
    if (equals)
        value = equals + 1;
    else if (s->kind == LIM_BOOL)
        value = "true";
    else if (*i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0)
        value = argv[++*i];
    else
        return lim_fail(err, LIM_E_PARAM, "--%s needs a value.", s->name);
    return lim_params_set(schema, values, s->name, value, err);
}

/* Defaults that depend on what was given. */
static void
follow(CliArgs *a)
{
    for (int i = 0; i < a->n_pieces; i++)
        for (const LimParamSpec *s = a->piece[i]->spec; s->name; s++)
            if (!cli_args_given(a, s->name))
                lim_params_follow(a->piece[i]->spec, s, a->values[i], a->values[i]);
}

LimStatus
cli_args_parse(CliArgs *a, int argc, char **argv, LimError *err)
{
    bool flags = true;
    a->operand = lim_alloc((size_t)argc + 1, sizeof *a->operand);
    for (int i = 0; i < argc && !a->help; i++) {
        if (flags && strcmp(argv[i], "--") == 0) {
            flags = false;
        } else if (flags && strcmp(argv[i], "-h") == 0) {
            a->help = true;
        } else if (flags && argv[i][0] == '-' && argv[i][1] == '-') {
            LimStatus status = flag(a, argc, argv, &i, err);
            if (status != LIM_OK)
                return status;
        } else if (flags && argv[i][0] == '-' && argv[i][1]) {
            return lim_fail(err, LIM_E_PARAM, "%.60s: flags have long names, such as --help.",
                            argv[i]);
        } else {
            a->operand[a->n_operands++] = argv[i];
        }
    }
    follow(a);
    return LIM_OK;
}

/* Words of text, broken before column `width`, every line indented; starts at column `at`. */
static void
wrap(FILE *out, const char *text, int indent, int width, int at)
{
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at + 1 + word > width || at < indent) {
            fprintf(out, "%s%*s", at ? "\n" : "", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", word, text);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void
cli_wrap(FILE *out, const char *text, int width)
{
    wrap(out, text, 0, width, 0);
}

static const char *
value_name(const LimParamSpec *s)
{
    switch (s->kind) {
    case LIM_INT:
    case LIM_SEED:
        return " N";
    case LIM_REAL:
        return " X";
    case LIM_CHOICE:
        return " NAME";
    case LIM_TEXT:
        return " TEXT";
    case LIM_BOOL:
        break;
    }
    return "";
}

/* "0.1", or "2 with l2, 0.1 with linf" where it depends on a choice of the schema. */
static void
default_text(const LimParamSpec *schema, const LimParamSpec *s, const void *defaults, char *out,
             size_t size)
{
    size_t used = 0;
    lim_params_get(s, defaults, out, size);
    if (!s->def_by)
        return;
    const LimParamSpec *by = lim_params_find(schema, s->def_by);
    for (int i = 0; by->choices[i] && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.15g with %s", i ? ", " : "",
                                 s->def_with[i], by->choices[i]);
}

/* "(1 to 256 px, default 16)" */
static void
range_text(const LimParamSpec *schema, const LimParamSpec *s, const void *defaults, char *out,
           size_t size)
{
    char value[LIM_TEXT_MAX];
    size_t used = 0;
    default_text(schema, s, defaults, value, sizeof value);
    const char *space = s->unit && *s->unit ? " " : "", *unit = s->unit ? s->unit : "";
    switch (s->kind) {
    case LIM_INT:
    case LIM_REAL:
        snprintf(out, size, "(%.15g to %.15g%s%s, default %s)", s->min, s->max, space, unit, value);
        return;
    case LIM_CHOICE:
        used = (size_t)snprintf(out, size, "(");
        for (int i = 0; s->choices[i] && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", s->choices[i]);
        if (used < size)
            snprintf(out + used, size - used, "; default %s)", value);
        return;
    case LIM_SEED:
        snprintf(out, size, "(default %s)", value);
        return;
    case LIM_BOOL:
        snprintf(out, size, "(default %s)", strcmp(value, "true") == 0 ? "on" : "off");
        return;
    case LIM_TEXT:
        out[0] = 0;
        if (*value)
            snprintf(out, size, "(default %s)", value);
        return;
    }
}

void
cli_args_help(const CliArgs *a, FILE *out, int width)
{
    enum { COLUMN = 28 };
    for (int i = 0; i < a->n_pieces; i++) {
        void *defaults = lim_alloc(1, a->piece[i]->size);
        lim_params_init(a->piece[i]->spec, defaults);
        fprintf(out, "\n%s:\n", a->piece[i]->title);
        for (const LimParamSpec *s = a->piece[i]->spec; s->name; s++) {
            void *values;
            const LimParamSpec *schema;
            char text[2048], range[LIM_TEXT_MAX + 512];
            if (find(a, s->name, &values, &schema) != s)
                continue;
            int at = fprintf(out, "  --%s%s%s", s->kind == LIM_BOOL ? "[no-]" : "", s->name,
                             value_name(s));
            range_text(schema, s, defaults, range, sizeof range);
            snprintf(text, sizeof text, "%s. %s %s", s->label, s->help ? s->help : "", range);
            if (at < COLUMN - 1)
                at += fprintf(out, "%*s", COLUMN - at, "");
            wrap(out, text, COLUMN, width, at > COLUMN ? width : at);
        }
        free(defaults);
    }
    fprintf(out, "  --help%*sThis text.\n", COLUMN - 8, "");
}
