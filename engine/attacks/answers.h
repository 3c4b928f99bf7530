/* Answers of a model in a file that grows, so that an attack which was killed goes on without
 * asking anything twice.
 *
 * An attack is a pure function of its input, its settings and the answers. Run again from the
 * beginning with the answers of before, it asks the same questions in the same order, and when
 * those are used up it goes on with the model: the end is the same as without the interruption.
 * Answers that are taken from the file count as queries like any other.
 *
 * The file: a line of JSON {"format": "limen-answers 1", "classes": 10, "run": {...}}, where `run`
 * is what the attack depends on, and then one line of 24 bytes for each answer: the hash of the
 * picture asked about (lim_hash() of its float32 values, 16 hexadecimal digits), a space, the class
 * (6 digits). A line is written when its answer is there, those of a network when the batch is
 * done; what a process was killed within (the last line without its end) is dropped. Lines are not
 * forced to the disk one by one: after a power failure the last seconds may be missing. */
#pragma once

#include "attacks/victim.h"

#include <stddef.h>

struct json_t;

/* The same model with a memory: a victim that tells decisions only. The file is made when it is
 * missing or empty; one program at a time writes to it. run: an object, borrowed, of what the
 * attack depends on. LIM_E_PARAM when the file is of another run, and at a question when it
 * holds an answer about another picture; LIM_E_FORMAT when it is something else; LIM_E_IO. Takes
 * model (also on failure). */
LimVictim *lim_answers_new(LimVictim *model, const char *path, struct json_t *run, LimError *err);
/* How many answers the file held. */
int64_t lim_answers_known(const LimVictim *v);

/* ---- the file ---- */

typedef struct LimAnswer {
    uint64_t picture; /* hash */
    int32_t label;
} LimAnswer;

typedef struct LimAnswers {
    int classes;
    struct json_t *run; /* an object */
    LimAnswer *answer;  /* [n] */
    size_t n;
    size_t begin; /* bytes before the first answer; each takes LIM_ANSWER_BYTES */
} LimAnswers;
#define LIM_ANSWER_BYTES 24

/* LIM_E_FORMAT and one sentence when it is no such file or damaged; a last line without its end is
 * left out. */
LimStatus lim_answers_parse(const uint8_t *data, size_t size, const char *name, LimAnswers *out,
                            LimError *err);
void lim_answers_clear(LimAnswers *a);
