/* Where the files that come with the program are: the same search as the window's. */
#include "cli.h"

#include <stdlib.h>
#include <unistd.h>

void
cli_resource(const char *given, const char *name, char path[LIM_TEXT_MAX])
{
    const char *data = getenv("LIMEN_DATA");
    const char *const folders[] = {LIMEN_PKGDATADIR, LIMEN_SOURCE_DATADIR};
    if (*given)
        snprintf(path, LIM_TEXT_MAX, "%s", given);
    else if (data && *data)
        snprintf(path, LIM_TEXT_MAX, "%s/models/%s", data, name);
    else
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
            snprintf(path, LIM_TEXT_MAX, "%s/models/%s", folders[i], name);
            if (access(path, F_OK) == 0)
                break;
        }
}
