/* The way from settings to the screen that all parts share: serial numbers, so that late results
 * are not shown over newer ones; the sign of being behind; and how long it took. */
#include "panes/generate/part.h"

#include "panes/generate/generate.h"

#define STALE_AFTER_MS 150

typedef struct {
    GtkWidget *child;
    char *title;
    char *subtitle;
    char *status;
    guint64 posted_serial; /* 0: none yet */
    guint64 shown_serial;
    guint stale_source;
    gboolean stale;
    gulong paint_handler; /* on the frame clock, while a result is on its way to the screen */
    GdkFrameClock *clock;
    gint64 finished; /* when the worker was done, monotonic, microseconds */
    LimTiming timing;
} LimGeneratePartPrivate;

enum { PROP_TITLE = 1, PROP_SUBTITLE, PROP_STATUS, PROP_STALE, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(LimGeneratePart, lim_generate_part, GTK_TYPE_WIDGET)

#define PRIV(self) ((LimGeneratePartPrivate *)lim_generate_part_get_instance_private(self))

typedef struct {
    GWeakRef part;
    guint64 serial;
    gint64 submitted;
} Post;

static void
post_free(gpointer data)
{
    Post *post = data;

    g_weak_ref_clear(&post->part);
    g_free(post);
}

static void
set_text(LimGeneratePart *self, char **slot, const char *text, int prop)
{
    if (g_strcmp0(*slot, text) == 0)
        return;
    g_free(*slot);
    *slot = g_strdup(text);
    g_object_notify_by_pspec(G_OBJECT(self), props[prop]);
}

void
lim_generate_part_set_title(LimGeneratePart *self, const char *title, const char *subtitle)
{
    set_text(self, &PRIV(self)->title, title, PROP_TITLE);
    set_text(self, &PRIV(self)->subtitle, subtitle, PROP_SUBTITLE);
}

void
lim_generate_part_set_status(LimGeneratePart *self, const char *status)
{
    set_text(self, &PRIV(self)->status, status, PROP_STATUS);
}

void
lim_generate_part_set_child(LimGeneratePart *self, GtkWidget *child)
{
    PRIV(self)->child = child;
    gtk_widget_set_parent(child, GTK_WIDGET(self));
}

static void
set_stale(LimGeneratePart *self, gboolean stale)
{
    LimGeneratePartPrivate *priv = PRIV(self);

    g_clear_handle_id(&priv->stale_source, g_source_remove);
    if (stale == priv->stale)
        return;
    priv->stale = stale;
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STALE]);
}

static gboolean
now_stale(gpointer data)
{
    PRIV(data)->stale_source = 0;
    set_stale(data, TRUE);
    return G_SOURCE_REMOVE;
}

static void
forget_paint(LimGeneratePart *self)
{
    LimGeneratePartPrivate *priv = PRIV(self);

    /* A clock whose window is gone has dropped its handlers already. */
    if (priv->clock && g_signal_handler_is_connected(priv->clock, priv->paint_handler))
        g_signal_handler_disconnect(priv->clock, priv->paint_handler);
    g_clear_object(&priv->clock);
}

static void
painted(LimGeneratePart *self)
{
    LimGeneratePartPrivate *priv = PRIV(self);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    double shown = (double)(g_get_monotonic_time() - priv->finished) / 1000;

    forget_paint(self);
    if (pane)
        lim_generate_set_timing(pane, self, priv->timing.queued_ms, priv->timing.ran_ms, shown);
}

static void
watch_paint(LimGeneratePart *self)
{
    LimGeneratePartPrivate *priv = PRIV(self);
    GdkFrameClock *clock = gtk_widget_get_frame_clock(GTK_WIDGET(self));

    forget_paint(self);
    if (!clock)
        return;
    priv->clock = g_object_ref(clock);
    priv->paint_handler = g_signal_connect_swapped(clock, "after-paint", G_CALLBACK(painted), self);
}

static void
done(void *data, LimTask *task, LimStatus status, const LimError *err, const LimTiming *timing)
{
    Post *post = data;
    g_autoptr(LimGeneratePart) self = g_weak_ref_get(&post->part);
    LimGenerate *pane = self ? lim_generate_of(GTK_WIDGET(self)) : NULL;

    if (!pane || status == LIM_CANCELLED)
        return;
    LimGeneratePartPrivate *priv = PRIV(self);
    LimGeneratePartClass *klass = LIM_GENERATE_PART_GET_CLASS(self);
    if (post->serial <= priv->shown_serial)
        return;
    priv->shown_serial = post->serial;
    if (status != LIM_OK) {
        set_stale(self, FALSE);
        if (klass->failed)
            klass->failed(self, err);
        lim_generate_part_failed(pane, self, err->text);
        return;
    }
    klass->done(self, task);
    lim_generate_part_shown(pane, self);
    if (post->serial == priv->posted_serial) {
        set_stale(self, FALSE);
    } else if (!priv->stale && priv->stale_source) { /* behind, but moving */
        g_source_remove(priv->stale_source);
        priv->stale_source = g_timeout_add(STALE_AFTER_MS, now_stale, self);
    }
    priv->timing = *timing;
    priv->finished = post->submitted + (gint64)(1000 * (timing->queued_ms + timing->ran_ms));
    watch_paint(self);
}

void
lim_generate_part_post(LimGeneratePart *self, LimTask *task, LimGenerateSlot slot)
{
    LimGeneratePartPrivate *priv = PRIV(self);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    Post *post = g_new0(Post, 1);

    g_weak_ref_init(&post->part, self);
    post->serial = ++priv->posted_serial;
    post->submitted = g_get_monotonic_time();
    if (!priv->stale && !priv->stale_source)
        priv->stale_source = g_timeout_add(STALE_AFTER_MS, now_stale, self);
    lim_worker_submit(lim_session_get_worker(lim_pane_get_session(LIM_PANE(pane))), task,
                      LIM_LANE_LIVE, (int)slot, 0,
                      (LimTaskEvents){.done = done, .drop = post_free, .data = post});
}

gboolean
lim_generate_part_get_current(LimGeneratePart *self)
{
    return PRIV(self)->posted_serial && PRIV(self)->posted_serial == PRIV(self)->shown_serial;
}

void
lim_generate_part_update(LimGeneratePart *self)
{
    LIM_GENERATE_PART_GET_CLASS(self)->update(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimGeneratePartPrivate *priv = PRIV(LIM_GENERATE_PART(object));

    switch (id) {
    case PROP_TITLE:
        g_value_set_string(value, priv->title);
        break;
    case PROP_SUBTITLE:
        g_value_set_string(value, priv->subtitle);
        break;
    case PROP_STATUS:
        g_value_set_string(value, priv->status);
        break;
    case PROP_STALE:
        g_value_set_boolean(value, priv->stale);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
dispose(GObject *object)
{
    LimGeneratePart *self = LIM_GENERATE_PART(object);
    LimGeneratePartPrivate *priv = PRIV(self);

    g_clear_handle_id(&priv->stale_source, g_source_remove);
    forget_paint(self);
    g_clear_pointer(&priv->child, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_generate_part_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimGeneratePartPrivate *priv = PRIV(LIM_GENERATE_PART(object));

    g_free(priv->title);
    g_free(priv->subtitle);
    g_free(priv->status);
    G_OBJECT_CLASS(lim_generate_part_parent_class)->finalize(object);
}

static void
lim_generate_part_class_init(LimGeneratePartClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    object_class->get_property = get_property;
    object_class->dispose = dispose;
    object_class->finalize = finalize;
    props[PROP_TITLE] = g_param_spec_string("title", NULL, NULL, NULL, flags);
    props[PROP_SUBTITLE] = g_param_spec_string("subtitle", NULL, NULL, NULL, flags);
    props[PROP_STATUS] = g_param_spec_string("status", NULL, NULL, NULL, flags);
    props[PROP_STALE] = g_param_spec_boolean("stale", NULL, NULL, FALSE, flags);
    g_object_class_install_properties(object_class, N_PROPS, props);
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_generate_part_init(LimGeneratePart *self)
{
}
