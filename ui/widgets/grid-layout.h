/* Where pictures of one size go in an area: arithmetic without a widget. */
#pragma once

/* In device pixels. The cell of picture i is at column i % columns, row i / columns; cells are
 * (cell_w + gap) and (cell_h + caption + gap) apart. */
typedef struct LimGridLayout {
    int columns, rows;
    int factor; /* picture pixels are factor x factor device pixels */
    int x, y;   /* of the first picture */
    int cell_w, cell_h;
    int gap, caption;
} LimGridLayout;

/* n >= 1 pictures of width x height into an area of area_w x area_h device pixels; gap and caption
 * (0: none) in device pixels. The factor is at least 1, even when that does not fit. The
 * columns give the largest factor, or a grid without empty cells at no less than 4/5 of it. */
LimGridLayout lim_grid_layout(int n, int width, int height, int area_w, int area_h, int gap,
                              int caption);
/* The picture at a point in device pixels (captions count), -1 for none. x and y become the place
 * in it, in picture pixels, cut to the picture. */
int lim_grid_layout_find(const LimGridLayout *l, int n, double *x, double *y);
