/* LimTransport: playing is a tick callback that counts the time since it began, so that a slow
 * frame skips steps and does not slow the film down. */
#include "widgets/lim-transport.h"

#include <math.h>

static const double speeds[] = {1, 5, 25, 100, 500, 2500};
static const char *const speed_names[] = {"1 step/s",    "5 steps/s",   "25 steps/s",
                                          "100 steps/s", "500 steps/s", "2500 steps/s",
                                          NULL};
#define USUAL_SPEED 4

struct _LimTransport {
    GtkWidget parent_instance;
    GtkWidget *box;
    GtkWidget *first, *back, *play, *forward, *accepted, *end;
    GtkWidget *speed, *scale, *text;
    int last, step;
    gboolean more, playing, following;
    int direction; /* of playing: 1 or -1 */
    guint tick;
    gint64 since;  /* the film began there ... */
    double origin; /* ... at this step */
    gboolean setting;
};

enum { PROP_STEP = 1, PROP_PLAYING, N_PROPS };
static GParamSpec *props[N_PROPS];
enum { MOVED, STEP_WANTED, ACCEPTED_WANTED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimTransport, lim_transport, GTK_TYPE_WIDGET)

static double
get_speed(LimTransport *self)
{
    guint i = gtk_drop_down_get_selected(GTK_DROP_DOWN(self->speed));
    return speeds[i < G_N_ELEMENTS(speeds) ? i : USUAL_SPEED];
}

static void
begin_film(LimTransport *self)
{
    self->since = 0;
    self->origin = self->step;
}

static void
show(LimTransport *self)
{
    gboolean any = self->last >= 0;

    self->setting = TRUE;
    gtk_range_set_range(GTK_RANGE(self->scale), 0, MAX(self->last, 1));
    gtk_range_set_value(GTK_RANGE(self->scale), MAX(self->step, 0));
    self->setting = FALSE;
    gtk_widget_set_sensitive(self->scale, self->last > 0);
    gtk_widget_set_sensitive(self->first, self->step > 0);
    gtk_widget_set_sensitive(self->back, self->step > 0);
    gtk_widget_set_sensitive(self->play, (any && self->last > 0) || self->more);
    gtk_widget_set_sensitive(self->forward, self->step < self->last || self->more);
    gtk_widget_set_sensitive(self->accepted, self->step < self->last || self->more);
    gtk_widget_set_sensitive(self->end, self->step < self->last);
}

int
lim_transport_get_step(LimTransport *self)
{
    return self->step;
}

void
lim_transport_set_step(LimTransport *self, int step)
{
    step = CLAMP(step, -1, self->last);
    if (step == self->step)
        return;
    self->step = step;
    show(self);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STEP]);
}

void
lim_transport_move(LimTransport *self, int step)
{
    int before = self->step;

    if (self->last < 0)
        return;
    lim_transport_set_step(self, CLAMP(step, 0, self->last));
    begin_film(self);
    if (self->step != before)
        g_signal_emit(self, signals[MOVED], 0, self->step);
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimTransport *self = LIM_TRANSPORT(widget);
    gint64 now = gdk_frame_clock_get_frame_time(clock);

    if (!self->since)
        self->since = now;
    double at =
        self->origin + self->direction * get_speed(self) * (double)(now - self->since) / 1e6;
    int step = self->following ? self->last : (int)CLAMP(floor(at), 0, self->last);
    if (step != self->step) {
        lim_transport_set_step(self, step);
        g_signal_emit(self, signals[MOVED], 0, self->step);
    }
    if (self->following || (at > self->last && self->direction > 0)) {
        if (self->more)
            begin_film(self); /* waits for the next */
        else
            lim_transport_set_playing(self, FALSE);
    } else if (at < 0) {
        lim_transport_set_playing(self, FALSE);
    }
    return G_SOURCE_CONTINUE;
}

gboolean
lim_transport_get_playing(LimTransport *self)
{
    return self->playing;
}

static void
set_playing(LimTransport *self, gboolean playing, int direction)
{
    playing = playing && ((self->last > 0) || self->more);
    if (playing && direction > 0 && self->step >= self->last && !self->more)
        lim_transport_move(self, 0); /* from the beginning again */
    if (playing && direction < 0 && self->step <= 0)
        playing = FALSE;
    self->direction = direction;
    self->following = FALSE;
    begin_film(self);
    if (playing == self->playing)
        return;
    self->playing = playing;
    gtk_button_set_label(GTK_BUTTON(self->play), playing ? "Pause" : "Play");
    if (playing) {
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
    } else if (self->tick) {
        gtk_widget_remove_tick_callback(GTK_WIDGET(self), self->tick);
        self->tick = 0;
    }
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_PLAYING]);
}

void
lim_transport_set_playing(LimTransport *self, gboolean playing)
{
    set_playing(self, playing, 1);
}

void
lim_transport_follow(LimTransport *self)
{
    set_playing(self, TRUE, 1);
    self->following = self->playing;
}

void
lim_transport_set_extent(LimTransport *self, int last, gboolean more)
{
    self->last = last;
    self->more = more;
    if (self->step > last || (self->step < 0 && last >= 0))
        self->step = last < 0 ? -1 : MIN(MAX(self->step, 0), last);
    show(self);
}

void
lim_transport_set_plain(LimTransport *self)
{
    gtk_widget_set_visible(self->accepted, FALSE);
    gtk_widget_set_tooltip_text(self->forward, "One step further (.)");
}

void
lim_transport_add(LimTransport *self, GtkWidget *button)
{
    gtk_box_insert_child_after(GTK_BOX(gtk_widget_get_parent(self->speed)), button, self->speed);
}

void
lim_transport_set_text(LimTransport *self, const char *text)
{
    gtk_label_set_text(GTK_LABEL(self->text), text);
}

/* ---- buttons and keys ---- */

static void
step_by(LimTransport *self, int by)
{
    lim_transport_set_playing(self, FALSE);
    if (by == 1 && self->step >= self->last) {
        if (self->more)
            g_signal_emit(self, signals[STEP_WANTED], 0);
        return;
    }
    lim_transport_move(self, self->step + by);
}

static void
play_clicked(LimTransport *self)
{
    lim_transport_set_playing(self, !self->playing);
}

static void
forward_clicked(LimTransport *self)
{
    step_by(self, 1);
}

static void
back_clicked(LimTransport *self)
{
    step_by(self, -1);
}

static void
to_accepted(LimTransport *self, int direction)
{
    if (!gtk_widget_get_visible(self->accepted))
        return;
    lim_transport_set_playing(self, FALSE);
    g_signal_emit(self, signals[ACCEPTED_WANTED], 0, direction);
}

static void
accepted_clicked(LimTransport *self)
{
    to_accepted(self, 1);
}

static void
first_clicked(LimTransport *self)
{
    lim_transport_set_playing(self, FALSE);
    lim_transport_move(self, 0);
}

static void
end_clicked(LimTransport *self)
{
    lim_transport_set_playing(self, FALSE);
    lim_transport_move(self, self->last);
}

static void
scaled(LimTransport *self)
{
    if (self->setting)
        return;
    /* Read before playing stops: whoever hears of that may set the scale. */
    int step = (int)lround(gtk_range_get_value(GTK_RANGE(self->scale)));
    lim_transport_set_playing(self, FALSE);
    lim_transport_move(self, step);
}

static void
change_speed(LimTransport *self, int by)
{
    int i = (int)gtk_drop_down_get_selected(GTK_DROP_DOWN(self->speed)) + by;

    gtk_drop_down_set_selected(GTK_DROP_DOWN(self->speed),
                               (guint)CLAMP(i, 0, (int)G_N_ELEMENTS(speeds) - 1));
}

gboolean
lim_transport_key(LimTransport *self, guint keyval, GdkModifierType state)
{
    int far = state & GDK_SHIFT_MASK ? 100 : 10;

    if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK))
        return FALSE;
    switch (keyval) {
    case GDK_KEY_space:
    case GDK_KEY_k:
    case GDK_KEY_K:
        play_clicked(self);
        return TRUE;
    case GDK_KEY_l:
    case GDK_KEY_L:
        set_playing(self, TRUE, 1);
        return TRUE;
    case GDK_KEY_j:
    case GDK_KEY_J:
        set_playing(self, TRUE, -1);
        return TRUE;
    case GDK_KEY_period:
        step_by(self, 1);
        return TRUE;
    case GDK_KEY_comma:
        step_by(self, -1);
        return TRUE;
    case GDK_KEY_greater:
        to_accepted(self, 1);
        return TRUE;
    case GDK_KEY_less:
        to_accepted(self, -1);
        return TRUE;
    case GDK_KEY_Right:
        if (self->step < self->last)
            step_by(self, MIN(far, self->last - self->step));
        return TRUE;
    case GDK_KEY_Left:
        step_by(self, -far);
        return TRUE;
    case GDK_KEY_Home:
        first_clicked(self);
        return TRUE;
    case GDK_KEY_End:
        end_clicked(self);
        return TRUE;
    case GDK_KEY_bracketleft:
        change_speed(self, -1);
        return TRUE;
    case GDK_KEY_bracketright:
        change_speed(self, 1);
        return TRUE;
    default:
        return FALSE;
    }
}

/* ---- construction ---- */

static GtkWidget *
add_button(LimTransport *self, GtkWidget *row, const char *icon, const char *label,
           const char *tooltip, void (*clicked)(LimTransport *))
{
    GtkWidget *button =
        icon ? gtk_button_new_from_icon_name(icon) : gtk_button_new_with_label(label);

    gtk_widget_set_tooltip_text(button, tooltip);
    if (icon)
        gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                       -1);
    g_signal_connect_object(button, "clicked", G_CALLBACK(clicked), self, G_CONNECT_SWAPPED);
    gtk_box_append(GTK_BOX(row), button);
    return button;
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimTransport *self = LIM_TRANSPORT(object);

    switch (id) {
    case PROP_STEP:
        g_value_set_int(value, self->step);
        break;
    case PROP_PLAYING:
        g_value_set_boolean(value, self->playing);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
dispose(GObject *object)
{
    LimTransport *self = LIM_TRANSPORT(object);

    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_transport_parent_class)->dispose(object);
}

static void
lim_transport_class_init(LimTransportClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    object_class->get_property = get_property;
    object_class->dispose = dispose;
    props[PROP_STEP] = g_param_spec_int("step", NULL, NULL, -1, G_MAXINT, -1, flags);
    props[PROP_PLAYING] = g_param_spec_boolean("playing", NULL, NULL, FALSE, flags);
    g_object_class_install_properties(object_class, N_PROPS, props);
    signals[MOVED] = g_signal_new("moved", LIM_TYPE_TRANSPORT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_INT);
    signals[STEP_WANTED] = g_signal_new("step-wanted", LIM_TYPE_TRANSPORT, G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 0);
    signals[ACCEPTED_WANTED] =
        g_signal_new("accepted-wanted", LIM_TYPE_TRANSPORT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 1, G_TYPE_INT);
    gtk_widget_class_set_css_name(widget_class, "transport");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_transport_init(LimTransport *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    self->last = self->step = -1;
    self->direction = 1;
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    self->first = add_button(self, row, "go-first-symbolic", "First step", "First step (Home)",
                             first_clicked);
    self->back =
        add_button(self, row, "go-previous-symbolic", "Back", "One step back (,)", back_clicked);
    self->play = add_button(self, row, NULL, "Play",
                            "Plays the attack, and goes on with it where it has not ended (Space)",
                            play_clicked);
    gtk_widget_set_size_request(self->play, 80, -1);
    self->forward =
        add_button(self, row, NULL, "Step", "One proposal further (.)", forward_clicked);
    self->accepted = add_button(self, row, NULL, "Step to accepted",
                                "To the next proposal that was accepted (>)", accepted_clicked);
    self->end =
        add_button(self, row, "go-last-symbolic", "Last step", "Last step (End)", end_clicked);
    self->speed = gtk_drop_down_new_from_strings(speed_names);
    gtk_drop_down_set_selected(GTK_DROP_DOWN(self->speed), USUAL_SPEED);
    gtk_widget_set_tooltip_text(self->speed, "Speed of playing ([ and ])");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->speed), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Speed", -1);
    /* The part that takes the focus is a button inside. */
    gtk_accessible_update_property(GTK_ACCESSIBLE(gtk_widget_get_first_child(self->speed)),
                                   GTK_ACCESSIBLE_PROPERTY_LABEL, "Speed", -1);
    g_signal_connect_object(self->speed, "notify::selected", G_CALLBACK(begin_film), self,
                            G_CONNECT_SWAPPED);
    gtk_box_append(GTK_BOX(row), self->speed);
    self->text = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(self->text), 1);
    gtk_label_set_ellipsize(GTK_LABEL(self->text), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(self->text, TRUE);
    gtk_widget_add_css_class(self->text, "numeric");
    gtk_box_append(GTK_BOX(row), self->text);

    self->scale = gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, 1, 1);
    gtk_scale_set_draw_value(GTK_SCALE(self->scale), FALSE);
    gtk_range_set_round_digits(GTK_RANGE(self->scale), 0);
    gtk_widget_set_tooltip_text(self->scale, "The step that is shown");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Step shown", -1);
    g_signal_connect_object(self->scale, "value-changed", G_CALLBACK(scaled), self,
                            G_CONNECT_SWAPPED);
    gtk_box_append(GTK_BOX(self->box), row);
    gtk_box_append(GTK_BOX(self->box), self->scale);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    show(self);
}

GtkWidget *
lim_transport_new(void)
{
    return g_object_new(LIM_TYPE_TRANSPORT, NULL);
}
