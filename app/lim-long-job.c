/* A ticket of the worker, and a serial by which late news is told from news. */
#include "lim-long-job.h"

typedef struct {
    GWeakRef owner;
    guint64 serial;
    LimLongJob *job; /* lives while the owner does */
} Address;

/* The owner, if the news is of the job that goes on; unref. */
static gpointer
dup_owner(Address *to)
{
    gpointer owner = g_weak_ref_get(&to->owner);

    if (owner && to->serial != to->job->serial)
        g_clear_object(&owner);
    return owner;
}

static void
progressed(void *data, const LimProgress *progress, LimTensor *preview)
{
    Address *to = data;
    g_autoptr(GObject) owner = dup_owner(to);

    if (owner && to->job->progressed)
        to->job->progressed(owner);
}

static void
stopped(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    Address *to = data;
    g_autoptr(GObject) owner = dup_owner(to);

    if (!owner)
        return;
    to->job->ticket = 0;
    to->job->stopped(owner, t, status, err);
}

static void
drop(void *data)
{
    Address *to = data;

    g_weak_ref_clear(&to->owner);
    g_free(to);
}

void
lim_long_job_halt(LimLongJob *job)
{
    if (job->ticket)
        lim_worker_cancel(job->worker, job->ticket);
    job->ticket = 0;
    job->serial++;
}

void
lim_long_job_go_on(LimLongJob *job, LimWorker *worker, gpointer owner, LimTask *task,
                   void (*more)(gpointer owner),
                   void (*over)(gpointer owner, LimTask *task, LimStatus status,
                                const LimError *err))
{
    Address *to = g_new0(Address, 1);

    lim_long_job_halt(job);
    g_weak_ref_init(&to->owner, owner);
    to->serial = job->serial;
    to->job = job;
    job->worker = worker;
    job->progressed = more;
    job->stopped = over;
    job->ticket = lim_worker_submit(
        worker, task, LIM_LANE_LONG, 0, 0,
        (LimTaskEvents){.progress = progressed, .done = stopped, .drop = drop, .data = to});
}

gboolean
lim_long_job_goes_on(const LimLongJob *job)
{
    return job->ticket != 0;
}
