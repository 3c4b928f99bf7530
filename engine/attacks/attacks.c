/* The list of attacks: one row each, in the order of a menu. */
#include "attacks/params.h"

#include <string.h>

const char *const lim_attack_losses[] = {"cross-entropy", "margin", NULL};
const char *const lim_attack_norms[] = {"l2", "linf", NULL};

extern const LimAttackClass lim_attack_fgsm, lim_attack_bim, lim_attack_pgd, lim_attack_deepfool,
    lim_attack_carlini_wagner, lim_attack_ddn, lim_attack_boundary;

static const LimAttackClass *const list[] = {
    &lim_attack_fgsm,           &lim_attack_bim, &lim_attack_pgd,      &lim_attack_deepfool,
    &lim_attack_carlini_wagner, &lim_attack_ddn, &lim_attack_boundary,
};

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
