/* What the Attack view can be asked for, apart from the parameters of the chosen attack. */
#pragma once

#include "attacks/oracle.h"
#include "base/param.h"

#define LIM_ATTACK_EXTERNAL 255 /* as the model: a program from outside */
#define LIM_ATTACK_FILE     255 /* as the denoiser: a file of one's own */

typedef enum LimAttackSource {
    LIM_ATTACK_SAMPLES, /* pictures that come with the program */
    LIM_ATTACK_TEST,    /* the test pictures of Fashion-MNIST, where they are installed */
    LIM_ATTACK_OWN      /* a picture that was opened, or sent by another view */
} LimAttackSource;

typedef struct LimAttackSetup {
    int source;   /* LimAttackSource */
    int picture;  /* number in the data set */
    int model;    /* place in the list of classifiers, or LIM_ATTACK_EXTERNAL */
    int denoiser; /* 1 + place in the list of denoisers, 0: none; or LIM_ATTACK_FILE: */
    char denoiser_file[LIM_TEXT_MAX]; /* its path */
    bool through;                     /* the attack knows of the denoiser */
    int method;                       /* place in the list of attacks */
    int target;                       /* class, -1: any other than the right one */
    int queries;                      /* budget */
    int lattice;                      /* of it, for the 8-bit picture */
    uint64_t seed;
    LimOracleSettings oracle; /* of LIM_ATTACK_EXTERNAL */
} LimAttackSetup;

/* Over LimAttackSetup, without the oracle, which has a schema of its own. */
extern const LimParamSpec lim_attack_setup_schema[];
