#include "panes/generate/look.h"

static const char *const senses[] = {"row", "column", NULL};

const LimParamSpec lim_look_schema[] = {
    {.name = "attention",
     .label = "Attention",
     .help = "Shows where the generator's self-attention looks: point at a picture for the map of "
             "that place, click to pin it.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimLook, attention)},
    {.name = "opacity",
     .label = "Opacity",
     .help = "How much the colours of a map cover the picture.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimLook, opacity),
     .max = 1,
     .def = 0.6},
    {.name = "attention-sense",
     .label = "Map shows",
     .help = "Every place asks all others and takes from some of them. Where it looks: from which "
             "it takes. Who looks at it: which take from it.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimLook, sense),
     .max = 1,
     .choices = senses},
    {0}};
