/* LimSession: owns pool, worker and model, in the order in which they must go. */
#include "lim-session.h"

#include "shipped.h"

struct _LimSession {
    GObject parent_instance;
    LimPool *pool;
    LimExec exec;
    LimWorker *worker;
    LimModel *model;
    char *error;
    guint64 opened; /* number of lim_session_open() calls: only the last counts */
};

enum { MODEL_CHANGED, OTHER_OPENED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimSession, lim_session, G_TYPE_OBJECT)

LimTarget *
lim_target_new(gpointer object, guint64 serial)
{
    LimTarget *target = g_new0(LimTarget, 1);

    g_weak_ref_init(&target->object, object);
    target->serial = serial;
    return target;
}

void
lim_target_free(gpointer data)
{
    LimTarget *target = data;

    g_weak_ref_clear(&target->object);
    g_free(target);
}

typedef struct {
    void (*fn)(void *arg);
    void *arg;
} Post;

static gboolean
run_post(gpointer data)
{
    Post *post = data;

    post->fn(post->arg);
    return G_SOURCE_REMOVE;
}

/* At default priority: GTK redraws at a higher one than idle sources have, so news sent as plain
 * idle sources would wait for the window to come to rest. */
static void
post_to_main(void *ctx, void (*fn)(void *arg), void *arg)
{
    Post *post = g_new(Post, 1);

    *post = (Post){fn, arg};
    g_idle_add_full(G_PRIORITY_DEFAULT, run_post, post, g_free);
}

static void
opened(void *data, LimTask *task, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimSession) self = g_weak_ref_get(&target->object);

    if (!self || target->serial != self->opened || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK && *lim_load_task_holds(task)) {
        gboolean taken = FALSE;
        g_signal_emit(self, signals[OTHER_OPENED], 0, lim_load_task_holds(task),
                      lim_load_task_path(task), &taken);
        if (taken)
            return;
    }
    g_clear_pointer(&self->error, g_free);
    if (status == LIM_OK) {
        lim_model_unref(self->model);
        self->model = lim_load_task_steal(task);
    } else {
        self->error = g_strdup(err->text);
    }
    g_signal_emit(self, signals[MODEL_CHANGED], 0);
}

void
lim_session_open(LimSession *self, const char *path)
{
    LimTaskEvents events = {.done = opened,
                            .drop = lim_target_free,
                            .data = lim_target_new(self, ++self->opened)};

    lim_worker_submit(self->worker, lim_load_task_new(path), LIM_LANE_LONG, 0, 0, events);
}

LimModel *
lim_session_get_model(LimSession *self)
{
    return self->model;
}

const char *
lim_session_get_error(LimSession *self)
{
    return self->error;
}

LimWorker *
lim_session_get_worker(LimSession *self)
{
    return self->worker;
}

char *
lim_session_dup_model_path(const char *name)
{
    return lim_shipped_model(name); /* g_free() is free() */
}

char *
lim_session_dup_default_path(void)
{
    return lim_session_dup_model_path(LIMEN_DEFAULT_MODEL);
}

static void
finalize(GObject *object)
{
    LimSession *self = LIM_SESSION(object);

    lim_worker_free(self->worker);
    lim_model_unref(self->model);
    lim_pool_free(self->pool);
    g_free(self->error);
    G_OBJECT_CLASS(lim_session_parent_class)->finalize(object);
}

static void
lim_session_class_init(LimSessionClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = finalize;
    signals[MODEL_CHANGED] = g_signal_new("model-changed", LIM_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
    signals[OTHER_OPENED] =
        g_signal_new("other-opened", LIM_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0,
                     g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 2,
                     G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE,
                     G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lim_session_init(LimSession *self)
{
    self->pool = lim_pool_new(0);
    self->exec = (LimExec){.kernels = lim_kernels_best(), .pool = self->pool};
    self->worker = lim_worker_new(&self->exec, (LimPost){post_to_main, NULL});
}

LimSession *
lim_session_new(void)
{
    return g_object_new(LIM_TYPE_SESSION, NULL);
}
