/* Texts of boxes: in the picture, beside their boxes, and not on each other where there is room. */
#include <glib.h>

#include "widgets/label-places.h"

#define SIDE 192 /* of the picture */
#define W    60  /* of a text */
#define H    12

static LimLabelPlace
box(double x0, double y0, double x1, double y1)
{
    return (LimLabelPlace){.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .w = W, .h = H};
}

static void
assert_at(const LimLabelPlace *l, double x, double y)
{
    g_assert_cmpfloat(l->x, ==, x);
    g_assert_cmpfloat(l->y, ==, y);
}

static void
test_alone(void)
{
    LimLabelPlace l = box(20, 50, 100, 90);

    lim_labels_place(&l, 1, SIDE, SIDE);
    assert_at(&l, 20, 50 - H);
    l = box(20, 5, 100, 90); /* no room above */
    lim_labels_place(&l, 1, SIDE, SIDE);
    assert_at(&l, 20, 5);
    l = box(150, 50, 190, 90); /* nor to the right */
    lim_labels_place(&l, 1, SIDE, SIDE);
    assert_at(&l, SIDE - W, 50 - H);
    l = box(-30, -20, 250, 260); /* a box may be larger than the picture */
    lim_labels_place(&l, 1, SIDE, SIDE);
    assert_at(&l, 0, 0);
    l = box(20, 50, 100, 90);
    lim_labels_place(&l, 1, W / 2, H / 2); /* so may a text */
    assert_at(&l, 0, 0);
}

/* The same box over and over: above it, then in it, then below it; left before right. */
static void
test_order(void)
{
    LimLabelPlace l[9];

    for (int i = 0; i < 9; i++)
        l[i] = box(20, 50, 20 + 2 * W, 50 + 2.5 * H);
    lim_labels_place(l, 9, SIDE, SIDE);
    for (int i = 0; i < 6; i++)
        assert_at(&l[i], 20 + i % 2 * W, 50 + (i / 2 - 1) * H);
    assert_at(&l[6], 20, 50 + 2.5 * H);
    assert_at(&l[7], 20 + W, 50 + 2.5 * H);
    assert_at(&l[8], 20, 50 - H); /* full: as if it were alone */
}

static void
test_covers_least(void)
{
    LimLabelPlace l[] = {box(0, 0, W, H), box(30, 0, 30 + W, H), box(30, 0, 30 + W, H)};

    /* in a picture of two lines */
    lim_labels_place(l, 3, 30 + W, 2 * H);
    assert_at(&l[0], 0, 0);
    assert_at(&l[1], 30, H);
    assert_at(&l[2], 30, 0); /* covers half of a text, not a whole one */
}

static double
overlap(const LimLabelPlace *a, const LimLabelPlace *b)
{
    const double w = MIN(a->x + a->w, b->x + b->w) - MAX(a->x, b->x);
    const double h = MIN(a->y + a->h, b->y + b->h) - MAX(a->y, b->y);

    return MAX(w, 0) * MAX(h, 0);
}

/* Boxes anywhere: a text stands at its box and in the picture. Four find room; of fifty not all do.
 */
static void
test_many(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    LimLabelPlace l[50];

    for (int round = 0; round < 400; round++) {
        const int n = round % 2 ? 4 : 50;
        double covered = 0;
        for (int i = 0; i < n; i++) {
            const double side = g_rand_double_range(rand, 40, 90);
            const double x = g_rand_double_range(rand, 0, SIDE - side);
            const double y = g_rand_double_range(rand, 0, SIDE - side);
            l[i] = box(x, y, x + side, y + side);
        }
        lim_labels_place(l, n, SIDE, SIDE);
        for (int i = 0; i < n; i++) {
            g_assert_true(l[i].x >= 0 && l[i].x <= SIDE - W);
            g_assert_true(l[i].y >= 0 && l[i].y <= SIDE - H);
            g_assert_true(l[i].x <= l[i].x1 && l[i].x + W >= l[i].x0);
            g_assert_true(l[i].y <= l[i].y1 && l[i].y + H >= l[i].y0);
            for (int k = 0; k < i; k++)
                covered += overlap(&l[i], &l[k]);
        }
        if (n == 4)
            g_assert_cmpfloat(covered, ==, 0);
    }
}

/* What has no text takes no place. */
static void
test_none(void)
{
    LimLabelPlace l[] = {box(20, 50, 100, 90), box(20, 50, 100, 90)};

    l[0].w = l[0].h = 0;
    lim_labels_place(l, 2, SIDE, SIDE);
    assert_at(&l[1], 20, 50 - H);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/label-places/alone", test_alone);
    g_test_add_func("/label-places/order", test_order);
    g_test_add_func("/label-places/covers-least", test_covers_least);
    g_test_add_func("/label-places/many", test_many);
    g_test_add_func("/label-places/none", test_none);
    return g_test_run();
}
