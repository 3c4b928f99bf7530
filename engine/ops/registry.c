/* The table of ops, from the list in meson.build: a name there without its symbol fails at link. */
#include "graph/op.h"

#include <string.h>

#define LIM_OP(name) extern const LimOpDef lim_op_##name;
#include "ops/op-list.inc"
#undef LIM_OP

static const LimOpDef *const ops[] = {
#define LIM_OP(name) &lim_op_##name,
#include "ops/op-list.inc"
#undef LIM_OP
};

size_t
lim_op_count(void)
{
    return sizeof ops / sizeof *ops;
}

const LimOpDef *
lim_op_at(size_t i)
{
    return ops[i];
}

const LimOpDef *
lim_op_find(const char *name)
{
    for (size_t i = 0; i < lim_op_count(); i++)
        if (strcmp(ops[i]->name, name) == 0)
            return ops[i];
    return NULL;
}
