/* The classifiers' schema, the list of their architectures, and the last layer that all share. */
#include "models/classifier-private.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const architectures[] = {"residual", "plain", "vgg", NULL};
static const LimClassifierFamily *const families[] = {&lim_classifier_residual,
                                                      &lim_classifier_plain, &lim_classifier_vgg};

const LimParamSpec lim_classifier_schema[] = {
    {.name = "architecture",
     .label = "Architecture",
     .help = "Residual network; plain convolutions without batch norm (Carlini and Wagner's); or "
             "pairs of convolutions with batch norm (VGG).",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimClassifierParams, architecture),
     .choices = architectures,
     .def = LIM_CLASSIFIER_RESIDUAL},
    {.name = "channels",
     .label = "Colour channels",
     .help = "1 for grey pictures, 3 for RGB.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, channels),
     .min = 1,
     .max = 3,
     .def = 1},
    {.name = "classes",
     .label = "Classes",
     .help = "Number of classes.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, classes),
     .min = 2,
     .max = 1000,
     .def = 10},
    {.name = "width",
     .label = "Width",
     .help = "Channels of the first stage; the second and third have twice and four times as many.",
     .unit = "channels",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, width),
     .min = 4,
     .max = 256,
     .def = 32},
    {.name = "hidden",
     .label = "Hidden units",
     .help = "Units of each fully connected layer before the last one; the residual network has "
             "none.",
     .unit = "units",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, hidden),
     .min = 4,
     .max = 4096,
     .def = 200},
    {0}};

LimVal
lim_classifier_tap(LimClassifierTaps *taps, LimVal v, const char *fmt, ...)
{
    LIM_ASSERT(taps->n < LIM_CLASSIFIER_TAPS);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(taps->name[taps->n], sizeof taps->name[0], fmt, ap);
    va_end(ap);
    return taps->value[taps->n++] = v;
}

LimVal
lim_classifier(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps)
{
    LimClassifierTaps own;
    if (!taps)
        taps = &own;
    *taps = (LimClassifierTaps){0};
    b->bn_eps = 1e-5;
    taps->features = families[p->architecture]->build(b, p, x, taps);
    LimVal logits = lim_layer_linear(b, "linear", taps->features, p->classes, true, false,
                                     (LimInit){LIM_INIT_XAVIER, 1});
    return lim_classifier_tap(taps, logits, "linear");
}

int
lim_classifier_features(const LimClassifierParams *p)
{
    return families[p->architecture]->features(p);
}
