/* What an attack of the view is made from. */
#pragma once

#include "attacks/attack.h"
#include "panes/attack/setup.h"

/* A picture that no data set has: a PNG file, or bytes from another view. */
typedef struct LimOwnPicture {
    char *path; /* of the file; NULL: planes */
    int c, h, w;
    float *planes; /* [c][h][w] in [0,1], of the classifier's shape */
    char *from;    /* path or name of what it is from, as files say it */
    int index;     /* which of its pictures */
    char *flags;   /* of limen-cli, that make it; for the seed below */
    uint64_t seed;
} LimOwnPicture;

void lim_own_copy(LimOwnPicture *to, const LimOwnPicture *from);
void lim_own_clear(LimOwnPicture *own);

/* What an attack is made from. Everything is copied. */
typedef struct LimAttackPlan {
    LimAttackSetup setup;
    char *model;    /* path; NULL: the first of the list */
    char *denoiser; /* path; NULL: none */
    const LimAttackClass *method;
    void *params; /* of the method */
    LimOwnPicture own;
} LimAttackPlan;

void lim_attack_plan_copy(LimAttackPlan *to, const LimAttackPlan *from);
void lim_attack_plan_clear(LimAttackPlan *plan);
bool lim_attack_plan_equal(const LimAttackPlan *a, const LimAttackPlan *b);
/* Do they walk the same way, as long as there is no restart? */
bool lim_attack_plan_same_way(const LimAttackPlan *a, const LimAttackPlan *b);
/* Queries of the budget that the attack itself may ask, beside the 8-bit search and the checks of
 * the clean picture, the result and its 8-bit picture; below 1: it cannot try anything. */
#define LIM_ATTACK_CHECKS 3
int lim_attack_plan_spare(const LimAttackPlan *plan);
/* Where the plan has a Boundary Attack restart (boundary.h), borrowed; NULL: another attack. */
const char *lim_attack_plan_restarts(const LimAttackPlan *plan);
