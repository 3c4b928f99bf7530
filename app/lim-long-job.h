/* The one long job that a view, or a page of it, goes on with: another one takes its place, and
 * what a job that was halted has still to say is not heard.
 *
 * It lies in a GObject, its owner, zeroed at first, and needs no clearing: nothing is told to an
 * owner that is gone. */
#pragma once

#include "lim-session.h"

typedef struct LimLongJob {
    LimWorker *worker; /* borrowed */
    uint64_t ticket;   /* 0: nothing goes on */
    guint64 serial;
    /* There is more to show; NULL is fine. */
    void (*progressed)(gpointer owner);
    /* It is over; the task lives as long as the call. */
    void (*stopped)(gpointer owner, LimTask *task, LimStatus status, const LimError *err);
} LimLongJob;

/* Runs the task (taken) instead of the one before. */
void lim_long_job_go_on(LimLongJob *job, LimWorker *worker, gpointer owner, LimTask *task,
                        void (*progressed)(gpointer owner),
                        void (*stopped)(gpointer owner, LimTask *task, LimStatus status,
                                        const LimError *err));
void lim_long_job_halt(LimLongJob *job);
gboolean lim_long_job_goes_on(const LimLongJob *job);
