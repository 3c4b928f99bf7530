#include "panes/generate/piece.h"

#include <stdlib.h>

void
lim_pieces_restart(LimPieces *p, int rows, int columns, int size)
{
    if (!p->left || p->rows != rows || p->columns != columns)
        p->next = 0;
    p->next -= p->next % size;
    p->rows = rows;
    p->columns = columns;
    p->left = rows * columns;
    p->generation++;
}

static LimStep
piece_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    return lim_task_step(((LimPieceTask *)t)->draw, exec, progress, err);
}

static void
piece_free(LimTask *t)
{
    lim_task_free(((LimPieceTask *)t)->draw);
    free(t);
}

LimTask *
lim_pieces_task_new(const LimPieces *p, LimTask *draw)
{
    static const LimTaskClass klass = {"draw a part of a table", piece_step, NULL, piece_free};
    LimPieceTask *task = lim_alloc(1, sizeof *task);

    task->base.klass = &klass;
    task->draw = draw;
    task->of = *p;
    return &task->base;
}

gboolean
lim_pieces_done(LimPieces *p, const LimTask *t, LimModel *model, LimImageTable *table)
{
    const LimPieceTask *task = (const LimPieceTask *)t;
    const LimDrawTask *draw = (const LimDrawTask *)task->draw;
    LimShape s = lim_generator_image_shape(lim_model_generator(draw->model));

    if (draw->model == model && task->of.rows == p->rows && task->of.columns == p->columns)
        lim_image_table_set_pictures(table, task->of.next, draw->n, draw->pixels, s.d[2], s.d[1],
                                     s.d[0]);
    if (task->of.generation != p->generation)
        return FALSE; /* the next piece is on its way already */
    p->left -= draw->n;
    p->next = (p->next + draw->n) % (p->rows * p->columns);
    return p->left > 0;
}
