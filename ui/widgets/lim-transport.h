/* Buttons and keys of a video player for something that is made of steps.
 *
 * There are steps 0 .. last that can be shown, and perhaps more that can still be made. Playing
 * walks through what is there at the speed that is chosen; at the end it waits for more, or stops
 * when there will be none. Step at the end asks for one more.
 *
 * Properties: "step" (int), "playing" (boolean). Signals: "moved" (int step): the person or playing
 * has moved; "step-wanted": one more is to be made; "accepted-wanted" (int direction): to the next
 * (1) or the previous (-1) accepted step. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_TRANSPORT (lim_transport_get_type())
G_DECLARE_FINAL_TYPE(LimTransport, lim_transport, LIM, TRANSPORT, GtkWidget)

GtkWidget *lim_transport_new(void);
/* last: -1 while there is nothing. more: whether steps beyond it can be made. */
void lim_transport_set_extent(LimTransport *self, int last, gboolean more);
int lim_transport_get_step(LimTransport *self);
/* Without "moved". */
void lim_transport_set_step(LimTransport *self, int step);
/* The same with it: as the buttons do. */
void lim_transport_move(LimTransport *self, int step);
gboolean lim_transport_get_playing(LimTransport *self);
void lim_transport_set_playing(LimTransport *self, gboolean playing);
/* Plays without a speed: shows the newest step as long as more are made. */
void lim_transport_follow(LimTransport *self);
/* For what has no proposals that are accepted or not: takes that button and its keys away. */
void lim_transport_set_plain(LimTransport *self);
/* Adds a button behind the others. */
void lim_transport_add(LimTransport *self, GtkWidget *button);
/* What is written beside the buttons: "step 120 of 5,000, query 144". */
void lim_transport_set_text(LimTransport *self, const char *text);
/* Keys of a video player: space and K play and pause, J and L play backwards and forwards, comma
 * and full stop one step (with Shift: to an accepted one), arrows ten steps (Shift: a hundred),
 * Home, End, [ and ] speed. For a controller of whatever contains the transport. */
gboolean lim_transport_key(LimTransport *self, guint keyval, GdkModifierType state);
