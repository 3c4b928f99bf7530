/* What the view can be brought back to: the state of undo, what the next start begins with, and the
 * settings that an exported picture carries. All of them hold the form, the own picture, the
 * painting and the weights of the sum. */
#include "panes/scenes/pane.h"

#include "panes/scenes/read.h"
#include "schema-form.h"
#include "widgets/file-dialog.h"

/* ---- undo ---- */

/* The painting, a byte for each class; g_free(). */
static guint8 *
dup_bytes(LimScenesPane *self)
{
    const int n = self->wanted_size * self->wanted_size;
    guint8 *bytes = g_malloc0((gsize)n + 1);

    for (int i = 0; i < n; i++)
        bytes[i] = (guint8)self->wanted[i];
    return bytes;
}

static void
take_bytes(LimScenesPane *self, const guint8 *bytes, int size)
{
    g_autofree int32_t *wanted = size ? g_new(int32_t, size * size) : NULL;

    for (int i = 0; i < size * size; i++)
        wanted[i] = bytes[i];
    lim_scenes_pane_set_wanted(self, wanted, size);
}

static GVariant *
dup_state(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) form = lim_form_dup_settled(self->form);
    g_autoptr(GVariant) fusion = lim_fusion_page_dup_state(self->fusion);
    g_autofree guint8 *bytes = dup_bytes(self);

    return g_variant_ref_sink(
        g_variant_new("(@a{sv}si@ay@" LIM_FUSION_STATE ")", form, self->own ? self->own : "",
                      self->wanted_size,
                      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes,
                                                (gsize)(self->wanted_size * self->wanted_size), 1),
                      fusion));
}

static void
restore(LimFormPane *pane, GVariant *state)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) form = NULL, bytes = NULL, fusion = NULL;
    const char *own;
    int size;
    gsize n;

    g_variant_get(state, "(@a{sv}&si@ay@" LIM_FUSION_STATE ")", &form, &own, &size, &bytes,
                  &fusion);
    if (lim_fusion_page_set_state(self->fusion, fusion)) /* to be seen */
        gtk_stack_set_visible_child_name(GTK_STACK(self->pages), "fusion");
    take_bytes(self, g_variant_get_fixed_array(bytes, &n, 1), size);
    g_free(self->own);
    self->own = *own ? g_strdup(own) : NULL;
    lim_form_set_values(self->form, form);
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

/* Settings of the form and of the pages are one history. */
static void
flush(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    lim_form_flush(self->form);
    lim_fusion_page_flush(self->fusion);
}

static gboolean
is_open(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    return lim_form_is_open(self->form) || lim_fusion_page_is_open(self->fusion);
}

static void
do_reset_all(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimScenesPane *self = data;

    flush(data);
    lim_scenes_pane_set_wanted(self, NULL, 0);
    lim_fusion_page_reset(self->fusion);
    lim_form_reset(self->form);
    lim_form_pane_settle(data);
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

/* ---- from one start to the next ---- */

static void
write_session(LimFormPane *pane, GVariantDict *session)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    const gsize n = (gsize)(self->wanted_size * self->wanted_size);
    g_autofree guint8 *bytes = dup_bytes(self);
    g_autofree char *text = g_base64_encode(bytes, n);

    if (self->own)
        g_variant_dict_insert(session, "own-file", "s", self->own);
    if (n)
        g_variant_dict_insert(session, "painting", "(is)", self->wanted_size, text);
    g_autoptr(GVariant) fusion = lim_fusion_page_dup_state(self->fusion);
    g_variant_dict_insert_value(session, "fusion", fusion);
}

/* A picture that is gone is told of, and a scene is shown in its place. */
static void
read_own(LimScenesPane *self, GVariantDict *session)
{
    const char *path;
    int source;
    const gboolean own =
        g_variant_dict_lookup(session, "source", "i", &source) && source == LIM_SCENES_OWN;

    if (!g_variant_dict_lookup(session, "own-file", "&s", &path))
        path = NULL;
    if (path && g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_free(self->own);
        self->own = g_strdup(path);
        return;
    }
    if (!own)
        return;
    g_variant_dict_insert(session, "source", "i", LIM_SCENES_TEST);
    g_autofree char *name = path ? g_path_get_basename(path) : g_strdup("The picture");
    g_autofree char *text = g_strdup_printf("%s is not there any more, so this is a scene", name);
    lim_status_line_flash(self->status, text);
}

static void
read_painting(LimScenesPane *self, GVariantDict *session)
{
    const char *text;
    int size;
    gsize n;

    if (!g_variant_dict_lookup(session, "painting", "(i&s)", &size, &text))
        return;
    g_autofree guint8 *bytes = g_base64_decode(text, &n);
    if (size < 1 || size > LIM_SCENE_SIDE || n != (gsize)(size * size))
        return;
    take_bytes(self, bytes, size);
}

static void
read_session(LimFormPane *pane, GVariantDict *session)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) fusion =
        g_variant_dict_lookup_value(session, "fusion", G_VARIANT_TYPE(LIM_FUSION_STATE));

    read_own(self, session);
    read_painting(self, session);
    if (fusion)
        lim_fusion_page_set_state(self->fusion, fusion);
}

/* ---- pictures from elsewhere ---- */

static void
take_own(LimScenesPane *self, const char *path)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
    g_free(self->own);
    self->own = g_strdup(path);
    lim_form_set_values(self->form, g_variant_new_parsed("{'source': <%i>}", LIM_SCENES_OWN));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
take_settings(LimScenesPane *self, const LimScenesReadTask *read)
{
    LimScenesSetup setup = read->setup;
    g_autoptr(GVariant) now = lim_form_row_dup_value(lim_form_get_row(self->form, "overlay"));

    lim_form_pane_flush(LIM_FORM_PANE(self));
    g_free(self->own);
    self->own = g_strdup(read->own);
    setup.source = read->own ? LIM_SCENES_OWN : LIM_SCENES_TEST;
    setup.overlay = g_variant_get_double(now);
    if (read->fused) { /* a sum belongs to no network */
        g_autoptr(GVariant) net = lim_form_row_dup_value(lim_form_get_row(self->form, "net"));
        setup.net = g_variant_get_int32(net);
        lim_fusion_page_set_state(self->fusion,
                                  g_variant_new(LIM_FUSION_STATE, read->weight[0], read->weight[1],
                                                read->weight[2], read->weight[3], read->permuted));
        gtk_stack_set_visible_child_name(GTK_STACK(self->pages), "fusion");
    }
    lim_scenes_pane_set_wanted(self, read->wanted_size ? read->wanted : NULL, read->wanted_size);
    lim_form_set_values(self->form, lim_schema_values(lim_scenes_setup_schema, &setup));
    lim_form_set_values(self->form, lim_schema_values(lim_scene_schema, &read->scenes));
    lim_form_set_values(self->form, lim_schema_values(lim_dag_schema, &read->dag));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    g_autofree char *text =
        read->gone ? g_strdup_printf("Settings restored from the picture without its painting: %s "
                                     "is not there any more",
                                     read->gone)
                   : g_strdup("Settings restored from the picture");
    lim_status_line_flash(self->status, text);
}

static void
file_read(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimScenesReadTask *read = (const LimScenesReadTask *)t;

    if (!self || status == LIM_CANCELLED)
        return;
    lim_form_pane_resume(LIM_FORM_PANE(self)); /* what was opened goes before the last session */
    if (status != LIM_OK)
        lim_status_line_flash(self->status, err->text);
    else if (read->settings)
        take_settings(self, read);
    else
        take_own(self, read->path);
}

static gboolean
open_file(LimPane *pane, const char *path)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    lim_worker_submit(lim_scenes_pane_worker(self), lim_scenes_read_task_new(path), LIM_LANE_LONG,
                      0, 0,
                      (LimTaskEvents){.done = file_read,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
    return TRUE;
}

static void
picture_chosen(gpointer pane, const char *path)
{
    open_file(pane, path);
}

static void
do_open_picture(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    static const LimFileKind pictures = {"Pictures (PNG)", "png", FALSE};

    lim_file_dialog_open(data, "Open Picture", &pictures, picture_chosen);
}

void
lim_scenes_state_class_init(LimFormPaneClass *klass)
{
    klass->dup_state = dup_state;
    klass->restore = restore;
    klass->flush = flush;
    klass->is_open = is_open;
    klass->write_session = write_session;
    klass->read_session = read_session;
    LIM_PANE_CLASS(klass)->open_file = open_file;
}

void
lim_scenes_state_connect(LimScenesPane *self)
{
    static const GActionEntry entries[] = {
        {.name = "open-picture", .activate = do_open_picture},
        {.name = "reset-all", .activate = do_reset_all}, /* what is not in the form, too */
    };

    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), entries,
                                    G_N_ELEMENTS(entries), self);
}
