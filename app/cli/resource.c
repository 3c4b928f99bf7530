/* Where the files that come with the program are: the same search as the window's. */
#include "cli.h"
#include "shipped.h"

#include <stdlib.h>

void
cli_resource(const char *given, const char *name, char path[LIM_TEXT_MAX])
{
    char *shipped = *given ? NULL : lim_shipped_model(name);
    snprintf(path, LIM_TEXT_MAX, "%s", shipped ? shipped : given);
    free(shipped);
}
