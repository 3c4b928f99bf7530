/* One setting of a form: a visible label, a control, and a button back to the default.
 *
 * Abstract. The value is a GVariant whose type the subclass fixes. Two signals tell of changes:
 *
 *   "changed"  the value is another one: at every motion of a drag, and after set_value()
 *   "settled"  the person has finished: once per drag, click, or burst of keys; one undo step
 *
 * The control carries the label as its accessible name and the help as description and tooltip. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_FORM_ROW (lim_form_row_get_type())
G_DECLARE_DERIVABLE_TYPE(LimFormRow, lim_form_row, LIM, FORM_ROW, GtkWidget)

struct _LimFormRowClass {
    GtkWidgetClass parent_class;
    /* The control's value now, as a new (possibly floating) variant. */
    GVariant *(*get_value)(LimFormRow *self);
    /* Puts value (of the row's type, within its range) into the control. */
    void (*set_value)(LimFormRow *self, GVariant *value);
};

/* Stable name of the setting, such as "threshold"; borrowed. */
const char *lim_form_row_get_key(LimFormRow *self);
const char *lim_form_row_get_label(LimFormRow *self); /* without the access key; borrowed */
/* label with an underscore before its access key */
void lim_form_row_set_mnemonic_label(LimFormRow *self, const char *label);

GVariant *lim_form_row_dup_value(LimFormRow *self); /* full reference */
/* The value at the last "settled" or set_value(): without a change that is still under way. */
GVariant *lim_form_row_dup_settled(LimFormRow *self); /* full reference */
/* Sets the value without an undo step; values of another type are ignored. Sinks a floating value.
 */
void lim_form_row_set_value(LimFormRow *self, GVariant *value);
/* Moves a small control from below the label to the right of it. */
void lim_form_row_set_beside(LimFormRow *self);
gboolean lim_form_row_is_default(LimFormRow *self);
/* Whether it can be used: greyed, also for assistive technology, which only looks at the control.
 */
void lim_form_row_set_enabled(LimFormRow *self, gboolean enabled);
/* A sentence below the control about the value that it has, such as that it does not go with
 * another one; NULL: none. Part of the control's accessible description. */
void lim_form_row_set_note(LimFormRow *self, const char *note);
const char *lim_form_row_get_note(LimFormRow *self); /* borrowed, or NULL */
/* Another setting gives this one another default, in its range; its value stays. Sinks value. */
void lim_form_row_move_default(LimFormRow *self, GVariant *value);
/* Back to the default, as the person's own step. */
void lim_form_row_reset(LimFormRow *self);
/* If a burst of keys is still open, settles it now. */
void lim_form_row_flush(LimFormRow *self);
/* Is there anything that lim_form_row_flush() would settle? */
gboolean lim_form_row_is_open(LimFormRow *self);

/* For subclasses. */
void lim_form_row_set_default(LimFormRow *self, GVariant *value); /* sinks; call once, at the end */
/* Places the control under the label and names it; extra widgets may follow. control NULL: named
 * is placed right of the label. */
void lim_form_row_set_control(LimFormRow *self, GtkWidget *control, GtkWidget *named);
void lim_form_row_set_value_widget(LimFormRow *self, GtkWidget *value); /* right of the label */
void lim_form_row_name_widget(LimFormRow *self, GtkWidget *widget, const char *name);
/* The control has changed by the person's hand. now: settle at once, not after a pause. */
void lim_form_row_control_changed(LimFormRow *self, gboolean now);
/* A drag: changes in between make one step. revert: the value of before the drag. */
void lim_form_row_begin_drag(LimFormRow *self);
void lim_form_row_end_drag(LimFormRow *self);
void lim_form_row_revert_drag(LimFormRow *self);
gboolean lim_form_row_get_dragging(LimFormRow *self);
/* Switches off the widget's own wheel handling, so that the wheel scrolls the panel around it. */
void lim_form_row_mute_wheel(GtkWidget *widget);
