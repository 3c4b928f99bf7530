/* Reading a file whole, and replacing one atomically.
 *
 * The temporary file stands in the target's folder, because rename() is atomic only within one file
 * system. A link is followed first, so that saving through it keeps the link. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

LimStatus
lim_folder_make(const char *path, LimError *err)
{
    char *part = lim_strdup(path);
    struct stat st;
    int error = 0;

    for (char *at = part; *at && !error; at++) {
        const bool end = at[1] == 0;
        if ((*at != '/' || at == part) && !end)
            continue;
        const char kept = *at;
        if (!end)
            *at = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            error = errno;
        *at = kept;
    }
    if (!error && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        error = *path ? ENOTDIR : ENOENT;
    free(part);
    return error
               ? lim_fail(err, LIM_E_IO, "the folder %s cannot be made: %s", path, strerror(error))
               : LIM_OK;
}

LimStatus
lim_file_read(const char *path, size_t max, uint8_t **data, size_t *size, LimError *err)
{
    *data = NULL;
    *size = 0;
    /* Non-blocking: opening a named pipe must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lim_fail(err, LIM_E_IO, "cannot open %s: %s; check the path and its permissions",
                        path, strerror(errno));
    LimStatus status = LIM_OK;
    uint8_t *buf = NULL;
    size_t used = 0;
    struct stat st;
    if (fstat(fd, &st) != 0) {
        status = lim_fail(err, LIM_E_IO, "cannot read %s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        status = lim_fail(err, LIM_E_IO, "%s is %s, not a file; give the path of a file", path,
                          S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
        goto out;
    }

    /* The size is only a first guess: the file may grow, and some report 0. */
    size_t room = (size_t)st.st_size < max ? (size_t)st.st_size : max;
    for (;;) {
        uint8_t *bigger = realloc(buf, room + 1);
        if (!bigger) {
            status = lim_fail(err, LIM_E_NOMEM, "%s: no memory for %zu bytes; close other programs",
                              path, room);
            goto out;
        }
        buf = bigger;
        /* One byte beyond the room tells a full buffer from the end of the file. */
        ssize_t got = read(fd, buf + used, room + 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = lim_fail(err, LIM_E_IO, "cannot read %s: %s", path, strerror(errno));
            goto out;
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > max) {
            status =
                lim_fail(err, LIM_E_FORMAT,
                         "%s has more than %zu bytes; that is not a file of the kind wanted here",
                         path, max);
            goto out;
        }
        if (used > room)
            room = room < max / 2 ? room * 2 + 4096 : max;
    }
    buf[used] = 0;
    *data = buf;
    *size = used;
    buf = NULL;
out:
    free(buf);
    close(fd);
    return status;
}

struct LimFileWriter {
    char *path, *temp;
    FILE *file;
    int error; /* errno of the first failure; 0: none */
};

static void
writer_free(LimFileWriter *w)
{
    if (w->file)
        fclose(w->file);
    free(w->path);
    free(w->temp);
    free(w);
}

LimFileWriter *
lim_file_writer_new(const char *path, LimError *err)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode)) {
        lim_fail(err, LIM_E_IO, "%s is %s, not a file; choose another name", path,
                 S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
        return NULL;
    }

    LimFileWriter *w = lim_alloc(1, sizeof *w);
    char *real = exists ? realpath(path, NULL) : NULL;
    w->path = real ? real : lim_strdup(path);
    size_t size = strlen(w->path) + 48;
    w->temp = lim_alloc(size, 1);
    int fd;
    do {
        static atomic_uint serial;
        snprintf(w->temp, size, "%s.%ld-%u.tmp", w->path, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0) {
        lim_fail(err, LIM_E_IO, "cannot write %s: %s; check that the folder exists and is writable",
                 path, strerror(errno));
        writer_free(w);
        return NULL;
    }
    if (exists)
        (void)!fchmod(fd, st.st_mode & 07777); /* as it was, where the system allows */
    w->file = fdopen(fd, "wb");
    LIM_ASSERT(w->file);
    return w;
}

void
lim_file_writer_put(LimFileWriter *w, const void *data, size_t size)
{
    if (!w->error && size > 0 && fwrite(data, 1, size, w->file) != size)
        w->error = errno ? errno : EIO;
}

static int
sync_folder_of(const char *path)
{
    char *copy = lim_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return 0; /* a folder that may be written but not read */
    int error = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    close(fd);
    return error;
}

LimStatus
lim_file_writer_finish(LimFileWriter *w, LimError *err)
{
    if (!w->error && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0))
        w->error = errno;
    if (fclose(w->file) != 0 && !w->error)
        w->error = errno;
    w->file = NULL;
    if (!w->error && rename(w->temp, w->path) != 0)
        w->error = errno;
    if (w->error)
        unlink(w->temp);
    else
        w->error = sync_folder_of(w->path);
    LimStatus status = LIM_OK;
    if (w->error)
        status = lim_fail(err, LIM_E_IO, "cannot write %s: %s; %s", w->path, strerror(w->error),
                          w->error == ENOSPC || w->error == EDQUOT ? "make room and save again"
                                                                   : "try another folder");
    writer_free(w);
    return status;
}

void
lim_file_writer_abandon(LimFileWriter *w)
{
    if (!w)
        return;
    unlink(w->temp);
    writer_free(w);
}

LimStatus
lim_file_write(const char *path, const void *data, size_t size, LimError *err)
{
    LimFileWriter *w = lim_file_writer_new(path, err);
    if (!w)
        return LIM_E_IO;
    lim_file_writer_put(w, data, size);
    return lim_file_writer_finish(w, err);
}
