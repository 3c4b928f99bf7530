/* What the commands `evaluate` leave in files: the result as JSON, its tables as Markdown, a plot.
 */
#pragma once

#include "base/status.h"

#include <jansson.h>
#include <stdio.h>

typedef struct CliReport {
    const char *out;      /* OUT of OUT.json, OUT.md, OUT.svg */
    const void *ctx;      /* of the functions */
    const json_t *result; /* borrowed */
    void (*markdown)(const void *ctx, const json_t *result, FILE *out);
    LimStatus (*plot)(const void *ctx, const char *path, LimError *err);
} CliReport;

LimStatus cli_report_write(const CliReport *r, LimError *err);

/* A section with a table; nothing when there are no rows. */
void cli_markdown_section(FILE *out, const char *title, const char *text, const json_t *rows);
/* An array of objects as a table of Markdown: the keys of the first are the head ("_" becomes a
 * space). */
void cli_markdown_table(FILE *out, const json_t *rows);
