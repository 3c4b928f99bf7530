/* Batches: a pass shows every chosen picture once, the next one in another order, and a batch is
 * the same however one came to its step. */
#include "toy.h"
#include "train/batches.h"

#include <string.h>

#define SIZE 8

static void
begin(LimBatches *b, const LimDataset *data, uint64_t seed)
{
    LimError err = LIM_ERROR_INIT;
    int n;
    uint32_t *chosen = lim_dataset_of_classes(data, "0,2", &n, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(n, ==, 20);
    lim_batches_init(b, data, chosen, n, 5, SIZE, seed);
    g_assert_cmpint(b->per_pass, ==, 4);
}

static void
test_passes(void)
{
    LimDataset *data = toy_dataset(30, 1, SIZE, 3, 5);
    LimBatches b;
    begin(&b, data, 7);
    uint32_t seen[2][20];
    for (int pass = 0; pass < 2; pass++) {
        int times[30] = {0};
        for (int step = 0; step < 4; step++) {
            lim_batches_draw(&b, 4 * pass + step);
            memcpy(seen[pass] + 5 * step, b.index, sizeof *b.index * 5);
            float pictures[5 * SIZE * SIZE];
            int32_t labels[5];
            lim_dataset_batch(data, b.index, 5, SIZE, pictures, labels);
            g_assert_cmpmem(b.pictures, sizeof pictures, pictures, sizeof pictures);
            g_assert_cmpmem(b.labels, sizeof labels, labels, sizeof labels);
            for (int i = 0; i < 5; i++) {
                g_assert_cmpint(labels[i], !=, 1);
                times[b.index[i]]++;
            }
        }
        for (int i = 0; i < 30; i++)
            g_assert_cmpint(times[i], <=, 1);
    }
    g_assert_true(memcmp(seen[0], seen[1], sizeof *seen) != 0);

    /* anew, from the middle */
    LimBatches c;
    begin(&c, data, 7);
    for (int step = 7; step >= 0; step--) {
        lim_batches_draw(&c, step);
        g_assert_cmpmem(c.index, 5 * sizeof *c.index, seen[step / 4] + step % 4 * 5,
                        5 * sizeof *c.index);
    }
    lim_batches_clear(&c);
    begin(&c, data, 8);
    lim_batches_draw(&c, 0);
    g_assert_true(memcmp(c.index, seen[0], 5 * sizeof *c.index) != 0);
    lim_batches_clear(&c);

    g_assert_cmpuint(lim_batches_number(&b, 3, 2), ==, 17);
    g_assert_cmpuint(lim_batches_number(&b, G_MAXINT32, 0), ==, UINT64_C(5) * G_MAXINT32);
    lim_batches_clear(&b);
    lim_dataset_free(data);
}

static void
test_mirror(void)
{
    float odd[2][3] = {{1, 2, 3}, {4, 5, 6}}, even[1][4] = {{1, 2, 3, 4}};
    lim_mirror(*odd, 2, 3);
    lim_mirror(*even, 1, 4);
    g_assert_cmpmem(odd, sizeof odd, ((float[]){3, 2, 1, 6, 5, 4}), 6 * sizeof(float));
    g_assert_cmpmem(even, sizeof even, ((float[]){4, 3, 2, 1}), 4 * sizeof(float));
}

static void
test_count_right(void)
{
    const float logits[3][3] = {{0, 2, 1}, {-1, -2, -3}, {5, 5, 1}};
    g_assert_cmpint(lim_count_right(*logits, (int32_t[]){1, 0, 0}, 3, 3), ==, 3);
    g_assert_cmpint(lim_count_right(*logits, (int32_t[]){2, 1, 1}, 3, 3), ==, 0); /* the first */
    g_assert_cmpint(lim_count_right(*logits, (int32_t[]){1, 2, 1}, 2, 3), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batches/passes", test_passes);
    g_test_add_func("/batches/mirror", test_mirror);
    g_test_add_func("/batches/count-right", test_count_right);
    return g_test_run();
}
