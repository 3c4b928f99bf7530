/* Settings that several attacks share, as rows of their schemas. */
#pragma once

#include "attacks/attack.h"
#include "base/param.h"

/* Their choices, in attacks.c: of LimVictimLoss and LimNorm. */
extern const char *const lim_attack_losses[], *const lim_attack_norms[];

/* Greatest change, of a type with the field `epsilon`. */
#define LIM_ATTACK_EPSILON(type)                                                                \
    {                                                                                           \
        .name = "epsilon", .label = "Epsilon",                                                  \
        .help = "Greatest change: of a value (l-infinity), or the length of the whole change "  \
                "(l2), on the scale from 0 to 1.",                                              \
        .unit = "", .kind = LIM_REAL, .offset = offsetof(type, epsilon), .max = 64, .def = 0.1, \
        .ui_max = 1                                                                             \
    }

/* What to climb: fields `loss` (int) and `temperature`. */
#define LIM_ATTACK_LOSS(type)                                                                      \
    {.name = "loss",                                                                               \
     .label = "Loss",                                                                              \
     .help = "What to climb: cross entropy, or the margin between the logit of the class and the " \
             "next one, which does not fade where the model is sure of itself.",                   \
     .unit = "",                                                                                   \
     .kind = LIM_CHOICE,                                                                           \
     .offset = offsetof(type, loss),                                                               \
     .max = LIM_LOSSES - 1,                                                                        \
     .choices = lim_attack_losses},                                                                \
    {                                                                                              \
        .name = "temperature", .label = "Temperature",                                             \
        .help = "Logits are divided by it before the loss: 1 attacks the model as it is. The "     \
                "gradient of a distilled model is back at the temperature it was trained at.",     \
        .unit = "", .kind = LIM_REAL, .offset = offsetof(type, temperature), .min = 0.001,         \
        .max = 10000, .def = 1, .ui_min = 1, .ui_max = 100                                         \
    }
#define LIM_ATTACK_NORM(type)                                                            \
    {                                                                                    \
        .name = "norm", .label = "Norm",                                                 \
        .help = "How a change is measured: l2, its length, or linf, its largest value.", \
        .unit = "", .kind = LIM_CHOICE, .offset = offsetof(type, norm), .max = 1,        \
        .choices = lim_attack_norms                                                      \
    }

/* The loss falls with the success: the margin of a class is largest where the model is surest of
 * it, cross entropy smallest. What a step along the gradient must be multiplied by to get away from
 * the right class, or nearer to a target. */
static inline float
lim_attack_direction(int loss, bool targeted)
{
    return (loss == LIM_LOSS_MARGIN) == targeted ? 1 : -1;
}
