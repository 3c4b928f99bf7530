/* The list of attacks: one row each, in the order of a menu. */
#include "attacks/attack.h"

#include <string.h>

extern const LimAttackClass lim_attack_fgsm;

static const LimAttackClass *const list[] = {&lim_attack_fgsm};

size_t
lim_attack_count(void)
{
    return sizeof list / sizeof *list;
}

const LimAttackClass *
lim_attack_at(size_t i)
{
    return i < lim_attack_count() ? list[i] : NULL;
}

const LimAttackClass *
lim_attack_find(const char *name)
{
    for (size_t i = 0; i < lim_attack_count(); i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}
