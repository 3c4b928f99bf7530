/* The recording grows in blocks whose addresses stand in tables of fixed length, so nothing that a
 * reader holds is ever moved; the number of frames, stored last, is what publishes them. */
#include "panes/attack/recording.h"

#include "base/status.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES   1024 /* in a block */
#define PICTURES 256

struct LimRecording {
    size_t size;
    atomic_int n;
    int pictures;
    atomic_size_t bytes;
    LimFrame *frames[LIM_RECORDING_FRAMES / FRAMES];
    float *blocks[LIM_RECORDING_FRAMES / PICTURES]; /* [PICTURES][size] each */
};

LimRecording *
lim_recording_new(size_t size)
{
    LimRecording *r = lim_alloc(1, sizeof *r);

    r->size = size;
    return r;
}

void
lim_recording_free(LimRecording *r)
{
    if (!r)
        return;
    for (int i = 0; i < LIM_RECORDING_FRAMES / FRAMES; i++)
        free(r->frames[i]);
    for (int i = 0; i < LIM_RECORDING_FRAMES / PICTURES; i++)
        free(r->blocks[i]);
    free(r);
}

int
lim_recording_n(const LimRecording *r)
{
    return atomic_load_explicit(&((LimRecording *)(void *)r)->n, memory_order_acquire);
}

size_t
lim_recording_bytes(const LimRecording *r)
{
    return atomic_load(&((LimRecording *)(void *)r)->bytes);
}

static float *
picture_at(const LimRecording *r, int i)
{
    return r->blocks[i / PICTURES] + (size_t)(i % PICTURES) * r->size;
}

const LimFrame *
lim_recording_frame(const LimRecording *r, int i)
{
    LIM_ASSERT(i >= 0 && i < lim_recording_n(r));
    return &r->frames[i / FRAMES][i % FRAMES];
}

const float *
lim_recording_picture(const LimRecording *r, int i)
{
    return lim_recording_frame(r, i)->picture;
}

static const float *
store_picture(LimRecording *r, const float *picture)
{
    const size_t bytes = r->size * sizeof *picture;

    if (r->pictures > 0 && memcmp(picture_at(r, r->pictures - 1), picture, bytes) == 0)
        return picture_at(r, r->pictures - 1);
    float **block = &r->blocks[r->pictures / PICTURES];
    if (!*block) {
        *block = lim_alloc(PICTURES, bytes);
        atomic_fetch_add(&r->bytes, PICTURES * bytes);
    }
    memcpy(picture_at(r, r->pictures), picture, bytes);
    return picture_at(r, r->pictures++);
}

void
lim_recording_append(LimRecording *r, const LimFrame *frame, bool borrowed)
{
    const int n = atomic_load_explicit(&r->n, memory_order_relaxed);

    if (n == LIM_RECORDING_FRAMES)
        return;
    LimFrame **block = &r->frames[n / FRAMES];
    if (!*block) {
        *block = lim_alloc(FRAMES, sizeof **block);
        atomic_fetch_add(&r->bytes, FRAMES * sizeof **block);
    }
    (*block)[n % FRAMES] = *frame;
    if (!borrowed)
        (*block)[n % FRAMES].picture = store_picture(r, frame->picture);
    atomic_store_explicit(&r->n, n + 1, memory_order_release);
}
