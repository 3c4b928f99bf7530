/* LimSliderRow: a GtkScale with manners.
 *
 * GtkScale gives the Value interface to assistive technology, snapping marks and slow dragging with
 * Shift. Changed here: its wheel handling is switched off, because a wheel that edits whatever
 * happens to be under the pointer while a panel scrolls destroys settings; and Escape restores the
 * value, where GtkRange only lets go of the thumb. */
#include "widgets/lim-slider-row.h"

#include <math.h>

struct _LimSliderRow {
    LimFormRow parent_instance;
    GtkWidget *scale;
    GtkWidget *entry;
    GtkAdjustment *adjustment;
    int digits;
    double step, fine;
    double min, max; /* whole range */
};

G_DEFINE_FINAL_TYPE(LimSliderRow, lim_slider_row, LIM_TYPE_FORM_ROW)

/* Within the whole range; the part that the slider shows gives way. */
static void
put(LimSliderRow *self, double v)
{
    GtkAdjustment *a = self->adjustment;

    if (v < gtk_adjustment_get_lower(a) || v > gtk_adjustment_get_upper(a)) {
        gtk_adjustment_set_lower(a, self->min);
        gtk_adjustment_set_upper(a, self->max);
    }
    gtk_adjustment_set_value(a, v);
}

static GVariant *
get_value(LimFormRow *row)
{
    return g_variant_new_double(gtk_adjustment_get_value(LIM_SLIDER_ROW(row)->adjustment));
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    double v = g_variant_get_double(value);

    if (isfinite(v))
        put(LIM_SLIDER_ROW(row), v);
}

/* The shortest text that does not hide digits of the value. */
static void
show_value(LimSliderRow *self)
{
    double v = gtk_adjustment_get_value(self->adjustment);
    char format[8], text[G_ASCII_DTOSTR_BUF_SIZE];

    g_snprintf(format, sizeof format, "%%.%df", self->digits);
    g_ascii_formatd(text, sizeof text, format, v);
    if (fabs(g_ascii_strtod(text, NULL) - v) > 1e-9)
        g_ascii_formatd(text, sizeof text, "%.9g", v);
    gtk_editable_set_text(GTK_EDITABLE(self->entry), text);
    gtk_widget_remove_css_class(self->entry, "error");
}

static void
value_changed(LimSliderRow *self)
{
    show_value(self);
    lim_form_row_control_changed(LIM_FORM_ROW(self), FALSE);
}

static void
nudge(LimSliderRow *self, double delta)
{
    double v = gtk_adjustment_get_value(self->adjustment) + delta;

    gtk_adjustment_set_value(self->adjustment, round(v / self->fine) * self->fine);
}

/* What was typed, with a decimal point or comma; otherwise the field is marked and nothing changes.
 */
static void
entry_activate(LimSliderRow *self)
{
    g_autofree char *text = g_strdup(gtk_editable_get_text(GTK_EDITABLE(self->entry)));
    char *end;

    g_strdelimit(g_strstrip(text), ",", '.');
    double v = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(v)) {
        gtk_widget_add_css_class(self->entry, "error");
        return;
    }
    put(self, v);
    show_value(self);
    lim_form_row_flush(LIM_FORM_ROW(self));
}

static void
entry_leave(LimSliderRow *self)
{
    entry_activate(self);
    show_value(self);
}

static gboolean
entry_key(LimSliderRow *self, guint keyval, guint code, GdkModifierType state)
{
    if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    switch (keyval) {
    case GDK_KEY_Up:
        nudge(self, state & GDK_SHIFT_MASK ? self->fine : self->step);
        return GDK_EVENT_STOP;
    case GDK_KEY_Down:
        nudge(self, state & GDK_SHIFT_MASK ? -self->fine : -self->step);
        return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
        show_value(self);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
scale_key(LimSliderRow *self, guint keyval, guint code, GdkModifierType state)
{
    if (keyval == GDK_KEY_Escape && lim_form_row_get_dragging(LIM_FORM_ROW(self))) {
        lim_form_row_revert_drag(LIM_FORM_ROW(self));
        return GDK_EVENT_PROPAGATE; /* GtkRange lets go of the thumb */
    }
    if (!(state & GDK_SHIFT_MASK) || state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    switch (keyval) {
    case GDK_KEY_Up:
        nudge(self, self->fine);
        return GDK_EVENT_STOP;
    case GDK_KEY_Right:
        nudge(self,
              gtk_widget_get_direction(self->scale) == GTK_TEXT_DIR_RTL ? -self->fine : self->fine);
        return GDK_EVENT_STOP;
    case GDK_KEY_Down:
        nudge(self, -self->fine);
        return GDK_EVENT_STOP;
    case GDK_KEY_Left:
        nudge(self,
              gtk_widget_get_direction(self->scale) == GTK_TEXT_DIR_RTL ? self->fine : -self->fine);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
scale_scroll(LimSliderRow *self, double dx, double dy, GtkEventController *scroll)
{
    GdkModifierType state = gtk_event_controller_get_current_event_state(scroll);
    double d = dy != 0 ? dy : dx; /* Shift turns the wheel sideways on some systems */

    if (!(state & GDK_CONTROL_MASK))
        return GDK_EVENT_PROPAGATE;
    nudge(self, -d * (state & GDK_SHIFT_MASK ? self->fine : self->step));
    return GDK_EVENT_STOP;
}

/* Watches the buttons without taking part in gesture arbitration, which GtkRange wins. */
static gboolean
scale_event(LimSliderRow *self, GdkEvent *event)
{
    switch ((int)gdk_event_get_event_type(event)) {
    case GDK_BUTTON_PRESS:
    case GDK_TOUCH_BEGIN:
        lim_form_row_begin_drag(LIM_FORM_ROW(self));
        break;
    case GDK_BUTTON_RELEASE:
    case GDK_TOUCH_END:
    case GDK_TOUCH_CANCEL:
    case GDK_GRAB_BROKEN:
        lim_form_row_end_drag(LIM_FORM_ROW(self));
        break;
    default:
        break;
    }
    return GDK_EVENT_PROPAGATE;
}

static void
lim_slider_row_class_init(LimSliderRowClass *klass)
{
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_slider_row_init(LimSliderRow *self)
{
}

GtkWidget *
lim_slider_row_get_scale(LimSliderRow *self)
{
    return self->scale;
}

void
lim_slider_row_set_range(LimSliderRow *self, double min, double max, int digits)
{
    const double v = gtk_adjustment_get_value(self->adjustment);
    const gboolean fits = v >= min && v <= max;

    g_return_if_fail(min >= self->min && max <= self->max && min < max);
    self->digits = digits;
    self->fine = pow(10, -digits);
    self->step = 5 * self->fine;
    gtk_range_set_round_digits(GTK_RANGE(self->scale), digits);
    gtk_adjustment_configure(self->adjustment, v, fits ? min : self->min, fits ? max : self->max,
                             self->step, 5 * self->step, 0);
    show_value(self);
}

GtkWidget *
lim_slider_row_new(const char *key, const char *label, const char *help, const char *unit,
                   double min, double max, double def, int digits, const double *marks, int n_marks)
{
    LimSliderRow *self =
        g_object_new(LIM_TYPE_SLIDER_ROW, "key", key, "label", label, "help", help, NULL);
    GtkEventController *c;

    self->digits = digits;
    self->fine = pow(10, -digits);
    self->step = 5 * self->fine;
    self->min = min;
    self->max = max;
    self->adjustment = gtk_adjustment_new(def, min, max, self->step, 5 * self->step, 0);

    self->scale = gtk_scale_new(GTK_ORIENTATION_HORIZONTAL, self->adjustment);
    gtk_range_set_round_digits(GTK_RANGE(self->scale), digits);
    /* The filled part means an amount; between two directions there is none. */
    gtk_scale_set_has_origin(GTK_SCALE(self->scale), min >= 0 || max <= 0);
    for (int i = 0; i < n_marks; i++) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(text, sizeof text, "%g", marks[i]);
        gtk_scale_add_mark(GTK_SCALE(self->scale), marks[i], GTK_POS_BOTTOM, text);
    }
    lim_form_row_mute_wheel(self->scale);
    c = gtk_event_controller_scroll_new(GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
    g_signal_connect_swapped(c, "scroll", G_CALLBACK(scale_scroll), self);
    gtk_event_controller_set_propagation_phase(c, GTK_PHASE_CAPTURE);
    gtk_widget_add_controller(self->scale, c);
    c = gtk_event_controller_key_new();
    g_signal_connect_swapped(c, "key-pressed", G_CALLBACK(scale_key), self);
    gtk_event_controller_set_propagation_phase(c, GTK_PHASE_CAPTURE);
    gtk_widget_add_controller(self->scale, c);
    c = gtk_event_controller_legacy_new();
    g_signal_connect_swapped(c, "event", G_CALLBACK(scale_event), self);
    gtk_event_controller_set_propagation_phase(c, GTK_PHASE_CAPTURE);
    gtk_widget_add_controller(self->scale, c);

    self->entry = gtk_entry_new();
    gtk_editable_set_width_chars(GTK_EDITABLE(self->entry), 6);
    gtk_editable_set_max_width_chars(GTK_EDITABLE(self->entry), 6);
    gtk_entry_set_alignment(GTK_ENTRY(self->entry), 1);
    gtk_widget_add_css_class(self->entry, "value");
    gtk_widget_add_css_class(self->entry, "numeric");
    g_signal_connect_swapped(self->entry, "activate", G_CALLBACK(entry_activate), self);
    c = gtk_event_controller_key_new();
    g_signal_connect_swapped(c, "key-pressed", G_CALLBACK(entry_key), self);
    gtk_event_controller_set_propagation_phase(c, GTK_PHASE_CAPTURE);
    gtk_widget_add_controller(self->entry, c);
    c = gtk_event_controller_focus_new();
    g_signal_connect_swapped(c, "leave", G_CALLBACK(entry_leave), self);
    gtk_widget_add_controller(self->entry, c);

    lim_form_row_set_control(LIM_FORM_ROW(self), self->scale, self->scale);
    GtkWidget *value = self->entry;
    if (unit && *unit) {
        GtkWidget *text = gtk_label_new(unit);
        gtk_widget_add_css_class(text, "dim-label");
        value = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
        gtk_box_append(GTK_BOX(value), self->entry);
        gtk_box_append(GTK_BOX(value), text);
    }
    lim_form_row_set_value_widget(LIM_FORM_ROW(self), value);
    g_autofree char *name = g_strdup_printf("%s value", label);
    lim_form_row_name_widget(LIM_FORM_ROW(self), self->entry, name);

    g_signal_connect_object(self->adjustment, "value-changed", G_CALLBACK(value_changed), self,
                            G_CONNECT_SWAPPED);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_double(def));
    show_value(self);
    return GTK_WIDGET(self);
}
