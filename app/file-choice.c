/* Names of files beside places in lists of them. */
#include "file-choice.h"

static char *
name_key(const char *key)
{
    return g_strconcat(key, "-name", NULL);
}

int
lim_file_choice_find(const char *const *paths, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        g_autofree char *here = g_path_get_basename(paths[i]);
        if (g_str_equal(here, name))
            return i;
    }
    return -1;
}

void
lim_file_choice_write(GVariantDict *session, const char *key, int first, const char *const *paths,
                      int n)
{
    int value;

    if (!g_variant_dict_lookup(session, key, "i", &value) || value < first || value >= first + n)
        return;
    g_autofree char *name = g_path_get_basename(paths[value - first]);
    g_autofree char *to = name_key(key);
    g_variant_dict_insert(session, to, "s", name);
}

void
lim_file_choice_read(GVariantDict *session, const char *key, int first, const char *const *paths,
                     int n)
{
    g_autofree char *from = name_key(key);
    const char *name;
    const int at = g_variant_dict_lookup(session, from, "&s", &name)
                       ? lim_file_choice_find(paths, n, name)
                       : -1;

    g_variant_dict_insert(session, key, "i", at < 0 ? 0 : first + at);
}
