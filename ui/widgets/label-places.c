/* Greedy: a text that stands is never moved for one that comes later. */
#include "widgets/label-places.h"

#include <glib.h>
#include <math.h>

/* The area of a text at x, y that covers the n texts that stand already. */
static double
covered(const LimLabelPlace *standing, int n, const LimLabelPlace *one, double x, double y)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        const LimLabelPlace *s = &standing[i];
        const double w = MIN(x + one->w, s->x + s->w) - MAX(x, s->x);
        const double h = MIN(y + one->h, s->y + s->h) - MAX(y, s->y);
        sum += w > 0 && h > 0 ? w * h : 0;
    }
    return sum;
}

/* Tries a line of places; TRUE: nothing is covered at x, y of the text. least: what is covered at
 * the best place so far. */
static gboolean
try_line(const LimLabelPlace *standing, int n, LimLabelPlace *one, double y, double width,
         double *least)
{
    const double at[] = {one->x0, one->x1 - one->w};

    for (gsize k = 0; k < G_N_ELEMENTS(at) && *least > 0; k++) {
        const double x = CLAMP(at[k], 0, MAX(width - one->w, 0));
        const double much = covered(standing, n, one, x, y);
        if (much < *least) {
            one->x = x;
            one->y = y;
            *least = much;
        }
    }
    return *least <= 0;
}

static void
place(const LimLabelPlace *standing, int n, LimLabelPlace *one, double width, double height)
{
    const double lowest = MAX(height - one->h, 0), top = CLAMP(one->y0, 0, lowest);
    const double above = one->y0 - one->h;
    double least = (double)INFINITY;

    if (above >= 0 && above <= lowest && try_line(standing, n, one, above, width, &least))
        return;
    for (double y = top; y <= lowest && (y <= top || y + one->h <= one->y1); y += one->h)
        if (try_line(standing, n, one, y, width, &least))
            return;
    if (one->y1 <= lowest)
        try_line(standing, n, one, MAX(one->y1, 0), width, &least);
}

void
lim_labels_place(LimLabelPlace *labels, int n, double width, double height)
{
    for (int i = 0; i < n; i++)
        if (labels[i].w > 0 && labels[i].h > 0)
            place(labels, i, &labels[i], width, height);
}
