/* Results are JSON objects; this prints them. For people the same object becomes aligned lines and
 * tables, so that the two never say different things. */
#include "cli.h"
#include "tensor/text.h"

#include <inttypes.h>
#include <string.h>

#define CELL 256

/* Columns that the text takes: UTF-8 characters. */
static int
columns(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void
pad(FILE *out, int n)
{
    if (n > 0)
        fprintf(out, "%*s", n, "");
}

static bool
is_number(const json_t *j)
{
    return json_is_number(j);
}

/* A key as a heading: "step_ms" -> "step ms". */
static void
key_text(const char *key, char *out)
{
    lim_text_clean(key, strlen(key), out, CELL);
    for (char *p = out; *p; p++)
        if (*p == '_')
            *p = ' ';
}

/* A scalar, or an array of scalars, as one cell. */
static void
cell_text(const json_t *j, char *out)
{
    char part[CELL];
    size_t used = 0;
    out[0] = 0;
    switch (json_typeof(j)) {
    case JSON_STRING:
        lim_text_clean(json_string_value(j), json_string_length(j), out, CELL);
        break;
    case JSON_INTEGER:
        snprintf(out, CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
        break;
    case JSON_REAL:
        snprintf(out, CELL, "%.5g", json_real_value(j));
        break;
    case JSON_TRUE:
        snprintf(out, CELL, "yes");
        break;
    case JSON_FALSE:
        snprintf(out, CELL, "no");
        break;
    case JSON_NULL:
        snprintf(out, CELL, "-");
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(j) && used < CELL; i++) {
            cell_text(json_array_get(j, i), part);
            used += (size_t)snprintf(out + used, CELL - used, "%s%s", i ? ", " : "", part);
        }
        break;
    case JSON_OBJECT:
        break;
    }
}

/* Rows of objects with the keys of the first one. */
static void
print_table(FILE *out, const json_t *rows, int indent)
{
    const char *key;
    json_t *value;
    char text[CELL];
    json_t *first = json_array_get(rows, 0);
    for (size_t r = 0; r <= json_array_size(rows); r++) { /* row 0: the headings */
        const char *gap = "";
        pad(out, indent);
        json_object_foreach(first, key, value)
        {
            key_text(key, text);
            int width = columns(text);
            for (size_t i = 0; i < json_array_size(rows); i++) {
                const json_t *j = json_object_get(json_array_get(rows, i), key);
                char other[CELL];
                cell_text(j ? j : json_null(), other);
                width = columns(other) > width ? columns(other) : width;
            }
            if (r > 0) {
                const json_t *j = json_object_get(json_array_get(rows, r - 1), key);
                cell_text(j ? j : json_null(), text);
            }
            bool last = !json_object_iter_next(first, json_object_key_to_iter(key));
            fputs(gap, out);
            if (is_number(value))
                pad(out, width - columns(text));
            fputs(text, out);
            if (!is_number(value) && !last)
                pad(out, width - columns(text));
            gap = "  ";
        }
        fputc('\n', out);
    }
}

static void
print_object(FILE *out, const json_t *object, int indent)
{
    const char *key;
    json_t *value, *o = (json_t *)(uintptr_t)object; /* iterating changes nothing */
    char text[CELL];
    int width = 0;
    json_object_foreach(o, key, value)
    {
        key_text(key, text);
        if (!json_is_object(value) && columns(text) > width)
            width = columns(text);
    }
    json_object_foreach(o, key, value)
    {
        key_text(key, text);
        pad(out, indent);
        fputs(text, out);
        if (json_is_object(value)) {
            fputc('\n', out);
            print_object(out, value, indent + 2);
        } else if (json_is_object(json_array_get(value, 0))) {
            fputc('\n', out);
            print_table(out, value, indent + 2);
        } else {
            pad(out, width + 2 - columns(text));
            cell_text(value, text);
            fprintf(out, "%s\n", text);
        }
    }
}

void
cli_print(FILE *out, const json_t *result, bool as_json)
{
    if (as_json) {
        json_dumpf(result, out, JSON_REAL_PRECISION(9));
        fputc('\n', out);
    } else {
        print_object(out, result, 0);
    }
}
