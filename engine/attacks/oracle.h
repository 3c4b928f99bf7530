/* A victim that is an external program and tells its decision only.
 *
 * The command runs under /bin/sh, once for many questions. Everything is lines of text:
 *
 *   limen to the program    limen-oracle 1 C H W     first, once: version and the size of pictures
 *   the program             ready CLASSES bytes      number of classes, 2 to 1000; and the form in
 *                      or   ready CLASSES floats     which it wants pictures
 *   limen                   HEX                      one picture a line, values in the order
 *                                                    [c][h][w], without spaces
 *   the program             LABEL                    one answer a line, in the order of asking:
 *                                                    0 to CLASSES - 1
 *                      or   error TEXT               ends the attack with that text
 *
 * bytes: two hexadecimal digits a value, round(255 x): the model sees, and the attack judges,
 * pictures of 8 bit. floats: eight digits a value, the bits of the float32 number in [0,1], the
 * most significant first: nothing is lost. Many pictures may be sent before the first answer is
 * read; a program must flush after each answer or at least before it waits for input. It should end
 * when its input ends. What it writes to stderr is not shown; the last line is quoted when it
 * fails.
 *
 * When it dies, answers nonsense or is silent for longer than the timeout, it is killed with all
 * its children, started again and asked again, `retries` times in a row; then the question fails
 * with LIM_E_IO and the attack can still be gone on with: the next step starts the program anew.
 * Cancel returns within 50 ms even while it hangs; answers that come later are dropped. */
#pragma once

#include "attacks/victim.h"
#include "base/param.h"

/* What a person sets of it. */
typedef struct LimOracleSettings {
    char command[LIM_TEXT_MAX];
    double timeout; /* seconds */
    int retries;
} LimOracleSettings;
extern const LimParamSpec lim_oracle_schema[]; /* over LimOracleSettings */

typedef struct LimOracleOptions {
    const char *command;
    LimShape image; /* {c, h, w} */
    double timeout; /* seconds without an answer (or the first line) */
    int retries;
} LimOracleOptions;

/* Starts the program and waits for its first line. NULL and err on failure, or when cancelled. */
LimVictim *lim_oracle_new(const LimOracleOptions *options, const LimExec *exec, LimError *err);
/* Does it see float pictures, not those of 8 bit? */
bool lim_oracle_floats(const LimVictim *v);
/* How often the program was started again. */
int lim_oracle_restarts(const LimVictim *v);
/* Its process id; 0 while none runs. */
int lim_oracle_pid(const LimVictim *v);
