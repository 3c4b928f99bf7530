/* The keys. GtkShortcutsWindow 4.8 can only be filled by GtkBuilder, so the table becomes XML. */
#include "shortcuts.h"

#include "lim-pane.h"

const LimShortcut lim_shortcuts[] = {
    {"General", "Open model", "win.open-model", "<Control>o"},
    {"General", "Export PNG", "view.export", "<Control>e"},
    {"General", "Cancel the export", "view.cancel-export", "<Control><Shift>e"},
    {"General", "Copy as command", "view.copy-command", "<Control><Shift>c"},
    {"General", "Undo", "view.undo", "<Control>z"},
    {"General", "Redo", "view.redo", "<Control><Shift>z <Control>y"},
    {"General", "Reset all settings", "view.reset-all", "<Control><Shift>r"},
    {"General", "New seed", "view.new-seed", "<Control>n"},
    {"General", "Previous seed", "view.previous-seed", "<Alt>Left"},
    {"General", "Next seed", "view.next-seed", "<Alt>Right"},
    {"General", "Grid", "view.mode::grid", "<Control>1"},
    {"General", "Sheet", "view.mode::sheet", "<Control>2"},
    {"General", "Interpolation", "view.mode::interpolation", "<Control>3"},
    {"Window", "Main menu", "win.menu", "F10"},
    {"Window", "Settings panel", "win.show-form", "F9"},
    {"Window", "Full screen", "win.fullscreen", "F11"},
    {"Window", "Keyboard shortcuts", "win.show-help-overlay", "<Control>question F1"},
    {"Window", "Close window", "window.close", "<Control>w"},
    {"Window", "Quit", "app.quit", "<Control>q"},
    {"Sliders", "Step", NULL, "Left Right"},
    {"Sliders", "Fine step", NULL, "<Shift>Left <Shift>Right"},
    {"Sliders", "Far step", NULL, "Page_Up Page_Down"},
    {"Sliders", "Restore the value from before the drag", NULL, "Escape"},
    {"Pictures", "Move between pictures", NULL, "Left Right Up Down"},
    {"Pictures", "Show one picture alone", NULL, "Return space"},
    {"Pictures", "Keep a sample", "view.keep-sample", "<Control>d"},
    {"Pictures", "Send to Attack", "view.send-to-attack", "<Control>t"},
    {"Pictures", "Show the kept samples while the key is held", NULL, "c"},
    {"Pictures", "Show all pictures", NULL, "Escape"},
    {"Pictures", "Walk in latent space: drag a picture; take it back", NULL, "Escape"},
    {"Attention", "Move the place", NULL, "Left Right Up Down"},
    {"Attention", "Same place in another picture", NULL, "Page_Up Page_Down"},
    {"Attention", "Pin the place", NULL, "Return"},
    {"Attention", "Take the pin away", NULL, "Delete"},
    {"Attention", "Show one picture alone", NULL, "space"},
    {"Sheets", "Move between pictures", NULL, "Left Right Up Down"},
    {"Sheets", "Take the settings of a picture over", NULL, "Return space"},
    {"Sheets", "And show them in the grid", NULL, "<Control>Return"},
    {"Plots", "Move between points", NULL, "Left Right Home End"},
    {"Plots", "Set the threshold to that of the point", NULL, "Return space"},
    {"Plots", "Take a drag back", NULL, "Escape"},
    {"Attack", "Play or pause", NULL, "space k"},
    {"Attack", "Play backwards, forwards", NULL, "j l"},
    {"Attack", "One step back, further", NULL, "comma period"},
    {"Attack", "Previous, next accepted step", NULL, "less greater"},
    {"Attack", "Ten steps (with Shift: a hundred)", NULL, "Left Right"},
    {"Attack", "First, last step", NULL, "Home End"},
    {"Attack", "Restart from the step shown", NULL, "r"},
    {"Attack", "Slower, faster", NULL, "bracketleft bracketright"},
    {"Attack", "Enlarge, shrink, show the whole picture", NULL, "plus minus 0"},
    {"Universal", "Pause or go on", NULL, "k"},
    {"Universal", "Smaller, larger scale", NULL, "bracketleft bracketright"},
    {"Universal", "Apply in Attack", "view.apply-in-attack", "<Control><Shift>t"},
    {"Scenes", "Previous, next scene", NULL, "<Alt>Left <Alt>Right"},
    {"Scenes", "Attack a garment alone; paint", NULL, "Return"},
    {0},
};

void
lim_shortcuts_install(GtkApplication *app)
{
    for (const LimShortcut *s = lim_shortcuts; s->group; s++) {
        if (!s->action)
            continue;
        g_auto(GStrv) accels = g_strsplit(s->accels, " ", -1);
        gtk_application_set_accels_for_action(app, s->action, (const char *const *)accels);
    }
    for (int i = 0; i < lim_n_panes && i < 9; i++) {
        g_autofree char *action = g_strdup_printf("win.view::%s", lim_panes[i]->name);
        g_autofree char *accel = g_strdup_printf("<Alt>%d", i + 1);
        gtk_application_set_accels_for_action(app, action, (const char *const[]){accel, NULL});
    }
}

static void
append_shortcut(GString *xml, const char *title, const char *accels)
{
    g_autofree char *item = g_markup_printf_escaped(
        "<child><object class='GtkShortcutsShortcut'><property name='title'>%s</property>"
        "<property name='accelerator'>%s</property></object></child>",
        title, accels);

    g_string_append(xml, item);
}

/* The window's keys, those of pictures, and those of attacks have a page each, as one would be too
 * long. */
static gboolean
begins_section(const char *group)
{
    return g_str_equal(group, "General") || g_str_equal(group, "Pictures") ||
           g_str_equal(group, "Attack");
}

GtkWidget *
lim_shortcuts_window_new(void)
{
    g_autoptr(GString) xml = g_string_new(
        "<interface><object class='GtkShortcutsWindow' id='window'><property name='modal'>1"
        "</property>");
    const char *group = NULL;

    for (const LimShortcut *s = lim_shortcuts; s->group; s++) {
        if (g_strcmp0(group, s->group) != 0) {
            if (group)
                g_string_append(xml, "</object></child>");
            if (begins_section(s->group))
                g_string_append_printf(xml,
                                       "%s<child><object class='GtkShortcutsSection'><property "
                                       "name='section-name'>%s</property><property name='title'>%s"
                                       "</property><property name='max-height'>20</property>",
                                       group ? "</object></child>" : "", s->group, s->group);
            g_string_append_printf(xml,
                                   "<child><object class='GtkShortcutsGroup'><property "
                                   "name='title'>%s</property>",
                                   s->group);
            group = s->group;
            if (g_str_equal(group, "Window"))
                for (int i = 0; i < lim_n_panes && i < 9; i++) {
                    g_autofree char *accel = g_strdup_printf("<Alt>%d", i + 1);
                    append_shortcut(xml, lim_panes[i]->title, accel);
                }
        }
        append_shortcut(xml, s->title, s->accels);
    }
    g_string_append(xml, "</object></child></object></child></object></interface>");

    g_autoptr(GtkBuilder) builder = gtk_builder_new_from_string(xml->str, (gssize)xml->len);
    return g_object_ref(GTK_WIDGET(gtk_builder_get_object(builder, "window")));
}
