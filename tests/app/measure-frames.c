/* usage: measure-frames [SECONDS [attack]]
 * How the window feels: drags the threshold of the shipped model to and fro, as often as a mouse
 * reports, and prints how old a picture is when it reaches the screen, how many come per second,
 * and how long the UI thread is ever away from its loop. First plain, then with attention maps,
 * then while a long job runs beside it; then an attack is scrubbed (alone: "attack"). Nothing is
 * asserted: the numbers are those of this machine.
 */
#include "panes/attack/attack.h"
#include "support-app.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define EVENTS_PER_SECOND 120

static double seconds = 5;
static gboolean attack_only;

/* The time between two polls of the main loop: nothing else can happen in the window meanwhile. As
 * the clock on the wall sees it, and without the time in which the machine did something else. */
static GArray *gaps, *busy; /* of double, ms; NULL: not measuring */
static gint64 polled, worked;

static gint64
own_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static int
poll_timed(GPollFD *fds, guint n, int timeout)
{
    gint64 now = g_get_monotonic_time();
    double gap = (double)(now - polled) / 1000, own = (double)(own_time() - worked) / 1000;

    if (gaps && polled) {
        g_array_append_val(gaps, gap);
        g_array_append_val(busy, own);
    }
    int result = g_poll(fds, n, timeout);
    polled = g_get_monotonic_time();
    worked = own_time();
    return result;
}

static GArray *ages; /* of double, ms, from the request to the screen; NULL: not measuring */

static void
shown(GtkLabel *label)
{
    double queued, ran, painted;

    if (ages && sscanf(gtk_label_get_text(label), "queued %lf ms ran %lf ms shown %lf ms", &queued,
                       &ran, &painted) == 3) {
        double age = queued + ran + painted;
        g_array_append_val(ages, age);
    }
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
quantile(GArray *a, double q)
{
    if (!a->len)
        return (double)NAN;
    qsort(a->data, a->len, sizeof(double), compare);
    return g_array_index(a, double, (guint)(q * (a->len - 1)));
}

typedef struct {
    GtkRange *range;         /* to and fro, or */
    LimTransport *transport; /* forwards and backwards through a film */
    gint64 start;
} Drag;

static gboolean
move(gpointer data)
{
    Drag *drag = data;
    double s = (double)(g_get_monotonic_time() - drag->start) / 1e6;

    if (drag->transport)
        lim_transport_move(drag->transport, (int)(400 + 380 * sin(2 * s)));
    else
        gtk_range_set_value(drag->range, 1.25 + 1.2 * sin(2 * s));
    return G_SOURCE_CONTINUE;
}

static void
measure_drag(Drag drag, const char *what)
{
    test_spin(500);
    drag.start = g_get_monotonic_time();
    gaps = g_array_new(FALSE, FALSE, sizeof(double));
    busy = g_array_new(FALSE, FALSE, sizeof(double));
    ages = g_array_new(FALSE, FALSE, sizeof(double));
    guint source = g_timeout_add(1000 / EVENTS_PER_SECOND, move, &drag);
    while (g_get_monotonic_time() - drag.start < seconds * 1e6)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(source);
    g_print("%-28s  age of a frame: median %5.1f ms, 95 %% %5.1f ms;  %4.1f frames/s;  "
            "UI thread away: 99 %% %4.1f ms, most %4.1f ms, of its own time %4.1f and %4.1f ms\n",
            what, quantile(ages, 0.5), quantile(ages, 0.95), ages->len / seconds,
            quantile(gaps, 0.99), quantile(gaps, 1), quantile(busy, 0.99), quantile(busy, 1));
    g_clear_pointer(&busy, g_array_unref);
    g_clear_pointer(&gaps, g_array_unref);
    g_clear_pointer(&ages, g_array_unref);
}

static void
measure(TestApp *t, const char *what)
{
    GtkWidget *scale = test_find_labelled(GTK_WIDGET(t->window), "Truncation threshold");

    test_wait_current(t);
    measure_drag((Drag){.range = GTK_RANGE(scale)}, what);
}

static void
watch(GtkWidget *status)
{
    GtkWidget *timing = gtk_widget_get_last_child(gtk_widget_get_first_child(status));

    g_assert_true(GTK_IS_LABEL(timing));
    g_signal_connect(timing, "notify::label", G_CALLBACK(shown), NULL);
}

static void
wait_attack(LimAttackPane *pane)
{
    test_spin(300);
    while (!lim_attack_pane_get_current(pane))
        test_spin(50);
}

/* The film of a Boundary Attack of 1000 queries is scrubbed, without and with a denoiser. */
static void
measure_attack(TestApp *t)
{
    LimAttackPane *pane = LIM_ATTACK_PANE(lim_window_get_pane(t->window, "attack"));
    const Drag drag = {.transport = lim_attack_pane_get_transport(pane)};
    LimForm *form = LIM_FORM(test_find_type(GTK_WIDGET(pane), LIM_TYPE_FORM));

    test_show_view(t, "attack");
    watch(test_find_type(GTK_WIDGET(pane), LIM_TYPE_STATUS_LINE));
    wait_attack(pane);
    measure_drag(drag, "an attack is scrubbed");
    lim_form_row_set_value(lim_form_get_row(form, "denoiser"), g_variant_new_int32(1));
    wait_attack(pane);
    measure_drag(drag, "an attack behind a denoiser");
}

static LimStep
spin_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    gint64 start = g_get_monotonic_time();

    while (g_get_monotonic_time() - start < 20000)
        if (lim_cancelled(exec->cancel)) {
            lim_fail(err, LIM_CANCELLED, "cancelled");
            return LIM_STEP_FAILED;
        }
    return LIM_STEP_MORE;
}

static void
spin_free(LimTask *task)
{
    free(task);
}

static void
body(TestApp *t)
{
    static const LimTaskClass spin = {"spin", spin_step, NULL, spin_free};
    LimTask *task = calloc(1, sizeof *task);
    LimWorker *worker = lim_session_get_worker(lim_pane_get_session(t->pane));

    test_wait_current(t);
    watch(GTK_WIDGET(t->status));
    if (attack_only) {
        measure_attack(t);
        free(task);
        return;
    }
    measure(t, "16 samples");
    test_set(t, "attention", g_variant_new_boolean(TRUE));
    measure(t, "16 samples with maps");
    test_set(t, "attention", g_variant_new_boolean(FALSE));
    test_set(t, "samples", g_variant_new_int32(64));
    measure(t, "64 samples");
    test_set(t, "samples", g_variant_new_int32(16));
    task->klass = &spin;
    uint64_t ticket = lim_worker_submit(worker, task, LIM_LANE_LONG, 0, 0, (LimTaskEvents){0});
    measure(t, "16 samples beside a long job");
    lim_worker_cancel(worker, ticket);
    measure_attack(t);
}

int
main(int argc, char **argv)
{
    g_autofree char *data = g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", NULL);

    test_app_init(&argc, &argv);
    if (argc > 1)
        seconds = g_ascii_strtod(argv[1], NULL);
    attack_only = argc > 2;
    g_setenv("LIMEN_DATA", data, TRUE);
    g_main_context_set_poll_func(NULL, poll_timed);
    test_app_run(NULL, body);
    return 0;
}
