/* Reports of the commands `evaluate`. */
#include "report.h"

#include "base/file.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static LimStatus
write_text(const CliReport *r, const char *suffix, const char *text, LimError *err)
{
    char path[LIM_TEXT_MAX + 8];
    snprintf(path, sizeof path, "%s%s", r->out, suffix);
    return lim_file_write(path, text, strlen(text), err);
}

LimStatus
cli_report_write(const CliReport *r, LimError *err)
{
    char path[LIM_TEXT_MAX + 8];
    char *text = json_dumps(r->result, JSON_INDENT(1) | JSON_REAL_PRECISION(7));
    LIM_ASSERT(text);
    LimStatus status = write_text(r, ".json", text, err);
    free(text);
    if (status != LIM_OK)
        return status;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LIM_ASSERT(out);
    r->markdown(r->ctx, r->result, out);
    fclose(out);
    status = write_text(r, ".md", text, err);
    free(text);
    snprintf(path, sizeof path, "%s.svg", r->out);
    return status == LIM_OK ? r->plot(r->ctx, path, err) : status;
}

void
cli_markdown_section(FILE *out, const char *title, const char *text, const json_t *rows)
{
    if (json_array_size(rows) == 0)
        return;
    fprintf(out, "## %s\n\n%s\n\n", title, text);
    cli_markdown_table(out, rows);
}

void
cli_markdown_table(FILE *out, const json_t *rows)
{
    json_t *first = json_array_get(rows, 0);
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(first, key, value)
    {
        fputs("| ", out);
        for (const char *c = key; *c; c++)
            fputc(*c == '_' ? ' ' : *c, out);
        fputc(' ', out);
    }
    fputs("|\n", out);
    json_object_foreach(first, key, value) fputs(json_is_string(value) ? "|---" : "|--:", out);
    fputs("|\n", out);
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_object_foreach(row, key, value)
        {
            if (json_is_string(value))
                fprintf(out, "| %s ", json_string_value(value));
            else if (json_is_integer(value))
                fprintf(out, "| %lld ", (long long)json_integer_value(value));
            else if (json_is_real(value))
                fprintf(out, "| %.4g ", json_real_value(value));
            else
                fputs("| - ", out);
        }
        fputs("|\n", out);
    }
    fputc('\n', out);
}
