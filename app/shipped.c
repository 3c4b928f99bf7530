/* Looks for the files that come with the program. */
#include "shipped.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *
path_in(const char *folder, const char *kind, const char *name)
{
    const size_t size = strlen(folder) + strlen(kind) + strlen(name) + sizeof "//";
    char *path = lim_alloc(size, 1);
    snprintf(path, size, "%s/%s%s%s", folder, kind, *name ? "/" : "", name);
    return path;
}

static char *
shipped(const char *kind, const char *name)
{
    char *installed = path_in(LIMEN_PKGDATADIR, kind, name);
    if (access(installed, F_OK) == 0)
        return installed;
    free(installed);
    return path_in(LIMEN_SOURCE_DATADIR, kind, name);
}

char *
lim_shipped_model(const char *name)
{
    const char *data = getenv("LIMEN_DATA");
    return data && *data ? path_in(data, "models", name) : shipped("models", name);
}

char *
lim_shipped_samples(void)
{
    return shipped("samples", "fashion-mnist");
}

char *
lim_model_file_label(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *label = lim_strdup(slash ? slash + 1 : path), *end = strstr(label, ".safetensors");
    if (end)
        *end = 0;
    return label;
}
