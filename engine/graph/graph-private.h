/* Inside of a LimGraph, for the recorder, the differentiator and the planner. */
#pragma once

#include "base/arena.h"
#include "graph/graph.h"
#include "graph/op.h"

typedef enum LimValueKind {
    LIM_VALUE_NODE, /* computed */
    LIM_VALUE_FEED,
    LIM_VALUE_CONSTANT,
    LIM_VALUE_VARIABLE
} LimValueKind;

typedef struct LimValue {
    LimValueKind kind;
    LimType type; /* LIM_F32 or LIM_I32 */
    LimShape shape;
    uint32_t node; /* LIM_VALUE_NODE: the node that makes it */
    int slot;      /* ... and which of its outputs it is */
    const char *name;
    const void *data; /* constants and variables: the owner's memory */
} LimValue;

typedef struct LimNode {
    const LimOpDef *op;
    void *params;
    uint32_t in[LIM_OP_MAX_IN]; /* 0: absent */
    uint32_t out[LIM_OP_MAX_OUT];
} LimNode;

struct LimGraph {
    LimArena *arena;
    LimError error;   /* the first one */
    LimValue *values; /* values[0] is the invalid one */
    uint32_t n_values, cap_values;
    LimNode *nodes;
    uint32_t n_nodes, cap_nodes;
};
