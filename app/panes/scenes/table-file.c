/* The picture is one of engine/tensor/table.h with a figure in each tile, the darker, the more of
 * what the network got right is gone. */
#include "panes/scenes/table-file.h"

#include "base/file.h"
#include "lim-form-pane.h"
#include "tensor/glyphs.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LETTER 2
#define TILE_W 204 /* the longest name above it, and some room */
#define TILE_H 36

typedef struct {
    LimTask base;
    LimTransferNow now;
    int first; /* number of the first scene */
    char *path, *command;
} TableTask;

/* The network that a row was made on; -1: no perturbation. */
static int
made_on(int row)
{
    return row < LIM_TRANSFER_MADE       ? -1
           : row < LIM_TRANSFER_PERMUTED ? row - LIM_TRANSFER_MADE
                                         : row - LIM_TRANSFER_PERMUTED;
}

static const char *
row_name(int row)
{
    return made_on(row) < 0 ? "No perturbation" : lim_scenes_net_name(made_on(row));
}

/* ---- figures ---- */

static LimStatus
write_figures(const TableTask *self, const char *path, LimError *err)
{
    g_autoptr(GString) text = g_string_new("made on,rows");
    char word[G_ASCII_DTOSTR_BUF_SIZE];

    for (int i = 0; i < LIM_SCENES_NETS; i++)
        g_string_append_printf(text, ",%s (%s)", lim_scenes_net_name(i),
                               lim_scenes_net_segments(i) ? "mean IoU" : "mAP");
    g_string_append(text, ",scenes\n");
    for (int row = 0; row < LIM_TRANSFER_ROWS; row++) {
        g_string_append_printf(text, "%s,%s", row_name(row),
                               row < LIM_TRANSFER_PERMUTED ? "in order" : "in another order");
        for (int i = 0; i < LIM_SCENES_NETS; i++) {
            const double value = self->now.value[row][i];
            g_string_append_printf(
                text, ",%s", isnan(value) ? "" : g_ascii_formatd(word, sizeof word, "%.6g", value));
        }
        g_string_append_printf(text, ",%d\n", self->now.done);
    }
    return lim_file_write(path, text->str, text->len, err);
}

/* ---- the picture ---- */

static void
draw_figure(LimImageView tile, double value, double clean)
{
    static const guint8 darkest[3] = {120, 170, 235}; /* black stays readable on it */
    static const guint8 black[4] = {0, 0, 0, 255};
    const double lost = isnan(value) || !(clean > 0) ? 0 : CLAMP(1 - value / clean, 0, 1);
    char text[16] = "-";

    for (int y = 0; y < tile.h; y++)
        for (int k = 0; k < 3 * tile.w; k++)
            tile.data[(gsize)y * tile.stride + (gsize)k] =
                (guint8)lrint(255 - lost * (255 - darkest[k % 3]));
    if (!isnan(value))
        g_snprintf(text, sizeof text, "%.1f", 100 * value);
    const int w = lim_glyphs_width(text, LETTER);
    lim_glyphs_draw(tile, (tile.w - w) / 2, (tile.h - 7 * LETTER) / 2, text, w, LETTER, black);
}

static LimStatus
write_picture(const TableTask *self, LimError *err)
{
    char names[LIM_TRANSFER_ROWS][64], which[96];
    const char *rows[LIM_TRANSFER_ROWS], *columns[LIM_SCENES_NETS];
    const char *const notes[] = {which, "Mean IoU of segmenters and mAP of detectors, in percent. "
                                        "Permuted: the control, rows in another order."};

    for (int row = 0; row < LIM_TRANSFER_ROWS; row++) {
        g_snprintf(names[row], sizeof names[row], "%s%s", row_name(row),
                   row < LIM_TRANSFER_PERMUTED ? "" : ", permuted");
        rows[row] = names[row];
    }
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        columns[i] = lim_scenes_net_name(i);
    g_snprintf(which, sizeof which, "Scenes %d to %d.", self->first,
               self->first + self->now.done - 1);
    const LimTable table = {.rows = LIM_TRANSFER_ROWS,
                            .columns = LIM_SCENES_NETS,
                            .tile_w = TILE_W,
                            .tile_h = TILE_H,
                            .gap = 4,
                            .letter = LETTER,
                            .row_title = "Made on",
                            .column_title = "Judged by",
                            .row_labels = rows,
                            .column_labels = columns,
                            .notes = notes,
                            .n_notes = G_N_ELEMENTS(notes)};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    if (!picture.data)
        return err->code;
    for (int row = 0; row < LIM_TRANSFER_ROWS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            draw_figure(lim_table_tile(&table, picture, row, i), self->now.value[row][i],
                        self->now.value[0][i]);
    const LimPngText text = {"limen", self->command};
    lim_png_write(self->path, picture, &text, 1, err);
    free(picture.data);
    return err->code;
}

/* ---- the task ---- */

static LimStep
save_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    const TableTask *self = (TableTask *)t;
    g_autofree char *figures = lim_export_path(self->path, ".csv");

    return write_picture(self, err) == LIM_OK && write_figures(self, figures, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
save_free(LimTask *t)
{
    TableTask *self = (TableTask *)t;

    g_free(self->path);
    g_free(self->command);
    g_free(self);
}

LimTask *
lim_transfer_save_task_new(LimTransfer *t, const char *path, const char *command)
{
    static const LimTaskClass klass = {"save table", save_step, NULL, save_free};
    TableTask *self = g_new0(TableTask, 1);

    self->base.klass = &klass;
    lim_transfer_now(t, &self->now);
    self->first = lim_transfer_plan(t)->place.number;
    self->path = lim_export_path(path, ".png");
    self->command = g_strdup(command);
    return &self->base;
}
