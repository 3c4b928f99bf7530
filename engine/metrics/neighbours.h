/* Nearest neighbours and balls in feature space, exactly, for sets of ten thousands.
 *
 * Euclidean distances, squared, in double. Rows are handled in ranges, so that a stepper can do a
 * part at a time; a cancelled call returns LIM_CANCELLED in less than 50 ms. Results do not depend
 * on threads or the instruction set. */
#pragma once

#include "base/status.h"
#include "run/exec.h"

typedef struct LimPoints {
    const float *x; /* [n][size], borrowed */
    int n, size;
    float *low; /* [n]: a little less than |x|^2 */
    double slack;
} LimPoints;

void lim_points_init(LimPoints *p, const float *x, int n, int size);
void lim_points_clear(LimPoints *p);

/* For points first .. first + rows - 1: the squared distances to the k nearest others, ascending,
 * to nearest [rows][k]. A point is no neighbour of itself, its duplicates are. k < n. */
LimStatus lim_nearest(const LimExec *exec, const LimPoints *p, int first, int rows, int k,
                      double *nearest, LimError *err);

/* Balls around centres first .. first + rows - 1; radius2 [rows] at `stride` apart are their
 * squared radii (of the first one of the range first). closed: a point at the very radius is
 * inside. inside [rows]: how many points lie in each; around [points->n], added to: in how many of
 * these balls each point lies. Either may be NULL. */
LimStatus lim_balls(const LimExec *exec, const LimPoints *centres, int first, int rows,
                    const double *radius2, int stride, bool closed, const LimPoints *points,
                    int *inside, int *around, LimError *err);
