/* Replaying answers, then recording them.
 *
 * Answers are kept in memory too: a question that fails half way (the program died for good) may be
 * asked again, and then the part that was answered is known already. */
#include "attacks/answers.h"

#include "base/file.h"
#include "base/rng.h"
#include "train/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FORMAT   "limen-answers 1"
#define CLASSES  999999
#define FILE_MAX ((size_t)1 << 32)

/* ---- the file ---------------------------------------------------------------------------------
 */

void
lim_answers_clear(LimAnswers *a)
{
    json_decref(a->run);
    free(a->answer);
    *a = (LimAnswers){0};
}

/* n digits to a number; false when there is another character among them. */
static bool
digits(const uint8_t *text, int n, unsigned base, uint64_t *value)
{
    static const char all[] = "0123456789abcdef";
    *value = 0;
    for (int i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(all, text[i]) : NULL;
        if (!at || at - all >= (ptrdiff_t)base)
            return false;
        *value = *value * base + (uint64_t)(at - all);
    }
    return true;
}

static bool
read_line(const uint8_t *line, int classes, LimAnswer *a)
{
    uint64_t label;
    if (!digits(line, 16, 16, &a->picture) || line[16] != ' ' || !digits(line + 17, 6, 10, &label))
        return false;
    a->label = (int32_t)label;
    return a->label < classes && line[LIM_ANSWER_BYTES - 1] == '\n';
}

LimStatus
lim_answers_parse(const uint8_t *data, size_t size, const char *name, LimAnswers *out,
                  LimError *err)
{
    *out = (LimAnswers){0};
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    json_t *head = end ? json_loadb((const char *)data, (size_t)(end - data), 0, NULL) : NULL;
    const char *format = json_string_value(json_object_get(head, "format"));
    const json_int_t classes = json_integer_value(json_object_get(head, "classes"));
    out->run = json_incref(json_object_get(head, "run"));
    const bool ours = format && strcmp(format, FORMAT) == 0 && json_is_object(out->run) &&
                      classes > 0 && classes <= CLASSES;
    json_decref(head);
    if (!ours) {
        lim_answers_clear(out);
        return lim_fail(err, LIM_E_FORMAT,
                        "%s is not a record of answers; give the name of a new file", name);
    }
    out->classes = (int)classes;
    out->begin = (size_t)(end + 1 - data);
    out->n = (size - out->begin) / LIM_ANSWER_BYTES;
    out->answer = lim_try_alloc(out->n + 1, sizeof *out->answer);
    if (!out->answer) {
        lim_answers_clear(out);
        return lim_fail(err, LIM_E_NOMEM, "no memory for the answers in %s; close other programs",
                        name);
    }
    for (size_t i = 0; i < out->n; i++)
        if (!read_line(data + out->begin + i * LIM_ANSWER_BYTES, out->classes, &out->answer[i])) {
            lim_answers_clear(out);
            return lim_fail(err, LIM_E_FORMAT,
                            "%s is damaged: its answer %zu cannot be read; cut the file off there "
                            "or give the name of a new one",
                            name, i + 1);
        }
    return LIM_OK;
}

/* ---- the victim -------------------------------------------------------------------------------
 */

typedef struct Memory {
    LimVictim victim;
    LimVictim *model;
    char *path;
    int fd;
    LimAnswers known;
    size_t room, at;  /* places in known.answer; the next one to take */
    int64_t found;    /* answers that the file held */
    const float *x;   /* asked about now: of the row that the model calls the first */
    LimError trouble; /* with the file, during a question */
} Memory;

static LimStatus
cannot_write(const Memory *m, LimError *err)
{
    return lim_fail(err, LIM_E_IO, "cannot write to %s: %s; make room or give another file",
                    m->path, strerror(errno));
}

static LimStatus
write_all(const Memory *m, const char *text, size_t size, LimError *err)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(m->fd, text + done, size - done);
        if (n < 0 && errno != EINTR)
            return cannot_write(m, err);
        done += n > 0 ? (size_t)n : 0;
    }
    return LIM_OK;
}

static uint64_t
hash(const Memory *m, const float *x)
{
    return lim_hash(LIM_HASH_BEGIN, x, (size_t)lim_shape_size(m->victim.image) * sizeof *x);
}

/* Remembers the answers about n pictures, here and in the file: all or none. */
static LimStatus
remember(Memory *m, const float *x, const int32_t *label, int n, LimError *err)
{
    char text[LIM_VICTIM_BATCH * LIM_ANSWER_BYTES + 1];
    LimAnswers *known = &m->known;
    if (known->n + (size_t)n > m->room) {
        m->room = 2 * m->room + LIM_VICTIM_BATCH;
        LimAnswer *bigger = realloc(known->answer, m->room * sizeof *bigger);
        if (!bigger)
            return lim_fail(err, LIM_E_NOMEM, "no memory for %zu answers; close other programs",
                            m->room);
        known->answer = bigger;
    }
    for (int i = 0; i < n; i++) {
        LimAnswer *a = &known->answer[known->n + (size_t)i];
        a->picture = hash(m, x + i * lim_shape_size(m->victim.image));
        a->label = label[i];
        snprintf(text + i * LIM_ANSWER_BYTES, LIM_ANSWER_BYTES + 1,
                 "%016" PRIx64 " %06" PRId32 "\n", a->picture, a->label);
    }
    const LimStatus status = write_all(m, text, (size_t)n * LIM_ANSWER_BYTES, err);
    if (status == LIM_OK)
        known->n += (size_t)n;
    else if (ftruncate(m->fd, (off_t)(known->begin + known->n * LIM_ANSWER_BYTES)) != 0)
        return status; /* a torn line, as after a crash */
    return status;
}

static void
heard(void *memory, int row, int32_t label)
{
    Memory *m = memory;
    if (m->trouble.code == LIM_OK)
        remember(m, m->x + row * lim_shape_size(m->victim.image), &label, 1, &m->trouble);
}

/* Takes what is known about the first of these pictures; *taken says about how many. */
static LimStatus
recall(Memory *m, const float *x, int n, int32_t *label, int *taken, LimError *err)
{
    const LimAnswer *a = m->known.answer + m->at;
    const size_t left = m->known.n - m->at;
    for (*taken = 0; *taken < n && (size_t)*taken < left; ++*taken) {
        if (a[*taken].picture != hash(m, x + *taken * lim_shape_size(m->victim.image)))
            return lim_fail(err, LIM_E_PARAM,
                            "%s holds answers about other pictures, from answer %zu on: attack the "
                            "same pictures with the same version of this program, or give the name "
                            "of a new file",
                            m->path, m->at + (size_t)*taken + 1);
        label[*taken] = a[*taken].label;
    }
    return LIM_OK;
}

/* Drops what is known from here on. */
static LimStatus
forget(Memory *m, LimError *err)
{
    m->known.n = m->at;
    return ftruncate(m->fd, (off_t)(m->known.begin + m->at * LIM_ANSWER_BYTES)) == 0
               ? LIM_OK
               : cannot_write(m, err);
}

static LimStatus
memory_labels(LimVictim *v, const LimExec *exec, const float *x, int n, int32_t *label,
              LimError *err)
{
    Memory *m = (Memory *)v;
    const bool one_by_one = m->model->klass->one_by_one;
    int taken;
    if (v->stopped) /* the questions of another end than that of the attack */
        return m->model->klass->labels(m->model, exec, x, n, label, err);
    if (lim_cancelled(exec ? exec->cancel : NULL))
        return lim_fail(err, LIM_CANCELLED, "cancelled");
    LimStatus status = recall(m, x, n, label, &taken, err);
    if (status == LIM_OK && taken > 0 && taken < n && !one_by_one) {
        /* half a batch: in another batch size its last bits might be others */
        status = forget(m, err);
        taken = 0;
    }
    if (status == LIM_OK && taken < n) {
        m->x = x + taken * lim_shape_size(v->image);
        m->trouble = (LimError)LIM_ERROR_INIT;
        m->model->heard = heard;
        status = m->model->klass->labels(m->model, exec, m->x, n - taken, label + taken, err);
        m->model->heard = NULL;
        if (status == LIM_OK && !one_by_one)
            remember(m, m->x, label + taken, n - taken, &m->trouble);
        if (status == LIM_OK && m->trouble.code != LIM_OK)
            status = lim_fail(err, m->trouble.code, "%s", m->trouble.text);
    }
    if (status == LIM_OK) {
        m->at += (size_t)n;
        v->recalled += taken;
    }
    return status;
}

static void
memory_free(LimVictim *v)
{
    Memory *m = (Memory *)v;
    if (m->fd >= 0)
        close(m->fd); /* and with it goes the lock */
    lim_answers_clear(&m->known);
    lim_victim_free(m->model);
    free(m->path);
    free(m);
}

static const LimVictimClass memory_class = {.labels = memory_labels, .free = memory_free};

/* A file that is empty gets its first line. */
static LimStatus
begin_file(Memory *m, json_t *run, LimError *err)
{
    json_t *head =
        json_pack("{s:s, s:i, s:O}", "format", FORMAT, "classes", m->victim.classes, "run", run);
    char *text = json_dumps(head, JSON_COMPACT | JSON_PRESERVE_ORDER);
    LIM_ASSERT(text);
    const size_t size = strlen(text);
    text[size] = '\n'; /* in the place of its end: one write */
    const LimStatus status = write_all(m, text, size + 1, err);
    free(text);
    json_decref(head);
    return status;
}

static LimStatus
open_file(Memory *m, json_t *run, LimError *err)
{
    uint8_t *data;
    size_t size;
    m->fd = open(m->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (m->fd < 0)
        return lim_fail(err, LIM_E_IO, "cannot open %s: %s; check the path and its permissions",
                        m->path, strerror(errno));
    if (flock(m->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return lim_fail(err, LIM_E_IO,
                        "%s is in use by another attack; wait for its end or give another file",
                        m->path);
    LimStatus status = lim_file_read(m->path, FILE_MAX, &data, &size, err);
    if (status == LIM_OK && size == 0) {
        free(data);
        status = begin_file(m, run, err);
        if (status == LIM_OK)
            status = lim_file_read(m->path, FILE_MAX, &data, &size, err);
    }
    if (status != LIM_OK)
        return status;
    status = lim_answers_parse(data, size, m->path, &m->known, err);
    free(data);
    if (status == LIM_OK)
        status = lim_settings_same(m->path, m->known.run, run, err);
    if (status == LIM_OK && m->known.classes != m->victim.classes)
        status = lim_fail(err, LIM_E_PARAM,
                          "%s is about a model of %d classes, and this one has %d: give the name "
                          "of a new file",
                          m->path, m->known.classes, m->victim.classes);
    if (status != LIM_OK)
        return status;
    m->at = m->known.n;
    status = forget(m, err); /* the line that was not finished */
    m->at = 0;
    m->room = m->known.n + 1;
    m->found = (int64_t)m->known.n;
    return status;
}

LimVictim *
lim_answers_new(LimVictim *model, const char *path, json_t *run, LimError *err)
{
    Memory *m = lim_alloc(1, sizeof *m);
    m->victim = (LimVictim){.klass = &memory_class,
                            .access = LIM_ACCESS_LABEL,
                            .image = model->image,
                            .classes = model->classes};
    m->model = model;
    m->path = lim_strdup(path);
    model->heard_ctx = m;
    if (open_file(m, run, err) == LIM_OK)
        return &m->victim;
    memory_free(&m->victim);
    return NULL;
}

int64_t
lim_answers_known(const LimVictim *v)
{
    return ((const Memory *)v)->found;
}
