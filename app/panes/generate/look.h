/* How the samples are looked at: settings of the view that change nothing about the samples. */
#pragma once

#include "base/param.h"
#include "models/attention-map.h"

typedef struct LimLook {
    bool attention;
    double opacity; /* of maps over pictures, 0 .. 1 */
    int sense;      /* LimSense */
} LimLook;

extern const LimParamSpec lim_look_schema[]; /* over LimLook */
