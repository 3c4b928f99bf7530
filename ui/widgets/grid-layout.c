/* Pictures get a whole factor, so that their pixels are squares of equal size; the number of
 * columns is tried out. */
#include "widgets/grid-layout.h"

#include <glib.h>

LimGridLayout
lim_grid_layout(int n, int width, int height, int area_w, int area_h, int gap, int caption)
{
    /* [1]: among grids without empty cells. Factor 0 does not fit. */
    int best[2] = {0}, factor[2] = {-1, -1}, shape[2] = {0};

    for (int columns = 1; columns <= n; columns++) {
        int rows = (n + columns - 1) / columns;
        int fx = (area_w - (columns - 1) * gap) / (columns * width);
        int fy = (area_h - (rows - 1) * gap - rows * caption) / (rows * height);
        int f = MAX(MIN(fx, fy), 0);

        for (int full = 0; full <= (columns * rows == n); full++) {
            /* Of equal factors the one nearest to a square. */
            if (f < factor[full] || (f == factor[full] && ABS(columns - rows) >= shape[full]))
                continue;
            best[full] = columns;
            factor[full] = f;
            shape[full] = ABS(columns - rows);
        }
    }
    /* A full grid is worth pictures that are up to a fifth smaller. */
    int full = factor[1] * 5 >= factor[0] * 4;
    LimGridLayout l = {.columns = best[full],
                       .factor = MAX(factor[full], 1),
                       .gap = gap,
                       .caption = caption};

    l.rows = (n + l.columns - 1) / l.columns;
    l.cell_w = l.factor * width;
    l.cell_h = l.factor * height;
    int total_w = l.columns * (l.cell_w + gap) - gap;
    int total_h = l.rows * (l.cell_h + caption + gap) - gap;
    l.x = MAX((area_w - total_w) / 2, 0);
    l.y = MAX((area_h - total_h) / 2, 0);
    return l;
}

int
lim_grid_layout_find(const LimGridLayout *l, int n, double *x, double *y)
{
    double dx = *x - l->x, dy = *y - l->y;
    int step_x = l->cell_w + l->gap, step_y = l->cell_h + l->caption + l->gap;

    if (dx < 0 || dy < 0)
        return -1;
    int column = (int)dx / step_x, row = (int)dy / step_y;
    dx -= column * step_x;
    dy -= row * step_y;
    if (column >= l->columns || row >= l->rows || row * l->columns + column >= n ||
        dx >= l->cell_w || dy >= l->cell_h + l->caption)
        return -1;
    *x = dx / l->factor;
    *y = MIN(dy, l->cell_h - 1) / l->factor;
    return row * l->columns + column;
}
