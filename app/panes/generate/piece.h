/* A table of pictures is drawn in pieces of a few, one live request after the other, so that the
 * first of many appear at once and whatever else is asked for comes in between. New settings do not
 * start again at the top: the pieces go on where they are and come round, so while a slider moves
 * every row gets its turn. */
#pragma once

#include "panes/generate/draw-task.h"
#include "widgets/lim-image-table.h"

/* The pieces of one table; zeroed at first. */
typedef struct LimPieces {
    guint generation; /* of the settings */
    int rows, columns;
    int next, left; /* the next picture, and how many still follow */
} LimPieces;

typedef struct LimPieceTask {
    LimTask base;
    LimTask *draw; /* of lim_draw_..._new() */
    LimPieces of;  /* as they were: of.next is the first picture */
} LimPieceTask;

/* Other settings, for a table of this shape; size: of pieces that must not be cut, such as a row.
 */
void lim_pieces_restart(LimPieces *p, int rows, int columns, int size);
/* The task that draws the pictures from p->next on: takes draw, which does that. */
LimTask *lim_pieces_task_new(const LimPieces *p, LimTask *draw);
/* Puts the pictures of a finished piece into a table of the same model and shape, also those of
 * settings that have moved on: they are nearer to the present ones than what is there. TRUE: go on
 * with the piece at p->next. */
gboolean lim_pieces_done(LimPieces *p, const LimTask *task, LimModel *model, LimImageTable *table);
