/* The graph of labels under a perturbation: an arrow from the label of pictures to the one that
 * they have with v, as wide as its share of them. */
#pragma once

#include <gtk/gtk.h>

GtkWidget *lim_label_graph_new(void);
/* counts [n][n]: pictures of label i that have label k with v; names [n]; both copied. */
void lim_label_graph_set(GtkWidget *graph, int n, const int *counts, const char *const *names);
