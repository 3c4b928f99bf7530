/* LimSceneBoard gives the pictures of the networks the largest whole factor at which all of them
 * fit, and the rest of the width to the scene itself and the difference. */
#include "panes/scenes/board.h"

#include "data/scene-sheet.h"
#include "panes/attack/panes.h"
#include "tensor/image.h"

#include <math.h>

#define GAP        6
#define LEFT_LEAST 128  /* pixels for the column on the left */
#define SHOWN      0.5F /* boxes of this probability and more */

struct _LimSceneBoard {
    GtkWidget parent_instance;
    LimZoom *zoom;
    LimScenesStage *stage;
    GtkWidget *head[LIM_SCENE_N_PARTS];
    GtkLabel *title[LIM_SCENE_N_PARTS], *value[LIM_SCENE_N_PARTS];
    LimPictureView *view[LIM_SCENE_N_PARTS];
    GtkWidget *legend;
    double opacity;
    int attacked, judge;
    guint only;
    int32_t *canvas;
};

enum { GARMENT_PICKED, BRUSHED, BRUSH_END, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimSceneBoard, lim_scene_board, GTK_TYPE_WIDGET)

LimPictureView *
lim_scene_board_get_view(LimSceneBoard *self, int part)
{
    return self->view[part];
}

const char *
lim_scene_board_get_value(LimSceneBoard *self, int part)
{
    return gtk_label_get_text(self->value[part]);
}

LimZoom *
lim_scene_board_get_zoom(LimSceneBoard *self)
{
    return self->zoom;
}

/* ---- what is shown ---- */

static void
put_picture(LimSceneBoard *self, int part, const float *x)
{
    const int size = self->stage->size;
    g_autofree guint8 *pixels = g_malloc((gsize)self->stage->area * 3);

    lim_image_put_f32(lim_image_view(pixels, size, size, (size_t)size * 3, LIM_PIXEL_RGB8), 3,
                      LIM_RANGE_SIGNED, x);
    lim_picture_view_set_picture(self->view[part], pixels, size, size, 3);
}

static void
put_mask(LimSceneBoard *self, int part, const int32_t *label)
{
    g_autofree guint8 *rgba = g_malloc0((gsize)self->stage->area * 4);

    for (int i = 0; i < self->stage->area; i++) {
        lim_scene_colour(label[i], rgba + 4 * i);
        rgba[4 * i + 3] = label[i] > 0 ? 255 : 0;
    }
    lim_picture_view_set_overlay(self->view[part], rgba, self->opacity);
}

static LimPictureMark
mark_of(int label, const float box[4])
{
    LimPictureMark mark = {.x0 = (double)box[0],
                           .y0 = (double)box[1],
                           .x1 = (double)box[2],
                           .y1 = (double)box[3]};

    lim_scene_colour(label, mark.rgb);
    return mark;
}

/* The garments themselves, with their numbers; chosen: only those that are attacked. */
static int
mark_garments(LimSceneBoard *self, const LimScene *scene, gboolean chosen, LimPictureMark *marks)
{
    int n = 0;

    for (int k = 0; k < scene->n; k++) {
        if (chosen && !(self->only >> k & 1))
            continue;
        marks[n] = mark_of(scene->object[k].label, scene->object[k].box);
        marks[n].strong = chosen;
        if (chosen)
            g_snprintf(marks[n].text, sizeof marks[n].text, "%d", k + 1);
        else
            g_snprintf(marks[n].text, sizeof marks[n].text, "%d %s", k + 1,
                       self->stage->names[scene->object[k].label]);
        n++;
    }
    return n;
}

static void
describe(LimSceneBoard *self, int part, const LimSeen *seen)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (seen->label) {
        g_autofree int *count = g_new0(int, self->stage->classes);
        for (int i = 0; i < self->stage->area; i++)
            count[seen->label[i]]++;
        for (int k = 1; k < self->stage->classes; k++)
            if (count[k] * 100 >= self->stage->area)
                g_string_append_printf(text, "%s%s %d %%", text->len ? ", " : "",
                                       self->stage->names[k], 100 * count[k] / self->stage->area);
    }
    for (int i = 0; i < seen->n; i++)
        if (seen->found[i].score >= SHOWN)
            g_string_append_printf(text, "%s%s %.0f %%", text->len ? ", " : "",
                                   self->stage->names[seen->found[i].label],
                                   100 * (double)seen->found[i].score);
    lim_picture_view_set_description(self->view[part], text->len ? text->str : "nothing seen");
}

/* The picture of a part with what network i sees in it. */
static void
put_seen(LimSceneBoard *self, int part, int i, const float *x, const LimSeen *seen)
{
    LimPictureMark marks[LIM_DETECTIONS + LIM_SCENE_GARMENTS];
    int n = 0;

    if (!seen->there) {
        lim_picture_view_set_picture(self->view[part], NULL, 0, 0, 0);
        lim_picture_view_set_marks(self->view[part], NULL, 0);
        lim_picture_view_set_empty_text(self->view[part], self->stage->why[i]);
        gtk_widget_set_tooltip_text(GTK_WIDGET(self->view[part]), self->stage->why[i]);
        gtk_label_set_text(self->value[part], "");
        return;
    }
    const gboolean canvas = part == LIM_SCENE_PART_CLEAN + self->attacked && self->canvas;
    put_picture(self, part, x);
    if (canvas)
        put_mask(self, part, self->canvas);
    else if (seen->label)
        put_mask(self, part, seen->label);
    else
        lim_picture_view_set_overlay(self->view[part], NULL, 0);
    for (int k = 0; k < seen->n; k++) {
        if (seen->found[k].score < SHOWN)
            continue;
        marks[n] = mark_of(seen->found[k].label, seen->found[k].box);
        g_snprintf(marks[n].text, sizeof marks[n].text, "%s %.0f %%",
                   self->stage->names[seen->found[k].label], 100 * (double)seen->found[k].score);
        n++;
    }
    if (part == LIM_SCENE_PART_CLEAN + self->attacked && self->only)
        n += mark_garments(self, &self->stage->scene[i], TRUE, marks + n);
    lim_picture_view_set_marks(self->view[part], marks, n);
    g_autofree char *value =
        isnan(seen->score)
            ? g_strdup("")
            : g_strdup_printf("%s %.0f %%", seen->label ? "IoU" : "mAP", 100 * seen->score);
    gtk_label_set_text(self->value[part], value);
    describe(self, part, seen);
}

static void
put_clean(LimSceneBoard *self, int i)
{
    if (self->stage)
        put_seen(self, LIM_SCENE_PART_CLEAN + i, i, self->stage->x, &self->stage->clean[i]);
}

static GtkWidget *
legend_entry(const char *name, const guint8 rgb[3])
{
    g_autofree char *markup = g_markup_printf_escaped("<span color='#%02x%02x%02x'>■</span> %s",
                                                      rgb[0], rgb[1], rgb[2], name);
    GtkWidget *label = gtk_label_new(NULL);

    gtk_label_set_markup(GTK_LABEL(label), markup);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(label, TRUE);
    return label;
}

static void
fill_legend(LimSceneBoard *self)
{
    GtkWidget *child;
    guint8 rgb[3];

    while ((child = gtk_widget_get_first_child(self->legend)))
        gtk_grid_remove(GTK_GRID(self->legend), child);
    for (int k = 1; k < MIN(self->stage->classes, 9); k++) {
        lim_scene_colour(k, rgb);
        gtk_grid_attach(GTK_GRID(self->legend), legend_entry(self->stage->names[k], rgb), 0, k, 1,
                        1);
    }
}

void
lim_scene_board_set_stage(LimSceneBoard *self, LimScenesStage *stage)
{
    LimPictureMark marks[LIM_SCENE_GARMENTS];
    const gboolean other = !self->stage || self->stage->classes != stage->classes;

    lim_scenes_stage_ref(stage);
    lim_scenes_stage_unref(self->stage);
    self->stage = stage;
    if (other)
        fill_legend(self);
    put_picture(self, LIM_SCENE_PART_TRUTH, stage->x);
    lim_picture_view_set_overlay(self->view[LIM_SCENE_PART_TRUTH], NULL, 0);
    lim_picture_view_set_marks(self->view[LIM_SCENE_PART_TRUTH], NULL, 0);
    gtk_label_set_text(self->value[LIM_SCENE_PART_TRUTH], stage->truth ? "" : "own picture");
    if (stage->truth) {
        put_mask(self, LIM_SCENE_PART_TRUTH, stage->mask[0]);
        lim_picture_view_set_marks(self->view[LIM_SCENE_PART_TRUTH], marks,
                                   mark_garments(self, &stage->scene[0], FALSE, marks));
    }
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        put_clean(self, i);
}

static void
put_difference(LimSceneBoard *self, const LimScenesLookTask *look)
{
    const LimScenesStage *s = self->stage;
    LimPictureView *view = self->view[LIM_SCENE_PART_DIFFERENCE];
    const double gain = lim_difference_gain(2 * look->largest);
    g_autofree guint8 *pixels = g_malloc((gsize)s->area * 3);

    for (int i = 0; i < s->area; i++)
        for (int c = 0; c < 3; c++) {
            const double d = (double)look->y[c * s->area + i] - (double)s->x[c * s->area + i];
            pixels[3 * i + c] = (guint8)lrint(255 * CLAMP(0.5 + 0.5 * gain * d, 0, 1));
        }
    lim_picture_view_set_picture(view, pixels, s->size, s->size, 3);
    g_autofree char *text = g_strdup_printf("×%g", gain);
    g_autofree char *said = g_strdup_printf("Gain %g: grey is no change, white and black are ±%.3g "
                                            "of 255",
                                            gain, 255 / gain / 2);
    gtk_label_set_text(self->value[LIM_SCENE_PART_DIFFERENCE], text);
    gtk_widget_set_tooltip_text(GTK_WIDGET(view), said);
    lim_picture_view_set_description(view, said);
}

void
lim_scene_board_set_look(LimSceneBoard *self, const LimScenesLookTask *look, const char *title)
{
    if (look->stage != self->stage)
        return;
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        gtk_label_set_text(self->title[LIM_SCENE_PART_ADVERSARIAL + i], title);
        put_seen(self, LIM_SCENE_PART_ADVERSARIAL + i, i, look->y, &look->seen[i]);
    }
    put_difference(self, look);
}

void
lim_scene_board_set_opacity(LimSceneBoard *self, double opacity)
{
    self->opacity = opacity;
    for (int i = 0; i < LIM_SCENE_N_PARTS; i++)
        lim_picture_view_set_opacity(self->view[i], opacity);
}

static void
set_class(GtkWidget *widget, const char *name, gboolean on)
{
    if (on)
        gtk_widget_add_css_class(widget, name);
    else
        gtk_widget_remove_css_class(widget, name);
}

/* The attacked network is told by words, not only by the colour of its title. */
static void
show_roles(LimSceneBoard *self)
{
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        const int part = LIM_SCENE_PART_CLEAN + i;
        g_autofree char *title =
            g_strdup_printf("%s%s", i == self->attacked ? "◎ " : "", lim_scenes_net_name(i));
        gtk_label_set_text(self->title[part], title);
        set_class(self->head[part], "attacked", i == self->attacked);
        lim_picture_view_set_use(self->view[part], i != self->attacked ? LIM_PICTURE_LOOK
                                                   : self->canvas      ? LIM_PICTURE_CANVAS
                                                                       : LIM_PICTURE_PICK);
        gtk_widget_set_tooltip_text(
            GTK_WIDGET(self->view[part]),
            i != self->attacked ? "What this network sees in the clean picture"
            : self->canvas ? "Paint what this network is to see; Enter paints at the marked pixel"
                           : "The network that is attacked sees this in the clean picture. "
                             "Click a garment to attack it alone, and once more to let it be");
    }
}

void
lim_scene_board_set_attacked(LimSceneBoard *self, int net, guint only)
{
    const int before = self->attacked;

    if (net == self->attacked && only == self->only)
        return;
    self->attacked = net;
    self->only = only;
    show_roles(self);
    put_clean(self, before);
    put_clean(self, net);
}

void
lim_scene_board_set_canvas(LimSceneBoard *self, const int32_t *wanted)
{
    g_clear_pointer(&self->canvas, g_free);
    if (wanted && self->stage)
        self->canvas = g_memdup2(wanted, (gsize)self->stage->area * sizeof *wanted);
    show_roles(self);
    put_clean(self, self->attacked);
}

void
lim_scene_board_set_judge(LimSceneBoard *self, int net)
{
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        set_class(GTK_WIDGET(self->view[LIM_SCENE_PART_CLEAN + i]), "lit", i == net);
        set_class(GTK_WIDGET(self->view[LIM_SCENE_PART_ADVERSARIAL + i]), "lit", i == net);
    }
}

/* ---- input ---- */

/* The garment whose pixel it is, else the smallest whose box holds it; -1: none. */
static int
garment_at(LimSceneBoard *self, int x, int y)
{
    const LimScene *scene = &self->stage->scene[self->attacked];
    int best =
        lim_scene_garment_at(scene, self->stage->mask[self->attacked], self->stage->size, x, y);
    float least = G_MAXFLOAT;

    for (int k = 0; k < scene->n && (best < 0 || least < G_MAXFLOAT); k++) {
        const float *b = scene->object[k].box;
        const float area = (b[2] - b[0]) * (b[3] - b[1]);
        if ((float)x + 0.5F > b[0] && (float)y + 0.5F > b[1] && (float)x + 0.5F < b[2] &&
            (float)y + 0.5F < b[3] && area < least) {
            least = area;
            best = k;
        }
    }
    return best;
}

static void
picked(LimSceneBoard *self, int x, int y)
{
    const int k = self->stage ? garment_at(self, x, y) : -1;

    if (k >= 0)
        g_signal_emit(self, signals[GARMENT_PICKED], 0, k);
}

static void
brushed(LimSceneBoard *self, int x, int y)
{
    g_signal_emit(self, signals[BRUSHED], 0, x, y);
}

static void
brush_ended(LimSceneBoard *self)
{
    g_signal_emit(self, signals[BRUSH_END], 0);
}

/* ---- layout ---- */

static int
height_of(GtkWidget *widget, int width)
{
    int natural;

    gtk_widget_measure(widget, GTK_ORIENTATION_VERTICAL, width, NULL, &natural, NULL, NULL);
    return natural;
}

static int
head_height(LimSceneBoard *self)
{
    int height = 0;

    for (int i = 0; i < LIM_SCENE_N_PARTS; i++)
        height = MAX(height, height_of(self->head[i], -1));
    return height;
}

static int
size_of(LimSceneBoard *self)
{
    return self->stage ? self->stage->size : 64;
}

/* The side of a network's picture, which fills it. */
static int
side_for(LimSceneBoard *self, int width, int height)
{
    const int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self)), size = size_of(self);
    const int across = (width - LEFT_LEAST - LIM_SCENES_NETS * GAP) / LIM_SCENES_NETS;
    const int down = height < 0 ? G_MAXINT / 8 : (height - GAP) / 2 - head_height(self);

    return (int)(lim_picture_fit(size, MIN(across, down) * scale) * size) / scale;
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimSceneBoard *self = LIM_SCENE_BOARD(widget);
    const int size = size_of(self), heads = head_height(self);

    if (orientation == GTK_ORIENTATION_HORIZONTAL) {
        *minimum = LEFT_LEAST + LIM_SCENES_NETS * (MIN(size, 64) + GAP);
        *natural = MAX(*minimum, 3 * size * LIM_SCENES_NETS + 2 * size);
    } else {
        const int side = for_size < 0 ? 3 * size : side_for(self, for_size, -1);
        *minimum = 2 * (MIN(size, 64) + heads) + GAP + 96;
        *natural = MAX(*minimum, 2 * (side + heads) + GAP);
    }
}

static void
place(GtkWidget *widget, int x, int y, int w, int h)
{
    gtk_widget_size_allocate(widget, &(GtkAllocation){x, y, MAX(w, 1), MAX(h, 1)}, -1);
}

static void
allocate(GtkWidget *widget, int width, int height, int baseline)
{
    LimSceneBoard *self = LIM_SCENE_BOARD(widget);
    const int heads = head_height(self), side = side_for(self, width, height);
    const int legend = height_of(self->legend, -1);
    int left = MIN(width - LIM_SCENES_NETS * (side + GAP), side);
    const int tall = (height - legend - GAP) / 2 - heads;
    const int view = MAX(MIN(left, tall), 1);
    const int rest = width - left - LIM_SCENES_NETS * side;
    const int gap = CLAMP(rest / LIM_SCENES_NETS, GAP, 3 * GAP);

    place(self->head[LIM_SCENE_PART_TRUTH], 0, 0, left, heads);
    place(GTK_WIDGET(self->view[LIM_SCENE_PART_TRUTH]), 0, heads, left, view);
    place(self->head[LIM_SCENE_PART_DIFFERENCE], 0, heads + view, left, heads);
    place(GTK_WIDGET(self->view[LIM_SCENE_PART_DIFFERENCE]), 0, 2 * heads + view, left, view);
    place(self->legend, 0, 2 * (heads + view) + GAP, left, MAX(legend, 1));
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        for (int row = 0; row < 2; row++) {
            const int part = (row ? LIM_SCENE_PART_ADVERSARIAL : LIM_SCENE_PART_CLEAN) + i;
            const int x = left + gap + i * (side + gap), y = row * (heads + side + GAP);
            place(self->head[part], x, y, side, heads);
            place(GTK_WIDGET(self->view[part]), x, y + heads, side, side);
        }
}

static GtkSizeRequestMode
request_mode(GtkWidget *widget)
{
    return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* ---- construction ---- */

static void
build_part(LimSceneBoard *self, int part, const char *title, const char *name)
{
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 3);

    self->title[part] = GTK_LABEL(gtk_label_new(title));
    gtk_label_set_ellipsize(self->title[part], PANGO_ELLIPSIZE_END);
    gtk_label_set_xalign(self->title[part], 0);
    gtk_widget_set_hexpand(GTK_WIDGET(self->title[part]), TRUE);
    self->value[part] = GTK_LABEL(gtk_label_new(NULL));
    gtk_widget_add_css_class(GTK_WIDGET(self->value[part]), "numeric");
    gtk_box_append(GTK_BOX(head), GTK_WIDGET(self->title[part]));
    gtk_box_append(GTK_BOX(head), GTK_WIDGET(self->value[part]));
    gtk_widget_add_css_class(head, "scene-head");
    if (part < LIM_SCENE_PART_ADVERSARIAL)
        gtk_widget_add_css_class(GTK_WIDGET(self->title[part]), "part-title");
    self->head[part] = head;
    gtk_widget_set_parent(head, GTK_WIDGET(self));
    self->view[part] = LIM_PICTURE_VIEW(lim_picture_view_new(name, self->zoom));
    lim_picture_view_set_side(self->view[part], 48, 192);
    gtk_widget_set_parent(GTK_WIDGET(self->view[part]), GTK_WIDGET(self));
}

static void
dispose(GObject *object)
{
    LimSceneBoard *self = LIM_SCENE_BOARD(object);

    for (int i = 0; i < LIM_SCENE_N_PARTS; i++) {
        g_clear_pointer(&self->head[i], gtk_widget_unparent);
        LimPictureView *view = g_steal_pointer(&self->view[i]);
        if (view)
            gtk_widget_unparent(GTK_WIDGET(view));
    }
    g_clear_pointer(&self->legend, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_scene_board_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimSceneBoard *self = LIM_SCENE_BOARD(object);

    lim_scenes_stage_unref(self->stage);
    g_free(self->canvas);
    g_clear_object(&self->zoom);
    G_OBJECT_CLASS(lim_scene_board_parent_class)->finalize(object);
}

static void
lim_scene_board_class_init(LimSceneBoardClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->measure = measure;
    widget_class->size_allocate = allocate;
    widget_class->get_request_mode = request_mode;
    signals[GARMENT_PICKED] =
        g_signal_new("garment-picked", LIM_TYPE_SCENE_BOARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 1, G_TYPE_INT);
    signals[BRUSHED] = g_signal_new("brushed", LIM_TYPE_SCENE_BOARD, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    signals[BRUSH_END] = g_signal_new("brush-end", LIM_TYPE_SCENE_BOARD, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_css_name(widget_class, "sceneboard");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_scene_board_init(LimSceneBoard *self)
{
    self->zoom = lim_zoom_new();
    self->opacity = 0.5;
    build_part(self, LIM_SCENE_PART_TRUTH, "Scene", "Scene, with what is in it");
    build_part(self, LIM_SCENE_PART_DIFFERENCE, "Difference", "Difference");
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++) {
            const int part = (row ? LIM_SCENE_PART_ADVERSARIAL : LIM_SCENE_PART_CLEAN) + i;
            g_autofree char *name =
                g_strdup_printf("%s, %s", row ? "Adversarial" : "Clean", lim_scenes_net_name(i));
            build_part(self, part, row ? "Adversarial" : lim_scenes_net_name(i), name);
            g_signal_connect_object(self->view[part], "picked", G_CALLBACK(picked), self,
                                    G_CONNECT_SWAPPED);
            g_signal_connect_object(self->view[part], "brushed", G_CALLBACK(brushed), self,
                                    G_CONNECT_SWAPPED);
            g_signal_connect_object(self->view[part], "brush-end", G_CALLBACK(brush_ended), self,
                                    G_CONNECT_SWAPPED);
        }
    gtk_widget_set_tooltip_text(GTK_WIDGET(self->view[LIM_SCENE_PART_TRUTH]),
                                "What is in the scene: the program drew it, so it knows");
    self->legend = gtk_grid_new();
    gtk_grid_set_column_spacing(GTK_GRID(self->legend), 6);
    gtk_widget_add_css_class(self->legend, "legend");
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
    gtk_widget_set_parent(self->legend, GTK_WIDGET(self));
    show_roles(self);
}

GtkWidget *
lim_scene_board_new(void)
{
    return g_object_new(LIM_TYPE_SCENE_BOARD, NULL);
}
