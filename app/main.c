/* limen [FILE]: opens the window, on the shipped model or on FILE. */
#include "lim-app.h"

int
main(int argc, char **argv)
{
    g_autoptr(LimApp) app = lim_app_new(G_APPLICATION_DEFAULT_FLAGS);

    g_set_application_name("Limen");
    gtk_window_set_default_icon_name(LIM_APP_ID);
    g_application_set_option_context_parameter_string(G_APPLICATION(app), "[FILE]");
    g_application_set_option_context_summary(
        G_APPLICATION(app),
        "Opens the window. FILE is a model (.safetensors) or a picture that Limen exported.");
    return g_application_run(G_APPLICATION(app), argc, argv);
}
