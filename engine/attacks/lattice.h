/* The nearest 8-bit picture that still fools; the common end of every attack. Asks for labels only,
 * so it serves attacks that see nothing else. */
#pragma once

#include "attacks/attack.h"

typedef struct LimLattice LimLattice;

/* After the attack: works on the pictures that fool (a->best) and writes a->best8. */
LimLattice *lim_lattice_new(LimAttack *a);
void lim_lattice_free(LimLattice *l); /* NULL is fine */
/* One query for every picture that is not finished. */
LimStep lim_lattice_step(LimLattice *l, const LimExec *exec, LimProgress *progress, LimError *err);
