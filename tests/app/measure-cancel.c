/* usage: measure-cancel [TIMES]
 * How soon the Attack view is idle after Pause: for every method, on the classifier alone and
 * through a denoiser, attacks are begun on picture after picture and paused after a random time.
 * What counts is when the worker has let go of the job, seen from the UI thread; and, for a machine
 * that does other things too, how long processors have worked on it meanwhile, the UI thread's own
 * work left out (with several threads that is more than the time that passes on an idle machine).
 * Nothing is asserted: the numbers are those of this machine. */
#include "panes/attack/attack.h"
#include "support-app.h"

#include <stdlib.h>
#include <time.h>

static int times = 20;

typedef struct {
    LimAttackPane *pane;
    LimForm *form;
    LimTransport *transport;
    LimWorker *worker;
    int picture;
    GRand *random;
} Measure;

static void
set(Measure *m, const char *key, GVariant *value)
{
    lim_form_row_set_value(lim_form_get_row(m->form, key), value);
}

/* Begins an attack on the next picture and waits until it runs. Returns whether it does. */
static gboolean
begin(Measure *m)
{
    const LimAttackRun *before = lim_attack_pane_get_run(m->pane);

    set(m, "picture", g_variant_new_int32(m->picture++ % 100));
    for (gint64 start = g_get_monotonic_time();
         g_get_monotonic_time() - start < 5 * G_USEC_PER_SEC;) {
        g_main_context_iteration(NULL, FALSE);
        if (lim_attack_pane_get_run(m->pane) != before && lim_worker_busy(m->worker))
            return TRUE;
        g_usleep(50);
    }
    return FALSE;
}

/* Waits for the worker, at most so long; ms. */
static double
wait_idle(Measure *m, double most)
{
    const gint64 start = g_get_monotonic_time();
    double ms = 0;

    while (lim_worker_busy(m->worker) && ms < most) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(50);
        ms = (double)(g_get_monotonic_time() - start) / 1000;
    }
    return ms;
}

/* ms that the processors have worked for this program, without this thread. */
static double
others_work(void)
{
    struct timespec all, own;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    return 1e3 * (double)(all.tv_sec - own.tv_sec) + 1e-6 * (double)(all.tv_nsec - own.tv_nsec);
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
measure(Measure *m, const char *method, const char *through)
{
    g_autofree double *ms = g_new0(double, times), *work = g_new0(double, times);
    int n = 0;

    if (!begin(m))
        return;
    const double whole = wait_idle(m, 2000);
    lim_transport_set_playing(m->transport, FALSE);
    wait_idle(m, 5000);
    for (int i = 0; i < 4 * times && n < times; i++) {
        if (!begin(m))
            continue;
        wait_idle(m, g_rand_double_range(m->random, 0, whole));
        if (!lim_worker_busy(m->worker))
            continue; /* it ended by itself */
        const double before = others_work();
        lim_transport_set_playing(m->transport, FALSE);
        ms[n] = wait_idle(m, 5000);
        work[n++] = others_work() - before;
    }
    qsort(ms, (size_t)n, sizeof *ms, compare);
    qsort(work, (size_t)n, sizeof *work, compare);
    if (n > 0)
        g_print("%-16s %-20s idle after: median %5.2f ms, most %5.2f ms (work: %5.2f and %5.2f ms) "
                "of %d; an attack takes %s%.0f ms\n",
                method, through, ms[n / 2], ms[n - 1], work[n / 2], work[n - 1], n,
                whole >= 2000 ? "over " : "", whole);
}

static void
body(TestApp *t)
{
    Measure m = {.pane = LIM_ATTACK_PANE(lim_window_get_pane(t->window, "attack")),
                 .random = g_rand_new_with_seed(1)};

    test_show_view(t, "attack");
    m.form = LIM_FORM(test_find_type(GTK_WIDGET(m.pane), LIM_TYPE_FORM));
    m.transport = lim_attack_pane_get_transport(m.pane);
    m.worker = lim_session_get_worker(lim_pane_get_session(LIM_PANE(m.pane)));
    test_spin(1000);
    set(&m, "queries", g_variant_new_int32(20000));
    for (int through = 0; through < 2; through++) {
        set(&m, "denoiser", g_variant_new_int32(through));
        set(&m, "through", g_variant_new_boolean(through));
        test_spin(500);
        for (size_t i = 0; i < lim_attack_count(); i++) {
            set(&m, "method", g_variant_new_int32((int)i));
            test_spin(100);
            lim_transport_set_playing(m.transport, FALSE);
            wait_idle(&m, 5000);
            measure(&m, lim_attack_at(i)->name, through ? "through a denoiser" : "classifier");
        }
    }
    g_rand_free(m.random);
}

int
main(int argc, char **argv)
{
    g_autofree char *data = g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", NULL);

    test_app_init(&argc, &argv);
    if (argc > 1)
        times = MAX(1, atoi(argv[1]));
    g_setenv("LIMEN_DATA", data, TRUE);
    test_app_run(NULL, body);
    return 0;
}
