/* Where the texts of boxes stand on a picture, so that they cover each other only where there is no
 * room. */
#pragma once

typedef struct LimLabelPlace {
    double x0, y0, x1, y1; /* the box */
    double w, h;           /* of its text; 0: it has none */
    double x, y;           /* receives the upper left corner of the text */
} LimLabelPlace;

/* Each text, the first before the second, takes the first place where it covers none of those
 * before: above its box, in it from top to bottom, below it; there at the left, then at the right.
 * None is outside the picture of width x height, unless it is larger than that. */
void lim_labels_place(LimLabelPlace *labels, int n, double width, double height);
