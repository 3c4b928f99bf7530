/* Looks for the files that come with the program. */
#include "shipped.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *
model_in(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + sizeof "/models/";
    char *path = lim_alloc(size, 1);
    snprintf(path, size, "%s/models/%s", folder, name);
    return path;
}

char *
lim_shipped_model(const char *name)
{
    const char *data = getenv("LIMEN_DATA");
    if (data && *data)
        return model_in(data, name);
    char *installed = model_in(LIMEN_PKGDATADIR, name);
    if (access(installed, F_OK) == 0)
        return installed;
    free(installed);
    return model_in(LIMEN_SOURCE_DATADIR, name);
}
