/* The course of an attack over its queries: how far the picture is from the original (decades), the
 * two step sizes (decades), the two success rates, and which proposals were accepted. A bar marks
 * the step that is shown; dragging moves it.
 *
 * Signal "step-dragged" (int step): at every motion of a drag. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_TIMELINE (lim_timeline_get_type())
G_DECLARE_FINAL_TYPE(LimTimeline, lim_timeline, LIM, TIMELINE, GtkWidget)

/* What is known after a step; NaN: nothing. */
typedef struct LimTimelineStep {
    double query;    /* asked so far; never falls from step to step */
    double distance; /* of the picture that the attack holds */
    double size[2];  /* steps: orthogonal, towards the original */
    double rate[2];  /* of success, 0 .. 1 */
    gboolean proposal, accepted;
} LimTimelineStep;

/* name: for assistive technology. */
GtkWidget *lim_timeline_new(const char *name);
/* "Distance (l2)": what the upper curve shows. */
void lim_timeline_set_distance_name(LimTimeline *self, const char *name);
void lim_timeline_clear(LimTimeline *self);
void lim_timeline_append(LimTimeline *self, const LimTimelineStep *steps, int n); /* copied */
int lim_timeline_get_n(LimTimeline *self);
const LimTimelineStep *lim_timeline_get(LimTimeline *self, int step); /* borrowed */
/* Where the axis ends while there is less; 0: at the last query. */
void lim_timeline_set_budget(LimTimeline *self, double queries);
/* The step that is shown, -1: none. */
void lim_timeline_set_step(LimTimeline *self, int step);
int lim_timeline_get_step(LimTimeline *self);
/* Where a step lies across the widget, in pixels. */
double lim_timeline_locate(LimTimeline *self, int step);
/* Counts how often the curves were drawn anew: moving the bar does not. */
guint lim_timeline_get_redraws(LimTimeline *self);
