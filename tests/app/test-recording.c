/* The recording of an attack: any of 25,000 frames at once, within bounds of memory, while another
 * thread still appends. */
#include "panes/attack/recording.h"

#include <glib.h>
#include <math.h>

#define SIZE 1024 /* 32 x 32 */
#define N    25000

static void
fill(LimRecording *r, int i, float *picture)
{
    LimFrame f = {.queries = i + 3,
                  .distance = 1.0 / (i + 1),
                  .accepted = i % 2,
                  .picture = picture};

    if (i % 2 == 0) /* the others show the same */
        for (int k = 0; k < SIZE; k++)
            picture[k] = (float)(i + k);
    lim_recording_append(r, &f, false);
}

static void
check(const LimRecording *r, int i)
{
    const LimFrame *f = lim_recording_frame(r, i);
    const float *x = lim_recording_picture(r, i);

    g_assert_cmpint(f->queries, ==, i + 3);
    g_assert_cmpfloat(f->distance, ==, 1.0 / (i + 1));
    g_assert_cmpfloat((double)x[0], ==, i / 2 * 2);
    g_assert_cmpfloat((double)x[SIZE - 1], ==, i / 2 * 2 + SIZE - 1);
}

static void
test_frames(void)
{
    LimRecording *r = lim_recording_new(SIZE);
    float picture[SIZE];

    g_assert_cmpint(lim_recording_n(r), ==, 0);
    for (int i = 0; i < N; i++)
        fill(r, i, picture);
    g_assert_cmpint(lim_recording_n(r), ==, N);
    for (int i = 0; i < N; i += 7)
        check(r, i);
    check(r, N - 1);
    /* Equal pictures are stored once. */
    g_assert_true(lim_recording_picture(r, 10) == lim_recording_picture(r, 11));
    g_assert_true(lim_recording_picture(r, 10) != lim_recording_picture(r, 12));
    g_assert_cmpuint(lim_recording_bytes(r), <, (gsize)60 << 20);
    lim_recording_free(r);

    /* None equal: the worst case. */
    r = lim_recording_new(SIZE);
    for (int i = 0; i < N; i++)
        fill(r, 2 * i, picture);
    g_assert_cmpuint(lim_recording_bytes(r), <, (gsize)150 << 20);
    lim_recording_free(r);
}

static gpointer
append_all(gpointer data)
{
    float picture[SIZE];

    for (int i = 0; i < N; i++)
        fill(data, i, picture);
    return NULL;
}

static void
test_threads(void)
{
    LimRecording *r = lim_recording_new(SIZE);
    GThread *thread = g_thread_new("writer", append_all, r);
    int n;

    do {
        n = lim_recording_n(r);
        if (n) {
            check(r, n - 1);
            check(r, n / 2);
        }
    } while (n < N);
    g_thread_join(thread);
    lim_recording_free(r);
}

/* More than fits: what is there stays. */
static void
test_full(void)
{
    LimRecording *r = lim_recording_new(1);
    float x = 1;

    for (int i = 0; i < LIM_RECORDING_FRAMES + 10; i++)
        lim_recording_append(r, &(LimFrame){.queries = i, .picture = &x}, i % 2);
    g_assert_cmpint(lim_recording_n(r), ==, LIM_RECORDING_FRAMES);
    lim_recording_free(r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recording/frames", test_frames);
    g_test_add_func("/recording/threads", test_threads);
    g_test_add_func("/recording/full", test_full);
    return g_test_run();
}
