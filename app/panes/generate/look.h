/* How the samples are looked at: settings of the view that change nothing about the samples. */
#pragma once

#include "base/param.h"

typedef enum LimSense {
    LIM_SENSE_ROW,   /* where a place looks: one query, all keys */
    LIM_SENSE_COLUMN /* who looks at a place: one key, all queries */
} LimSense;

typedef struct LimLook {
    bool attention;
    double opacity; /* of maps over pictures, 0 .. 1 */
    int sense;      /* LimSense */
} LimLook;

extern const LimParamSpec lim_look_schema[]; /* over LimLook */
