/* Command lines from schemas.
 *
 * What a command understands is a list of pieces: each a schema (base/param.h) and the values it
 * fills. Flags are --name VALUE, --name=VALUE, and for LIM_BOOL --name and --no-name; everything
 * else is an operand, and so is all that follows "--". A name that two pieces share belongs to the
 * earlier one. A flag given twice keeps the last value. */
#pragma once

#include "base/param.h"

#include <stdio.h>

#define CLI_PIECES 6
#define CLI_GIVEN  128 /* flags on one command line */

typedef struct CliPiece {
    const char *title; /* its heading in --help */
    const LimParamSpec *spec;
    size_t size; /* bytes of the struct that the schema describes */
} CliPiece;

typedef struct CliArgs {
    int n_pieces;
    const CliPiece *piece[CLI_PIECES];
    void *values[CLI_PIECES]; /* owned */
    const char **operand;     /* owned array of borrowed texts */
    int n_operands;
    bool help; /* --help was there; parsing stopped */
    int n_given;
    const LimParamSpec *given[CLI_GIVEN]; /* flags that were on the command line */
} CliArgs;

/* Pieces are borrowed; values start at their defaults. */
void cli_args_init(CliArgs *a);
void cli_args_add(CliArgs *a, const CliPiece *piece);
void cli_args_clear(CliArgs *a);

/* The values of the piece with this schema; asserts that there is one. */
void *cli_args_values(const CliArgs *a, const LimParamSpec *spec);

/* Was the flag on the command line? */
bool cli_args_given(const CliArgs *a, const char *name);
/* " --name value ..." for every flag of the pieces 0 .. n - 1 that differs from its default: the
 * shortest command line that means the same. The caller frees. */
char *cli_args_text(const CliArgs *a, int n);
/* The whole of it: "limen-cli name operand ... --flag value ...". The caller frees. */
char *cli_args_command(const CliArgs *a, const char *name, int n);
/* The text as a word of a shell. */
void cli_quote(FILE *out, const char *text);

/* Reads argv[0 .. argc). LIM_E_PARAM and one sentence on the first thing that is wrong. */
LimStatus cli_args_parse(CliArgs *a, int argc, char **argv, LimError *err);

/* Every flag with its label, help, range and default, wrapped at `width` columns. */
void cli_args_help(const CliArgs *a, FILE *out, int width);

/* The text as a paragraph of that width. */
void cli_wrap(FILE *out, const char *text, int width);

/* The name in the list that is nearest to `name` in edits, or NULL when none is near. */
const char *cli_nearest(const char *name, const char *const *names, int n);
