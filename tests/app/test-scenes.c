/* The Scenes view on the real engine and four networks of random weights. */
#include "support-app.h"

#include "make-model.h"
#include "panes/scenes/fusion-page.h"
#include "panes/scenes/paint-page.h"
#include "panes/scenes/scenes.h"
#include "panes/scenes/transfer-page.h"
#include "shipped.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "widgets/lim-plot.h"
#include "widgets/lim-slider-row.h"

#include <glib/gstdio.h>
#include <math.h>
#include <utime.h>

typedef struct {
    TestApp *t;
    LimScenesPane *pane;
    LimSceneBoard *board;
    LimTransport *transport;
} Scenes;

static void
wait_for(gboolean (*is)(Scenes *s), Scenes *s)
{
    TEST_WAIT(is(s), 180);
}

static gboolean
is_current(Scenes *s)
{
    return lim_scenes_pane_get_current(s->pane);
}

static char *
dup_text(Scenes *s, const char *key)
{
    g_autoptr(GVariant) value = test_value(s->t, key);

    return g_variant_print(value, FALSE);
}

/* Until what the settings ask for is there. */
static void
settle(Scenes *s)
{
    test_spin(60);
    wait_for(is_current, s);
}

static Scenes
find_view(TestApp *t)
{
    test_take_view(t, "scenes");
    Scenes s = {.t = t, .pane = LIM_SCENES_PANE(t->pane)};

    s.board = lim_scenes_pane_get_board(s.pane);
    s.transport = lim_scenes_pane_get_transport(s.pane);
    test_show_view(t, "scenes");
    return s;
}

/* A view with a short attack that has ended. */
static Scenes
open_view(TestApp *t)
{
    Scenes s = find_view(t);

    test_set(t, "iterations", g_variant_new_int32(6));
    test_set(t, "size", g_variant_new_int32(64)); /* a quarter of the work */
    lim_form_pane_settle(LIM_FORM_PANE(s.pane));  /* what a test does is another step to undo */
    settle(&s);
    return s;
}

/* Without a click a scene is attacked; every pane says what its network sees, and a step back shows
 * the step before. */
static void
body_plays(TestApp *t)
{
    Scenes s = open_view(t);
    LimScenesRun *run = lim_scenes_pane_get_run(s.pane);
    LimPlot *plot = LIM_PLOT(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_PLOT));

    g_assert_true(lim_scenes_run_ended(run));
    g_assert_cmpint(lim_scenes_run_n(run), ==, 7);
    g_assert_cmpint(lim_scenes_run_targets(run), ==, 64 * 64);
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), ==, 7);
    g_assert_cmpint(lim_transport_get_step(s.transport), ==, 6);
    g_assert_nonnull(strstr(lim_scenes_pane_get_verdict(s.pane), " Step 6: "));
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        const char *measure = lim_scenes_net_segments(i) ? "IoU " : "mAP ";
        g_assert_true(g_str_has_prefix(lim_scene_board_get_value(s.board, LIM_SCENE_PART_CLEAN + i),
                                       measure));
        g_assert_true(
            g_str_has_prefix(lim_scene_board_get_value(s.board, LIM_SCENE_PART_ADVERSARIAL + i),
                             measure));
    }
    g_assert_true(
        g_str_has_prefix(lim_scene_board_get_value(s.board, LIM_SCENE_PART_DIFFERENCE), "×"));

    /* at step 0 nothing differs */
    LimPictureView *clean = lim_scene_board_get_view(s.board, LIM_SCENE_PART_CLEAN);
    LimPictureView *now = lim_scene_board_get_view(s.board, LIM_SCENE_PART_ADVERSARIAL);
    const guint serial = lim_picture_view_get_serial(now);
    int differ = 0;
    for (int i = 0; i < 64 * 64; i++)
        differ += memcmp(lim_picture_view_get_pixel(clean, i % 64, i / 64),
                         lim_picture_view_get_pixel(now, i % 64, i / 64), 3) != 0;
    g_assert_cmpint(differ, >, 100);
    lim_transport_move(s.transport, 0);
    wait_for(is_current, &s);
    g_assert_cmpuint(lim_picture_view_get_serial(now), >, serial);
    for (int i = 0; i < 64 * 64; i++)
        g_assert_cmpmem(lim_picture_view_get_pixel(clean, i % 64, i / 64), 3,
                        lim_picture_view_get_pixel(now, i % 64, i / 64), 3);
    g_assert_nonnull(strstr(lim_scenes_pane_get_verdict(s.pane), " Step 0: "));
    g_signal_emit_by_name(plot, "point-dragged", 0, 3.2);
    wait_for(is_current, &s);
    g_assert_cmpint(lim_transport_get_step(s.transport), ==, 3);
}

static gboolean
has_frames(Scenes *s)
{
    LimScenesRun *run = lim_scenes_pane_get_run(s->pane);
    return run && lim_scenes_run_n(run) > 3;
}

/* Paused, it can be gone on with step by step. */
static void
body_pauses(TestApp *t)
{
    Scenes s = find_view(t);

    test_set(t, "iterations", g_variant_new_int32(5000));
    test_set(t, "remaining", g_variant_new_double(0));
    test_set(t, "gamma", g_variant_new_double(0.1));
    wait_for(has_frames, &s);
    lim_transport_set_playing(s.transport, FALSE);
    wait_for(is_current, &s);
    LimScenesRun *run = lim_scenes_pane_get_run(s.pane);
    test_spin(200); /* the step that was under way when it was paused */
    const int n = lim_scenes_run_n(run);
    test_spin(100);
    g_assert_cmpint(lim_scenes_run_n(run), ==, n);
    lim_transport_move(s.transport, n - 1);
    g_signal_emit_by_name(s.transport, "step-wanted");
    wait_for(is_current, &s);
    g_assert_cmpint(lim_scenes_run_n(run), ==, n + 1);
    g_assert_cmpint(lim_transport_get_step(s.transport), ==, n);
}

/* Keys for seeds go to other scenes, and undo comes back. */
static void
body_scenes(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree float *x = g_memdup2(lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane))->x,
                                    3 * 64 * 64 * sizeof(float));

    test_action(t, "next-seed", NULL);
    settle(&s);
    LimScenesStage *stage = lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane));
    g_assert_cmpint(stage->place.number, ==, 1);
    g_assert_true(memcmp(stage->x, x, 3 * 64 * 64 * sizeof *x) != 0);
    test_action(t, "undo", NULL);
    settle(&s);
    stage = lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane));
    g_assert_cmpint(stage->place.number, ==, 0);
    g_assert_cmpmem(stage->x, 3 * 64 * 64 * sizeof *x, x, 3 * 64 * 64 * sizeof *x);
    test_action(t, "previous-seed", NULL); /* there is none */
    settle(&s);
    g_assert_cmpint(lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane))->place.number, ==, 0);
}

/* A click on a garment leaves only its pixels as targets; another click adds, a third takes away.
 */
static void
body_picks(TestApp *t)
{
    Scenes s = open_view(t);
    const LimScenesStage *stage = lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane));
    LimPictureView *view = lim_scene_board_get_view(s.board, LIM_SCENE_PART_CLEAN);
    int own = 0, x = -1, y = -1;

    for (int i = 0; i < stage->area; i++)
        if (lim_scene_garment_at(&stage->scene[0], stage->mask[0], 64, i % 64, i / 64) == 1) {
            own++;
            x = i % 64;
            y = i / 64;
        }
    g_assert_cmpint(own, >, 0);
    g_signal_emit_by_name(view, "picked", x, y);
    settle(&s);
    g_autofree char *one = dup_text(&s, "only");
    g_assert_cmpstr(one, ==, "'2'");
    g_assert_cmpint(lim_scenes_run_targets(lim_scenes_pane_get_run(s.pane)), ==, own);
    g_signal_emit_by_name(view, "picked", x, y);
    settle(&s);
    g_autofree char *none = dup_text(&s, "only");
    g_assert_cmpstr(none, ==, "''");
    g_assert_cmpint(lim_scenes_run_targets(lim_scenes_pane_get_run(s.pane)), ==, 64 * 64);
    test_action(t, "undo", NULL);
    settle(&s);
    g_assert_cmpint(lim_scenes_run_targets(lim_scenes_pane_get_run(s.pane)), ==, own);
}

/* The command that the view copies; g_free(). */
static char *
dup_command(Scenes *s)
{
    test_action(s->t, "copy-command", NULL);
    return test_dup_copied(s->t);
}

static void
run_line(const char *command)
{
    g_assert_true(g_str_has_prefix(command, "limen-cli attack dag "));
    g_free(test_run_command(command));
}

static void
run_command(Scenes *s)
{
    g_autofree char *command = dup_command(s);

    run_line(command);
}

static void
compare_npy(const char *one, const char *two)
{
    LimError err = LIM_ERROR_INIT;
    g_autofree char *a = g_build_filename(test_folder(), one, NULL);
    g_autofree char *b = g_build_filename(test_folder(), two, NULL);
    LimTensor *x = lim_npy_read(a, &err), *y = lim_npy_read(b, &err);

    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(lim_tensor_size(x), ==, 3 * 64 * 64);
    g_assert_cmpmem(lim_tensor_data(x), 3 * 64 * 64 * sizeof(float), lim_tensor_data(y),
                    3 * 64 * 64 * sizeof(float));
    lim_tensor_unref(x);
    lim_tensor_unref(y);
}

static gboolean
is_exported(Scenes *s)
{
    return !lim_form_pane_exports(LIM_FORM_PANE(s->pane));
}

/* What is exported is what the command makes, for a detector and chosen garments too. */
static void
body_exports(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *npy = g_build_filename(test_folder(), "exported.npy", NULL);

    for (int k = 0; k < 2; k++) {
        g_unlink(npy);
        test_action(t, "export-to", g_variant_new_string(png));
        wait_for(is_exported, &s);
        run_command(&s);
        compare_npy("exported.npy", "dag.npy");
        test_set(t, "net", g_variant_new_int32(2));
        test_set(t, "scene", g_variant_new_int32(3));
        test_set(t, "only", g_variant_new_string("1,2"));
        test_set(t, "gamma", g_variant_new_double(1.5));
        settle(&s);
    }
}

static gboolean
names_command(Scenes *s)
{
    return strstr(lim_scenes_pane_get_verdict(s->pane), "limen-cli train detector") != NULL;
}

/* A network that is not there is told with the command that trains it; the others go on. */
static void
body_missing(TestApp *t)
{
    g_autofree char *path = test_model_path(lim_scenes_net_file(3));
    g_autofree char *away = g_strconcat(path, ".away", NULL);

    g_assert_cmpint(g_rename(path, away), ==, 0);
    Scenes s = open_view(t);
    g_assert_cmpstr(lim_scene_board_get_value(s.board, LIM_SCENE_PART_CLEAN + 3), ==, "");
    g_assert_cmpstr(lim_scene_board_get_value(s.board, LIM_SCENE_PART_CLEAN + 2), !=, "");
    test_set(t, "net", g_variant_new_int32(3));
    wait_for(names_command, &s);
    g_assert_null(lim_scenes_pane_get_run(s.pane));
    /* once it is there, another look finds it */
    g_assert_cmpint(g_rename(away, path), ==, 0);
    test_set(t, "seed", g_variant_new_uint64(5));
    settle(&s);
    g_assert_nonnull(lim_scenes_pane_get_run(s.pane));
}

static void
show_page(Scenes *s, const char *name)
{
    for (GtkWidget *w = GTK_WIDGET(test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_PLOT)); w;
         w = gtk_widget_get_parent(w))
        if (GTK_IS_STACK(w)) {
            gtk_stack_set_visible_child_name(GTK_STACK(w), name);
            return;
        }
    g_assert_not_reached();
}

/* Exports what there is, runs the command, and compares the floats. made: how the command calls
 * them. */
static void
check_export(Scenes *s, const char *made)
{
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *npy = g_build_filename(test_folder(), "exported.npy", NULL);

    g_unlink(npy);
    test_action(s->t, "export-to", g_variant_new_string(png));
    wait_for(is_exported, s);
    run_command(s);
    compare_npy("exported.npy", made);
}

static void
check_command(Scenes *s)
{
    check_export(s, "dag.npy");
}

/* A stroke of a class across a row of the attacked segmenter's picture. */
static void
brush(Scenes *s, int label, int row)
{
    LimPictureView *view = lim_scene_board_get_view(s->board, LIM_SCENE_PART_CLEAN);

    show_page(s, "paint");
    test_spin(60);
    lim_paint_page_set_class(LIM_PAINT_PAGE(
                                 test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_PAINT_PAGE)),
                             label);
    for (int x = 20; x < 40; x++)
        g_signal_emit_by_name(view, "brushed", x, row);
    g_signal_emit_by_name(view, "brush-end");
}

static void
stroke(Scenes *s, int label, int row)
{
    brush(s, label, row);
    settle(s);
}

/* A stroke on the segmenter's picture is what it is made to see; undo takes it back, and the
 * command makes the same. */
static void
body_paints(TestApp *t)
{
    Scenes s = open_view(t);

    stroke(&s, 6, 32);
    LimScenesRun *run = lim_scenes_pane_get_run(s.pane);
    const LimScenesStage *stage = lim_scenes_run_stage(run);
    g_assert_nonnull(lim_scenes_run_plan(run)->wanted);
    int painted = 0, others = 0;
    for (int i = 0; i < stage->area; i++) {
        painted += lim_scenes_run_wanted(run)[i] == 6;
        others += lim_scenes_run_wanted(run)[i] != 6 &&
                  lim_scenes_run_wanted(run)[i] != stage->clean[0].label[i];
    }
    g_assert_cmpint(lim_scenes_run_wanted(run)[32 * 64 + 30], ==, 6);
    g_assert_cmpint(painted, >=, 90); /* a brush of five pixels over twenty */
    g_assert_cmpint(others, ==, 0);
    g_assert_nonnull(strstr(lim_scenes_pane_get_verdict(s.pane), "not as painted yet"));
    check_command(&s);
    test_action(t, "undo", NULL);
    settle(&s);
    g_assert_null(lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))->wanted);
    test_action(t, "redo", NULL);
    settle(&s);
    g_assert_cmpint(lim_scenes_run_wanted(lim_scenes_pane_get_run(s.pane))[32 * 64 + 30], ==, 6);
    /* a detector is not painted on */
    test_set(t, "net", g_variant_new_int32(2));
    settle(&s);
    g_assert_null(lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))->wanted);
    g_signal_emit_by_name(lim_scene_board_get_view(s.board, LIM_SCENE_PART_CLEAN + 2), "brushed",
                          10, 10);
}

/* The file of a painting that a command names; g_free(). */
static char *
dup_painting(const char *command)
{
    g_auto(GStrv) argv = NULL;

    g_assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
    for (char **at = argv; *at; at++)
        if (g_str_equal(*at, "--wanted"))
            return g_strdup(at[1]);
    g_assert_not_reached();
}

static const char *awaited;

static gboolean
is_awaited(Scenes *s)
{
    return g_file_test(awaited, G_FILE_TEST_EXISTS);
}

static gboolean
is_long(Scenes *s)
{
    return has_frames(s) &&
           lim_scenes_run_plan(lim_scenes_pane_get_run(s->pane))->dag.iterations == 5000;
}

static void
rename_in_folder(const char *from, const char *to)
{
    g_autofree char *a = g_build_filename(test_folder(), from, NULL);
    g_autofree char *b = g_build_filename(test_folder(), to, NULL);

    g_assert_cmpint(g_rename(a, b), ==, 0);
}

static int
count_paintings(void)
{
    g_autofree char *folder = g_build_filename(test_folder(), "limen", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    int n = 0;

    for (const char *name; (name = g_dir_read_name(dir));)
        n += g_str_has_prefix(name, "wanted-");
    return n;
}

static gboolean
is_pruned(Scenes *s)
{
    return count_paintings() <= LIM_SCENES_PAINTINGS;
}

/* Each copied command names a painting of its own, also while an attack goes on; many of them do
 * not fill the disk, and nothing else goes with the old ones. */
static void
body_paintings(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *folder = g_build_filename(test_folder(), "limen", NULL);
    g_autofree char *other = g_build_filename(folder, "other.png", NULL);

    stroke(&s, 6, 32);
    check_command(&s);
    g_autofree char *first = dup_command(&s), *one = dup_painting(first);
    rename_in_folder("exported.npy", "first.npy");
    stroke(&s, 3, 10);
    test_set(t, "iterations", g_variant_new_int32(5000)); /* it goes on */
    test_set(t, "remaining", g_variant_new_double(0));
    test_set(t, "gamma", g_variant_new_double(0.1));
    wait_for(is_long, &s);
    g_autofree char *second = dup_command(&s), *two = dup_painting(second);
    g_assert_cmpstr(one, !=, two);
    awaited = two;
    wait_for(is_awaited, &s);
    g_assert_true(lim_form_pane_goes_on(LIM_FORM_PANE(s.pane)));
    run_line(first); /* still the first painting */
    compare_npy("first.npy", "dag.npy");

    test_set(t, "iterations", g_variant_new_int32(6));
    settle(&s);
    g_assert_true(g_file_set_contents(other, "x", 1, NULL));
    for (int i = 0; i < LIM_SCENES_PAINTINGS + 6; i++) {
        g_autofree char *name = g_strdup_printf("wanted-%016d.png", i);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct utimbuf old = {.actime = 1000 + i, .modtime = 1000 + i};
        g_assert_true(g_file_set_contents(path, "x", 1, NULL));
        g_assert_cmpint(g_utime(path, &old), ==, 0);
    }
    stroke(&s, 2, 50);
    g_autofree char *third = dup_command(&s), *three = dup_painting(third);
    awaited = three;
    wait_for(is_awaited, &s);
    wait_for(is_pruned, &s);
    test_spin(200);
    g_assert_cmpint(count_paintings(), ==, LIM_SCENES_PAINTINGS);
    g_assert_true(g_file_test(one, G_FILE_TEST_EXISTS) && g_file_test(two, G_FILE_TEST_EXISTS) &&
                  g_file_test(other, G_FILE_TEST_EXISTS));
    g_autofree char *youngest =
        g_strdup_printf("%s/wanted-%016d.png", folder, LIM_SCENES_PAINTINGS + 5);
    g_assert_true(g_file_test(youngest, G_FILE_TEST_EXISTS));
}

static gboolean
is_painted(Scenes *s)
{
    LimScenesRun *run = lim_scenes_pane_get_run(s->pane);
    return run && lim_scenes_run_plan(run)->wanted && is_current(s);
}

/* An exported picture brings its painting along, also to another folder; without it that is said.
 */
static void
body_moves(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *away = g_build_filename(test_folder(), "away", NULL);
    g_autofree char *png = g_build_filename(away, "exported.png", NULL);
    g_autofree char *mask = g_build_filename(away, "exported-wanted.png", NULL);
    LimStatusLine *status =
        LIM_STATUS_LINE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_STATUS_LINE));

    stroke(&s, 6, 32);
    check_command(&s);
    g_mkdir_with_parents(away, 0700);
    rename_in_folder("exported.png", "away/exported.png");
    rename_in_folder("exported-wanted.png", "away/exported-wanted.png");
    test_action(t, "undo", NULL);
    settle(&s);
    g_assert_null(lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))->wanted);
    lim_pane_open_file(LIM_PANE(s.pane), png);
    wait_for(is_painted, &s);
    g_assert_cmpint(lim_scenes_run_wanted(lim_scenes_pane_get_run(s.pane))[32 * 64 + 30], ==, 6);
    g_assert_cmpstr(lim_status_line_get_shown(status), ==, "Settings restored from the picture");
    test_action(t, "undo", NULL);
    settle(&s);
    g_unlink(mask);
    lim_pane_open_file(LIM_PANE(s.pane), png);
    test_spin(500);
    settle(&s);
    g_assert_null(lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))->wanted);
    g_assert_cmpstr(lim_status_line_get_shown(status), ==,
                    "Settings restored from the picture without its painting: exported-wanted.png "
                    "is not there any more");
}

static gboolean
is_own(Scenes *s)
{
    LimScenesRun *run = lim_scenes_pane_get_run(s->pane);
    return run && lim_scenes_run_plan(run)->place.own && is_current(s);
}

/* A picture of any size is attacked against what the network sees in it. */
static void
body_own(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *picture = g_build_filename(g_getenv("LIMEN_SOURCE"), "resources",
                                                "screenshots", "attack-1280x800-light.png", NULL);

    lim_pane_open_file(LIM_PANE(s.pane), picture);
    wait_for(is_own, &s);
    const LimScenesStage *stage = lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane));
    g_assert_false(stage->truth);
    g_assert_cmpmem(stage->mask[0], 64 * 64 * sizeof(int32_t), stage->clean[0].label,
                    64 * 64 * sizeof(int32_t));
    g_assert_cmpstr(lim_scene_board_get_value(s.board, LIM_SCENE_PART_CLEAN), ==, "IoU 100 %");
    g_assert_cmpstr(lim_scene_board_get_value(s.board, LIM_SCENE_PART_TRUTH), ==, "own picture");
    check_command(&s);
    test_action(t, "undo", NULL);
    settle(&s);
    g_assert_true(lim_scenes_run_stage(lim_scenes_pane_get_run(s.pane))->truth);
}

static gboolean
is_restored(Scenes *s)
{
    LimScenesRun *run = lim_scenes_pane_get_run(s->pane);
    return run && lim_scenes_run_plan(run)->place.number == 5 && is_current(s);
}

/* The settings come back from an exported picture. */
static void
body_restores(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);

    test_set(t, "scene", g_variant_new_int32(5));
    test_set(t, "net", g_variant_new_int32(1));
    test_set(t, "seed", g_variant_new_uint64(77));
    test_set(t, "gamma", g_variant_new_double(1.25));
    test_set(t, "clip", g_variant_new_boolean(FALSE));
    test_set(t, "most", g_variant_new_int32(6));
    settle(&s);
    LimScenesPlan plan;
    lim_scenes_plan_copy(&plan, lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane)));
    check_command(&s);
    test_action(t, "reset-all", NULL);
    settle(&s);
    g_assert_false(
        lim_scenes_plan_equal(&plan, lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))));
    lim_pane_open_file(LIM_PANE(s.pane), png);
    wait_for(is_restored, &s);
    g_assert_true(
        lim_scenes_plan_equal(&plan, lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))));
    lim_scenes_plan_clear(&plan);
}

static LimFusionPage *fusion;

static gboolean
fusion_over(Scenes *s)
{
    const float *r[LIM_SCENES_NETS];
    double weight[LIM_SCENES_NETS];
    gboolean permute;

    return !lim_fusion_page_get_busy(fusion) &&
           lim_fusion_page_get(fusion, r, weight, &permute) == LIM_SCENES_NETS && is_current(s);
}

static int
changed_pixels(Scenes *s)
{
    LimPictureView *clean = lim_scene_board_get_view(s->board, LIM_SCENE_PART_CLEAN);
    LimPictureView *now = lim_scene_board_get_view(s->board, LIM_SCENE_PART_ADVERSARIAL);
    int n = 0;

    for (int i = 0; i < 64 * 64; i++)
        n += memcmp(lim_picture_view_get_pixel(clean, i % 64, i / 64),
                    lim_picture_view_get_pixel(now, i % 64, i / 64), 3) != 0;
    return n;
}

static void
open_fusion(Scenes *s)
{
    fusion = LIM_FUSION_PAGE(test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_FUSION_PAGE));
    show_page(s, "fusion");
    wait_for(fusion_over, s);
}

static void
set_weight(int i, double weight)
{
    lim_form_row_set_value(lim_fusion_page_get_row(fusion, i), g_variant_new_double(weight));
}

/* The person's hand on a slider: it settles after a while, or when something else is done. */
static void
drag_weight(int i, double weight)
{
    GtkWidget *scale = lim_slider_row_get_scale(LIM_SLIDER_ROW(lim_fusion_page_get_row(fusion, i)));

    gtk_range_set_value(GTK_RANGE(scale), weight);
}

static double
weight_of(int i)
{
    double weight[LIM_SCENES_NETS];
    gboolean permuted;

    lim_fusion_page_get_weights(fusion, weight, &permuted);
    return weight[i];
}

/* The sum of four perturbations; with all weights at zero nothing differs. */
static void
body_fuses(TestApp *t)
{
    Scenes s = open_view(t);

    open_fusion(&s);
    g_assert_true(g_str_has_prefix(lim_scenes_pane_get_verdict(s.pane), "Sum of 4 "));
    g_assert_cmpint(changed_pixels(&s), >, 100);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_assert_nonnull(test_find_labelled(GTK_WIDGET(fusion), lim_scenes_net_name(i)));
        set_weight(i, 0);
    }
    wait_for(is_current, &s);
    g_assert_cmpint(changed_pixels(&s), ==, 0);
    show_page(&s, "targets");
    wait_for(is_current, &s);
    g_assert_cmpint(changed_pixels(&s), >, 100);
    g_assert_nonnull(strstr(lim_scenes_pane_get_verdict(s.pane), " Step "));
}

/* Weights are settings: a drag is a step of undo, after a change of the form too; undo shows what
 * it changes, and all settings go back at once. */
static void
body_weighs(TestApp *t)
{
    Scenes s = open_view(t);

    test_action(t, "next-seed", NULL);
    settle(&s);
    open_fusion(&s);
    drag_weight(1, 0.5);
    drag_weight(1, 0.25);
    test_action(t, "undo", NULL); /* the drag is over with it */
    g_assert_cmpfloat(weight_of(1), ==, 1);
    test_action(t, "redo", NULL);
    g_assert_cmpfloat(weight_of(1), ==, 0.25);
    drag_weight(2, 2);
    test_action(t, "next-seed", NULL);
    settle(&s);
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(weight_of(2), ==, 2);
    show_page(&s, "targets");
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(weight_of(2), ==, 1);
    g_assert_cmpfloat(weight_of(1), ==, 0.25);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(fusion)));
    lim_form_row_set_value(lim_fusion_page_get_row(fusion, LIM_SCENES_NETS),
                           g_variant_new_boolean(TRUE));
    lim_form_pane_settle(LIM_FORM_PANE(s.pane));
    test_action(t, "reset-all", NULL);
    g_assert_cmpfloat(weight_of(1), ==, 1);
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(weight_of(1), ==, 0.25);
    g_autoptr(GVariant) permuted =
        lim_form_row_dup_value(lim_fusion_page_get_row(fusion, LIM_SCENES_NETS));
    g_assert_true(g_variant_get_boolean(permuted));
    g_assert_true(test_can(t, "redo"));
    drag_weight(1, 0.5); /* a change that is under way is one already */
    g_assert_false(test_can(t, "redo"));
    wait_for(fusion_over, &s);
}

static void
check_fused(Scenes *s)
{
    check_export(s, "fused.npy");
}

static gboolean
is_fused_again(Scenes *s)
{
    return weight_of(0) < 0.4 && fusion_over(s);
}

/* The command makes the fused scene, whatever else is painted or permuted; the exported picture
 * brings the weights back. */
static void
body_sums(TestApp *t)
{
    Scenes s = open_view(t);
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);

    stroke(&s, 6, 32);
    open_fusion(&s);
    check_fused(&s);
    g_autofree char *plain = dup_command(&s);
    g_assert_null(strstr(plain, "--weights"));
    set_weight(0, 0.35);
    set_weight(1, 0);
    set_weight(2, 1.5);
    set_weight(3, 0.1 + 0.2); /* as many digits as it takes */
    wait_for(is_current, &s);
    check_fused(&s);
    lim_form_row_set_value(lim_fusion_page_get_row(fusion, LIM_SCENES_NETS),
                           g_variant_new_boolean(TRUE));
    wait_for(is_current, &s);
    check_fused(&s);
    g_autofree char *before = dup_command(&s);
    g_assert_nonnull(strstr(before, " --weights 0.35,0,1.5,0.30000000000000004 --permuted "));
    test_set(t, "net", g_variant_new_int32(3)); /* the sum is of the same networks */
    settle(&s);
    test_action(t, "reset-all", NULL);
    show_page(&s, "targets");
    settle(&s);
    lim_pane_open_file(LIM_PANE(s.pane), png);
    wait_for(is_fused_again, &s);
    g_autofree char *after = dup_command(&s);
    g_autofree char *one = dup_painting(before), *two = dup_painting(after);
    g_auto(GStrv) a = g_strsplit(before, one, 2), b = g_strsplit(after, two, 2);
    g_assert_cmpstr(a[0], ==, b[0]);
    g_assert_cmpstr(a[1], ==, b[1]);
    show_page(&s, "targets");
    wait_for(is_current, &s);
    check_command(&s); /* the attack alone again */
}

static LimTransferPage *transfer;

static gboolean
transfer_over(Scenes *s)
{
    return !lim_transfer_page_get_busy(transfer);
}

/* The table fills in, and its control differs from it. */
static const char *told;

static gboolean
is_told(Scenes *s)
{
    LimStatusLine *status =
        LIM_STATUS_LINE(test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_STATUS_LINE));

    return g_str_equal(lim_status_line_get_shown(status), told);
}

/* No file, not even half of one. */
static void
check_no_file(void)
{
    g_autoptr(GDir) dir = g_dir_open(test_folder(), 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)))
        g_assert_false(g_str_has_prefix(name, "exported"));
}

static void
unlink_exported(void)
{
    static const char *const names[] = {"exported.png", "exported.npy", "exported.csv",
                                        "exported-wanted.png"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(test_folder(), names[i], NULL);
        g_unlink(path);
    }
}

/* What was exported are the figures that the page shows, from 0 to 1, with both orders of rows. */
static void
check_figures(GtkWidget *control)
{
    g_autofree char *csv = g_build_filename(test_folder(), "exported.csv", NULL);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(csv, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpint((int)g_strv_length(lines), ==, 1 + LIM_TRANSFER_ROWS + 1);
    g_assert_true(g_str_has_prefix(lines[0], "made on,rows,Segmenter VGG (mean IoU),"));
    for (int row = 0; row < LIM_TRANSFER_ROWS; row++) {
        const gboolean permuted = row >= LIM_TRANSFER_PERMUTED;
        const int at = permuted ? 1 + row - LIM_TRANSFER_PERMUTED : row;
        g_auto(GStrv) words = g_strsplit(lines[1 + row], ",", -1);
        gtk_switch_set_active(GTK_SWITCH(control), permuted);
        g_assert_cmpstr(words[0], ==, at ? lim_scenes_net_name(at - 1) : "No perturbation");
        g_assert_cmpstr(words[1], ==, permuted ? "in another order" : "in order");
        for (int i = 0; i < LIM_SCENES_NETS; i++) {
            g_autofree char *figure =
                g_strdup_printf("%.1f %%", 100 * g_ascii_strtod(words[2 + i], NULL));
            g_assert_cmpstr(figure, ==, lim_transfer_page_get_text(transfer, at, i));
        }
        g_assert_cmpstr(words[2 + LIM_SCENES_NETS], ==, "2");
    }
    gtk_switch_set_active(GTK_SWITCH(control), FALSE);
}

/* A table is exported with its figures and its command; without one there is a sentence. */
static void
export_table(Scenes *s)
{
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);

    test_action(s->t, "export-to", g_variant_new_string(png));
    wait_for(is_exported, s);
}

static void
check_table_file(Scenes *s, const char *command)
{
    g_autofree char *path = g_build_filename(test_folder(), "exported.png", NULL);
    LimError err = LIM_ERROR_INIT;

    export_table(s);
    LimPng *png = lim_png_read(path, 0, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpstr(lim_png_text(png, "limen"), ==, command);
    lim_png_free(png);
}

static void
body_transfers(TestApp *t)
{
    Scenes s = open_view(t);

    transfer = LIM_TRANSFER_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_TRANSFER_PAGE));
    show_page(&s, "transfer");
    GtkWidget *scenes = test_find_labelled(GTK_WIDGET(transfer), "Scenes");
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(scenes), 2);
    g_assert_cmpstr(lim_transfer_page_get_text(transfer, 0, 0), ==, "–");
    unlink_exported();
    export_table(&s);
    told = "There is no table to export yet: press Make table, and wait for a scene";
    g_assert_true(is_told(&s));
    check_no_file();
    g_signal_emit_by_name(test_find_labelled(GTK_WIDGET(transfer), "Make table"), "clicked");
    g_assert_true(lim_transfer_page_get_busy(transfer));
    wait_for(transfer_over, &s);
    for (int row = 0; row <= LIM_SCENES_NETS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            g_assert_true(g_str_has_suffix(lim_transfer_page_get_text(transfer, row, i), " %"));
    /* a segmenter keeps less under its own perturbation than without */
    g_assert_cmpfloat(g_ascii_strtod(lim_transfer_page_get_text(transfer, 1, 0), NULL), <,
                      g_ascii_strtod(lim_transfer_page_get_text(transfer, 0, 0), NULL));
    g_autofree char *own_figure = g_strdup(lim_transfer_page_get_text(transfer, 1, 0));
    GtkWidget *control = test_find_labelled(GTK_WIDGET(transfer), "Rows in another order");
    gtk_switch_set_active(GTK_SWITCH(control), TRUE);
    g_assert_cmpstr(lim_transfer_page_get_text(transfer, 1, 0), !=, own_figure);
    gtk_switch_set_active(GTK_SWITCH(control), FALSE);
    g_assert_cmpstr(lim_transfer_page_get_text(transfer, 1, 0), ==, own_figure);

    /* the command that is copied makes the same table */
    g_autofree char *command = dup_command(&s);
    g_assert_true(g_str_has_prefix(command, "limen-cli evaluate dag "));
    check_table_file(&s, command);
    check_figures(control);
    g_autofree char *with_json = g_strconcat(command, " --json", NULL);
    g_autofree char *output = test_run_command(with_json);
    const char *at = strstr(output, "\"transfer\"");
    g_assert_nonnull(at);
    for (int row = 0; row <= LIM_SCENES_NETS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++) {
            g_autofree char *file =
                g_strndup(lim_scenes_net_file(i), strlen(lim_scenes_net_file(i)) - 12);
            g_autofree char *key = g_strdup_printf("\"%s\": ", file);
            at = strstr(at, key); /* rows and columns in this order */
            g_assert_nonnull(at);
            at += strlen(key);
            g_autofree char *figure = g_strdup_printf("%.1f %%", g_ascii_strtod(at, NULL));
            g_assert_cmpstr(figure, ==, lim_transfer_page_get_text(transfer, row, i));
        }
}

static GtkWidget *
cell_at(int row, int column)
{
    for (GtkWidget *w = gtk_widget_get_first_child(
             gtk_widget_get_last_child(gtk_widget_get_first_child(GTK_WIDGET(transfer))));
         w; w = gtk_widget_get_next_sibling(w)) {
        int x, y, across, down;
        gtk_grid_query_child(GTK_GRID(gtk_widget_get_parent(w)), w, &x, &y, &across, &down);
        if (x == column + 1 && y == row + 1)
            return w;
    }
    g_assert_not_reached();
}

/* What network `judge` gets right in a scene of the table, of the perturbation made on `made`. */
static double
measure_alone(const LimScenesPlan *plan, int number, int made, int judge, gboolean permuted)
{
    LimError err = LIM_ERROR_INIT;
    LimPool *pool = lim_pool_new(1);
    const LimExec exec = {.kernels = lim_kernels_best(), .pool = pool};
    g_autofree char *models = g_build_filename(test_folder(), "models", NULL);
    g_autofree char *samples = lim_shipped_samples();
    LimScenesBench *bench = lim_scenes_bench_new(models, samples);
    LimScenesPlace place = plan->place;
    const double one = 1;
    place.number = number;
    LimScenesStage *stage = lim_scenes_stage_new(bench, &place, &err);
    g_autofree float *y = g_new(float, 3 * stage->area), *rows = g_new(float, 3 * stage->area);
    LimSeen seen = {.there = FALSE};

    for (int i = 0; i < LIM_SCENES_NETS; i++)
        g_assert_cmpint(lim_scenes_stage_look(stage, i, &exec, &err), ==, LIM_OK);
    LimDag *dag = lim_dag_new(lim_scenes_bench_net(bench, made, &err), stage->size, &plan->dag,
                              plan->seed, &exec, &err);
    g_assert_cmpint(lim_dag_begin(dag, (uint64_t)number, stage->x, stage->mask[made],
                                  &stage->scene[made], &exec, &err),
                    ==, LIM_OK);
    while (lim_dag_step(dag, &exec, &err) == LIM_STEP_MORE)
        ;
    const float *r = lim_dag_result(dag).r;
    if (permuted) {
        lim_dag_permute_rows(r, stage->size, plan->seed, (uint64_t)number, rows);
        r = rows;
    }
    lim_dag_picture(stage->x, &r, &one, 1, stage->size, y);
    g_assert_cmpint(lim_scenes_see(stage, judge, y, &exec, &seen, &err), ==, LIM_OK);
    lim_seen_clear(&seen);
    lim_dag_free(dag);
    lim_scenes_stage_unref(stage);
    lim_scenes_bench_unref(bench);
    lim_pool_free(pool);
    return seen.score;
}

/* The pictures of the open cell are those of its scene, whose measure is nearest to its figure. */
static void
check_cell(Scenes *s, int made, int judge, gboolean permuted)
{
    LimPictureView *judged = lim_scene_board_get_view(s->board, LIM_SCENE_PART_ADVERSARIAL + judge);
    const LimScenesPlan *plan = lim_scenes_run_plan(lim_scenes_pane_get_run(s->pane));
    const char *text = lim_transfer_page_get_text(transfer, made + 1, judge);
    const double figure = g_ascii_strtod(text, NULL) / 100;
    LimScenesPlan table;
    LimTransferNow now;
    int nearest = -1;
    double best = 9;

    lim_transfer_now(lim_transfer_page_get_table(transfer), &now);
    lim_scenes_plan_copy(&table, lim_transfer_plan(lim_transfer_page_get_table(transfer)));
    for (int i = 0; i < now.scenes; i++) {
        const double alone = measure_alone(&table, table.place.number + i, made, judge, permuted);
        g_test_message("scene %d: %f, figure %f", table.place.number + i, alone, figure);
        if (!isnan(alone) && fabs(alone - figure) < best - 1e-3) { /* figures are rounded */
            best = fabs(alone - figure);
            nearest = table.place.number + i;
        }
    }
    lim_scenes_plan_clear(&table);
    g_assert_cmpint(plan->net, ==, made);
    g_assert_cmpint(plan->place.number, ==, nearest);
    g_assert_null(plan->place.own);
    g_assert_cmpstr(plan->dag.only, ==, "");
    g_assert_true(gtk_widget_has_css_class(GTK_WIDGET(judged), "lit"));
    const double shown = measure_alone(plan, nearest, made, judge, permuted);
    g_autofree char *value =
        g_strdup_printf("%s %.0f %%", lim_scenes_net_segments(judge) ? "IoU" : "mAP", 100 * shown);
    g_assert_cmpstr(lim_scene_board_get_value(s->board, LIM_SCENE_PART_ADVERSARIAL + judge), ==,
                    value);
    g_autofree char *verdict =
        g_strdup_printf("Made on %s, %s keeps %s %.1f %% here, %s over 4 scenes",
                        lim_scenes_net_name(made), lim_scenes_net_name(judge),
                        lim_scenes_net_segments(judge) ? "IoU" : "mAP", 100 * shown, text);
    g_assert_cmpstr(lim_scenes_pane_get_verdict(s->pane), ==, verdict);
    g_autofree char *which =
        g_strdup_printf("Scene %d of the table comes nearest to the %s of this cell", nearest,
                        text);
    told = which;
    wait_for(is_told, s);                                 /* after what else was told */
    g_assert_false(lim_transfer_page_get_busy(transfer)); /* the table is still there */
    g_assert_cmpstr(text, !=, "–");
}

static gboolean
tells_steps(Scenes *s)
{
    LimStatusLine *status =
        LIM_STATUS_LINE(test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_STATUS_LINE));

    return g_pattern_match_simple("Exporting: step * of at most 20000 on *",
                                  lim_status_line_get_shown(status));
}

static int frames_then; /* of the attack */

static gboolean
has_more(Scenes *s)
{
    return lim_transport_get_step(s->transport) > frames_then;
}

/* An export that takes long tells how far it is, shows the steps that it makes, and can be
 * cancelled; there is no other meanwhile. */
static void
begin_export(Scenes *s)
{
    GtkWidget *status = test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_STATUS_LINE);
    GtkWidget *bar = test_find_type(status, GTK_TYPE_PROGRESS_BAR);
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *other = g_build_filename(test_folder(), "exported too.png", NULL);

    test_action(s->t, "export-to", g_variant_new_string(png));
    wait_for(tells_steps, s);
    g_assert_true(gtk_widget_get_mapped(bar));
    g_assert_cmpfloat(gtk_progress_bar_get_fraction(GTK_PROGRESS_BAR(bar)), >, 0);
    g_assert_cmpfloat(gtk_progress_bar_get_fraction(GTK_PROGRESS_BAR(bar)), <, 1);
    test_action(s->t, "export-to", g_variant_new_string(other));
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(LIM_STATUS_LINE(status)),
                                   "Another export is under way"));
}

static void
cancel_export(Scenes *s)
{
    GtkWidget *status = test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_STATUS_LINE);
    GtkWidget *cancel = test_find_labelled(status, "Cancel");

    g_signal_emit_by_name(cancel, "clicked");
    wait_for(is_exported, s);
    g_assert_cmpstr(lim_status_line_get_shown(LIM_STATUS_LINE(status)), ==,
                    "Cancelled: nothing was saved");
    g_assert_false(gtk_widget_get_visible(cancel));
    check_no_file();
}

static gboolean
paints_slowly(Scenes *s)
{
    LimScenesRun *run = lim_scenes_pane_get_run(s->pane);

    return lim_scenes_run_plan(run)->wanted && lim_scenes_run_n(run) > 3;
}

/* What was going on goes on after an export that was cancelled; what stood still stands. */
static void
body_cancels(TestApp *t)
{
    Scenes s = find_view(t);

    unlink_exported();
    test_set(t, "iterations", g_variant_new_int32(20000));
    test_set(t, "remaining", g_variant_new_double(0));
    test_set(t, "epsilon", g_variant_new_double(0.001)); /* too little to ever succeed */
    test_set(t, "size", g_variant_new_int32(64));
    wait_for(has_frames, &s);
    begin_export(&s);
    frames_then = lim_transport_get_step(s.transport);
    wait_for(has_more, &s); /* the view is alive */
    cancel_export(&s);
    frames_then = lim_scenes_run_n(lim_scenes_pane_get_run(s.pane));
    wait_for(has_more, &s);

    lim_transport_set_playing(s.transport, FALSE);
    wait_for(is_current, &s);
    begin_export(&s);
    cancel_export(&s);
    const int n = lim_scenes_run_n(lim_scenes_pane_get_run(s.pane));
    test_spin(200);
    g_assert_cmpint(lim_scenes_run_n(lim_scenes_pane_get_run(s.pane)), ==, n);
    g_assert_false(lim_transport_get_playing(s.transport));

    brush(&s, 6, 32); /* the painting is a file too */
    wait_for(paints_slowly, &s);
    begin_export(&s);
    cancel_export(&s);

    show_page(&s, "fusion");
    begin_export(&s);
    fusion = LIM_FUSION_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_FUSION_PAGE));
    g_assert_false(lim_fusion_page_get_busy(fusion));
    cancel_export(&s);
    g_assert_true(lim_fusion_page_get_busy(fusion));
}

/* As Enter does: a button shows for a moment that it is pressed. */
static void
press(Scenes *s, GtkWidget *button)
{
    g_assert_true(gtk_widget_activate(button));
    test_spin(400);
    settle(s);
}

static gboolean
has_first(Scenes *s)
{
    return !g_str_equal(lim_transfer_page_get_text(transfer, LIM_SCENES_NETS, 3), "–");
}

/* While a table is made, the attack that is looked at goes before; then the table goes on. */
static void
body_waits(TestApp *t)
{
    g_autofree char *csv = g_build_filename(test_folder(), "exported.csv", NULL);
    Scenes s = open_view(t);

    transfer = LIM_TRANSFER_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_TRANSFER_PAGE));
    show_page(&s, "transfer");
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(test_find_labelled(GTK_WIDGET(transfer), "Scenes")),
                              500);
    GtkWidget *button = test_find_labelled(GTK_WIDGET(transfer), "Make table");
    g_signal_emit_by_name(button, "clicked");
    wait_for(has_first, &s);
    test_set(t, "net", g_variant_new_int32(2));
    settle(&s); /* to the end of the attack */
    g_assert_true(lim_scenes_run_ended(lim_scenes_pane_get_run(s.pane)));
    g_assert_cmpint(lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane))->net, ==, 2);
    g_assert_true(lim_transfer_page_get_busy(transfer));
    g_autofree char *before = g_strdup(lim_transfer_page_get_said(transfer));
    const gint64 start = g_get_monotonic_time();
    while (g_str_equal(before, lim_transfer_page_get_said(transfer)) &&
           g_get_monotonic_time() - start < 60 * G_USEC_PER_SEC)
        test_spin(100);
    g_assert_cmpstr(before, !=, lim_transfer_page_get_said(transfer));
    unlink_exported();
    export_table(&s); /* what there is, at once */
    g_assert_true(g_file_test(csv, G_FILE_TEST_EXISTS));
    g_assert_true(lim_transfer_page_get_busy(transfer));
    g_signal_emit_by_name(button, "clicked");
    g_assert_false(lim_transfer_page_get_busy(transfer));
    g_assert_cmpstr(gtk_button_get_label(GTK_BUTTON(button)), ==, "Go on");
}

/* A cell opens as pictures by mouse and keyboard, whatever scene was open, and its command makes
 * them; a person's own choice closes it. */
static void
body_cells(TestApp *t)
{
    Scenes s = open_view(t);
    LimPictureView *lit;

    transfer = LIM_TRANSFER_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_TRANSFER_PAGE));
    test_set(t, "scene", g_variant_new_int32(7));
    test_set(t, "only", g_variant_new_string("1"));
    settle(&s);
    lim_form_pane_settle(LIM_FORM_PANE(s.pane));
    show_page(&s, "transfer");
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(test_find_labelled(GTK_WIDGET(transfer), "Scenes")),
                              4);
    g_signal_emit_by_name(test_find_labelled(GTK_WIDGET(transfer), "Make table"), "clicked");
    wait_for(transfer_over, &s);
    test_set(t, "scene", g_variant_new_int32(30)); /* none of the table's */
    settle(&s);
    lim_form_pane_settle(LIM_FORM_PANE(s.pane));

    press(&s, cell_at(1, 1));
    check_cell(&s, 0, 1, FALSE);
    gtk_widget_grab_focus(cell_at(1, 1));
    gtk_widget_child_focus(GTK_WIDGET(transfer), GTK_DIR_DOWN); /* the arrow keys */
    gtk_widget_child_focus(GTK_WIDGET(transfer), GTK_DIR_LEFT);
    g_assert_true(gtk_root_get_focus(GTK_ROOT(t->window)) == cell_at(2, 0));
    press(&s, cell_at(2, 0));
    check_cell(&s, 1, 0, FALSE);
    check_command(&s);
    gtk_switch_set_active(GTK_SWITCH(
                              test_find_labelled(GTK_WIDGET(transfer), "Rows in another order")),
                          TRUE);
    settle(&s);
    check_cell(&s, 1, 0, TRUE);
    check_command(&s);
    g_autofree char *command = dup_command(&s);
    g_assert_nonnull(strstr(command, " --weights 1,0 --permuted "));

    lit = lim_scene_board_get_view(s.board, LIM_SCENE_PART_ADVERSARIAL);
    test_action(t, "next-seed", NULL);
    settle(&s);
    g_assert_false(gtk_widget_has_css_class(GTK_WIDGET(lit), "lit"));
    g_assert_nonnull(strstr(lim_scenes_pane_get_verdict(s.pane), " Step "));
    press(&s, cell_at(2, 0));
    g_assert_true(gtk_widget_has_css_class(GTK_WIDGET(lit), "lit"));
    show_page(&s, "targets");
    g_assert_false(gtk_widget_has_css_class(GTK_WIDGET(lit), "lit"));
    wait_for(is_current, &s);
    check_command(&s);
}

static char *own; /* picture of one's own that was open when the window was closed */

static void
body_leaves(TestApp *t)
{
    Scenes s = open_view(t);

    test_set(t, "gamma", g_variant_new_double(1.25));
    lim_pane_open_file(LIM_PANE(s.pane), own);
    wait_for(is_own, &s);
    stroke(&s, 6, 32);
    fusion = LIM_FUSION_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_FUSION_PAGE));
    set_weight(2, 0.5);
}

/* Nothing is pressed: settings, picture and painting are there, and undo goes to a first start. */
static void
body_comes_back(TestApp *t)
{
    Scenes s = find_view(t);

    wait_for(is_own, &s);
    const LimScenesPlan *plan = lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane));
    g_assert_cmpstr(plan->place.own, ==, own);
    g_assert_cmpfloat(plan->dag.gamma, ==, 1.25);
    g_assert_cmpint(plan->dag.iterations, ==, 6);
    g_assert_cmpint(plan->wanted_size, ==, 64);
    g_assert_cmpint(plan->wanted[32 * 64 + 30], ==, 6);
    fusion = LIM_FUSION_PAGE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_FUSION_PAGE));
    g_assert_cmpfloat(weight_of(2), ==, 0.5);
    test_action(t, "undo", NULL);
    settle(&s);
    g_assert_cmpfloat(weight_of(2), ==, 1);
    plan = lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane));
    g_assert_null(plan->place.own);
    g_assert_null(plan->wanted);
    test_action(t, "redo", NULL);
    wait_for(is_own, &s);
}

/* The picture is gone: a sentence says so, and there is a scene. */
static void
body_without(TestApp *t)
{
    Scenes s = find_view(t);
    LimStatusLine *status =
        LIM_STATUS_LINE(test_find_type(GTK_WIDGET(s.pane), LIM_TYPE_STATUS_LINE));

    g_assert_cmpstr(lim_status_line_get_shown(status), ==,
                    "own.png is not there any more, so this is a scene");
    settle(&s);
    const LimScenesPlan *plan = lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane));
    g_assert_null(plan->place.own);
    g_assert_cmpfloat(plan->dag.gamma, ==, 1.25);
}

static gboolean
is_refused(Scenes *s)
{
    const LimMessage *message = LIM_MESSAGE(test_find_type(GTK_WIDGET(s->pane), LIM_TYPE_MESSAGE));

    return gtk_widget_get_mapped(GTK_WIDGET(message));
}

/* A painting of classes that no scene has is refused, and nothing else is taken from such a file.
 */
static void
body_damaged(TestApp *t)
{
    Scenes s = find_view(t);

    wait_for(is_refused, &s);
    test_set(t, "size", g_variant_new_int32(48)); /* where the painting does not belong */
    settle(&s);
    g_assert_false(is_refused(&s));
}

static void
body_first(TestApp *t)
{
    Scenes s = find_view(t);

    settle(&s);
    const LimScenesPlan *plan = lim_scenes_run_plan(lim_scenes_pane_get_run(s.pane));
    g_assert_null(plan->place.own);
    g_assert_null(plan->wanted);
    g_assert_cmpint(plan->place.number, ==, 0);
}

static void
test_session(void)
{
    g_autofree char *session = g_build_filename(test_folder(), "limen", "session", NULL);
    g_autofree char *from = g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "screenshots",
                                             "attack-1280x800-light.png", NULL);
    g_autofree char *bytes = NULL;
    gsize n;

    own = g_build_filename(test_folder(), "own.png", NULL);
    g_assert_true(g_file_get_contents(from, &bytes, &n, NULL));
    g_assert_true(g_file_set_contents(own, bytes, (gssize)n, NULL));
    test_app_run(NULL, body_leaves);
    test_app_resume();
    test_app_run(NULL, body_comes_back);
    g_unlink(own);
    test_app_resume();
    test_app_run(NULL, body_without);

    /* every pixel of class 255, and values of other types */
    g_autofree guint8 *mask = g_malloc(64 * 64);
    memset(mask, 255, 64 * 64);
    g_autofree char *text = g_base64_encode(mask, 64 * 64);
    g_autofree char *damaged = g_strdup_printf(
        "{'view': <'scenes'>, 'scenes': <{'painting': <(64, '%s')>, 'own-file': <7>, "
        "'size': <64>, 'iterations': <6>}>}",
        text);
    g_assert_true(g_file_set_contents(session, damaged, -1, NULL));
    test_app_resume();
    test_app_run(NULL, body_damaged);
    g_assert_true(g_file_set_contents(session,
                                      "{'view': <'scenes'>, 'scenes': <{'painting': <(9999, 'AA')>,"
                                      " 'source': <1>, 'scene': <'x'>, 'iterations': <6>}>}",
                                      -1, NULL));
    test_app_resume();
    test_app_run(NULL, body_first);
    g_clear_pointer(&own, g_free);
}

#define TEST(name)                       \
    static void test_##name(void)        \
    {                                    \
        test_app_run(NULL, body_##name); \
    }
TEST(plays)
TEST(pauses)
TEST(scenes)
TEST(picks)
TEST(exports)
TEST(cancels)
TEST(missing)
TEST(paints)
TEST(paintings)
TEST(moves)
TEST(own)
TEST(restores)
TEST(fuses)
TEST(weighs)
TEST(sums)
TEST(transfers)
TEST(waits)
TEST(cells)

int
main(int argc, char **argv)
{
    LimError err = LIM_ERROR_INIT;

    test_app_init(&argc, &argv);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autofree char *path = test_model_path(lim_scenes_net_file(i));
        g_assert_cmpint(test_make_scene_net(path, i / 2, i % 2, &err), ==, LIM_OK);
    }
    g_test_add_func("/scenes-view/plays", test_plays);
    g_test_add_func("/scenes-view/pauses", test_pauses);
    g_test_add_func("/scenes-view/scenes", test_scenes);
    g_test_add_func("/scenes-view/picks", test_picks);
    g_test_add_func("/scenes-view/exports", test_exports);
    g_test_add_func("/scenes-view/cancels", test_cancels);
    g_test_add_func("/scenes-view/missing", test_missing);
    g_test_add_func("/scenes-view/paints", test_paints);
    g_test_add_func("/scenes-view/paintings", test_paintings);
    g_test_add_func("/scenes-view/moves", test_moves);
    g_test_add_func("/scenes-view/own", test_own);
    g_test_add_func("/scenes-view/restores", test_restores);
    g_test_add_func("/scenes-view/fuses", test_fuses);
    g_test_add_func("/scenes-view/weighs", test_weighs);
    g_test_add_func("/scenes-view/sums", test_sums);
    g_test_add_func("/scenes-view/transfers", test_transfers);
    g_test_add_func("/scenes-view/waits", test_waits);
    g_test_add_func("/scenes-view/cells", test_cells);
    g_test_add_func("/scenes-view/session", test_session);
    return g_test_run();
}
