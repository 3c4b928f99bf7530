#include "support.h"

#include "lim-undo.h"

static gint32
value(GVariant *state)
{
    g_assert_nonnull(state);
    return g_variant_get_int32(state);
}

static void
test_line(void)
{
    LimUndo *undo = lim_undo_new();
    guint *undo_told = test_count(undo, "notify::can-undo");
    guint *redo_told = test_count(undo, "notify::can-redo");

    g_assert_null(lim_undo_undo(undo));
    g_assert_null(lim_undo_redo(undo));
    lim_undo_push(undo, g_variant_new_int32(1));
    g_assert_false(lim_undo_can_undo(undo)); /* the first state is where it began */
    lim_undo_push(undo, g_variant_new_int32(2));
    lim_undo_push(undo, g_variant_new_int32(3));
    g_assert_true(lim_undo_can_undo(undo));
    g_assert_cmpuint(*undo_told, ==, 1);

    g_assert_cmpint(value(lim_undo_undo(undo)), ==, 2);
    g_assert_cmpuint(*redo_told, ==, 1);
    g_assert_cmpint(value(lim_undo_undo(undo)), ==, 1);
    g_assert_cmpuint(*undo_told, ==, 2);
    g_assert_null(lim_undo_undo(undo));
    g_assert_cmpint(value(lim_undo_redo(undo)), ==, 2);
    g_assert_cmpint(value(lim_undo_redo(undo)), ==, 3);
    g_assert_null(lim_undo_redo(undo));
    g_assert_finalize_object(undo);
}

static void
test_branch(void)
{
    g_autoptr(LimUndo) undo = lim_undo_new();

    for (int i = 0; i < 4; i++)
        lim_undo_push(undo, g_variant_new_int32(i));
    lim_undo_undo(undo);
    lim_undo_undo(undo);
    lim_undo_push(undo, g_variant_new_int32(1)); /* no change: the undone states stay */
    g_assert_true(lim_undo_can_redo(undo));
    lim_undo_push(undo, g_variant_new_int32(9));
    g_assert_false(lim_undo_can_redo(undo));
    g_assert_cmpint(value(lim_undo_undo(undo)), ==, 1);
    g_assert_cmpint(value(lim_undo_redo(undo)), ==, 9);
}

/* What is under way can be undone and hides what was undone before; with nothing pushed it was
 * none.
 */
static void
test_open(void)
{
    g_autoptr(LimUndo) undo = lim_undo_new();
    guint *undo_told = test_count(undo, "notify::can-undo");

    lim_undo_push(undo, g_variant_new_int32(1));
    lim_undo_set_open(undo, TRUE);
    g_assert_true(lim_undo_can_undo(undo));
    g_assert_cmpuint(*undo_told, ==, 1);
    g_assert_null(lim_undo_undo(undo));
    lim_undo_push(undo, g_variant_new_int32(1));
    g_assert_false(lim_undo_can_undo(undo));
    lim_undo_set_open(undo, TRUE);
    lim_undo_push(undo, g_variant_new_int32(2));
    g_assert_cmpint(value(lim_undo_undo(undo)), ==, 1);
    g_assert_true(lim_undo_can_redo(undo));
    lim_undo_set_open(undo, TRUE);
    g_assert_false(lim_undo_can_redo(undo));
    lim_undo_set_open(undo, FALSE);
    g_assert_cmpint(value(lim_undo_redo(undo)), ==, 2);
}

static void
test_limit(void)
{
    g_autoptr(LimUndo) undo = lim_undo_new();
    int steps = 0;

    for (int i = 0; i < LIM_UNDO_MAX + 50; i++)
        lim_undo_push(undo, g_variant_new_int32(i));
    while (lim_undo_undo(undo))
        steps++;
    g_assert_cmpint(steps, ==, LIM_UNDO_MAX - 1);
    while (lim_undo_can_redo(undo))
        steps = value(lim_undo_redo(undo));
    g_assert_cmpint(steps, ==, LIM_UNDO_MAX + 49);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/undo/line", test_line);
    g_test_add_func("/undo/branch", test_branch);
    g_test_add_func("/undo/open", test_open);
    g_test_add_func("/undo/limit", test_limit);
    return g_test_run();
}
