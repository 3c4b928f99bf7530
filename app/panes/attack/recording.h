/* An attack as a film: what was known after each of its steps, and the picture it held then.
 *
 * One thread appends, another reads, without a lock: frames and pictures never move, and a frame
 * can be seen only once all of it is there. A picture is stored once for all frames that show it.
 * 25,000 steps with a picture of 32 x 32 floats each take 100 MB and a little. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIM_RECORDING_FRAMES 65536 /* at most; further ones are left out */

typedef struct LimFrame {
    int64_t queries, gradients; /* asked so far */
    double distance;            /* of the picture, in the norm of the attack */
    double l2;                  /* of the picture */
    double size[2];             /* orthogonal and source step; NaN: the attack has none */
    double rate[2];             /* of success; NaN: not known */
    const float *picture;       /* [size] */
    int label;                  /* what was said of the picture; -1: not known */
    bool fools;                 /* the picture does */
    bool proposal, accepted;
} LimFrame;

typedef struct LimRecording LimRecording;

LimRecording *lim_recording_new(size_t size); /* values of a picture */
void lim_recording_free(LimRecording *r);     /* NULL is fine */
/* One thread. frame->picture [size] is copied unless it equals that of the last frame; or
 * (borrowed) stays where it is, for as long as the recording lives. */
void lim_recording_append(LimRecording *r, const LimFrame *frame, bool borrowed);
/* Any thread. */
int lim_recording_n(const LimRecording *r);
const LimFrame *lim_recording_frame(const LimRecording *r, int i); /* borrowed */
const float *lim_recording_picture(const LimRecording *r, int i);  /* borrowed, [size] */
size_t lim_recording_bytes(const LimRecording *r);                 /* that it holds */
