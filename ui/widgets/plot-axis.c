/* Ticks and distances of LimPlot, kept apart from the widget so that they can be tested without a
 * display. */
#include "widgets/plot-axis.h"

#include <math.h>
#include <string.h>

/* A step of 1, 2 or 5 times a power of ten that divides span into at most so many parts. */
static double
round_step(double span, int parts)
{
    double raw = span / parts;
    double power = pow(10, floor(log10(raw)));
    double lead = raw / power;
    const double tiny = 1 + 1e-9; /* so that 0.2 / 0.1 counts as 2 */

    return power * (lead <= tiny ? 1 : lead <= 2 * tiny ? 2 : lead <= 5 * tiny ? 5 : 10);
}

/* Free ends move out to the next tick. */
static void
widen_linear(LimPlotAxis *a, gboolean free_lo, gboolean free_hi, int parts)
{
    if (!(a->hi > a->lo)) {
        double room = a->lo == 0 ? 1 : fabs(a->lo) / 10;
        if (free_hi)
            a->hi = a->lo + room;
        if (free_lo || !(a->hi > a->lo))
            a->lo = a->hi - 2 * room;
    }
    double step = round_step(a->hi - a->lo, parts);
    if (free_lo)
        a->lo = floor(a->lo / step + 1e-9) * step;
    if (free_hi)
        a->hi = ceil(a->hi / step - 1e-9) * step;
}

static void
widen_log(LimPlotAxis *a, gboolean free_lo, gboolean free_hi)
{
    if (free_lo)
        a->lo = pow(10, floor(log10(a->lo) + 1e-9));
    if (free_hi)
        a->hi = pow(10, ceil(log10(a->hi) - 1e-9));
    if (!(a->hi > a->lo)) {
        if (free_hi)
            a->hi = 10 * a->lo;
        else
            a->lo = a->hi / 10;
    }
}

LimPlotAxis
lim_plot_axis(double lo, double hi, gboolean log, double fixed_lo, double fixed_hi, int want)
{
    LimPlotAxis a = {lo, hi, log};
    double smallest = log ? G_MINDOUBLE : -G_MAXDOUBLE;

    if (!(lo <= hi) || (log && !(hi > 0))) {
        a.lo = log ? 0.1 : 0;
        a.hi = 1;
    } else if (log && !(lo > 0)) {
        a.lo = hi / 10;
    }
    if (fixed_lo >= smallest)
        a.lo = fixed_lo;
    if (fixed_hi >= smallest)
        a.hi = fixed_hi;
    if (log)
        widen_log(&a, !(fixed_lo >= smallest), !(fixed_hi >= smallest));
    else
        widen_linear(&a, !(fixed_lo >= smallest), !(fixed_hi >= smallest), MAX(want - 1, 1));
    return a;
}

static int
linear_ticks(const LimPlotAxis *a, int want, double *ticks, int *decimals)
{
    double step = round_step(a->hi - a->lo, want - 1);
    double first = ceil(a->lo / step - 1e-9), last = floor(a->hi / step + 1e-9);
    int n = (int)(last - first) + 1;

    for (int i = 0; i < n; i++) {
        ticks[i] = (first + i) * step;
        decimals[i] = MAX(0, (int)-floor(log10(step) + 1e-9));
    }
    return n;
}

static int
log_ticks(const LimPlotAxis *a, int want, double *ticks, int *decimals)
{
    static const double leads[] = {1, 2, 5};
    int first = (int)floor(log10(a->lo) + 1e-9), last = (int)ceil(log10(a->hi) - 1e-9);
    int decades = last - first;
    int every =
        MAX(1, (decades + want - 2) / (want - 1)); /* ticks at every so many powers of ten */
    int leaders = 3 * decades + 1 <= want ? 3 : 1;
    int n = 0;

    for (int e = first; e <= last; e++) {
        if (leaders == 1 && (e - first) % every)
            continue;
        for (int k = 0; k < leaders && n < want; k++) {
            double v = leads[k] * pow(10, e);
            if (v < a->lo * (1 - 1e-9) || v > a->hi * (1 + 1e-9))
                continue;
            decimals[n] = MAX(-e, 0);
            ticks[n++] = v;
        }
    }
    return n;
}

int
lim_plot_ticks(const LimPlotAxis *axis, int want, double *ticks, int *decimals)
{
    want = CLAMP(want, 2, LIM_PLOT_MAX_TICKS);
    return axis->log ? log_ticks(axis, want, ticks, decimals)
                     : linear_ticks(axis, want, ticks, decimals);
}

char *
lim_plot_format(double value, int decimals)
{
    char format[16], digits[G_ASCII_DTOSTR_BUF_SIZE * 16];
    double size = fabs(value);

    if (isnan(value))
        return g_strdup("no number");
    if (isinf(value))
        return g_strdup(value < 0 ? "\342\210\222\342\210\236" : "\342\210\236");
    GString *text = g_string_new(NULL);
    if (size >= 1e9 || decimals > 6) {
        int exponent = size > 0 ? (int)floor(log10(size) + 1e-9) : 0;
        g_ascii_formatd(digits, sizeof digits, "%.3g", size / pow(10, exponent));
        g_string_append(text, digits);
        if (exponent)
            g_string_append_printf(text, "e%s%d", exponent < 0 ? "\342\210\222" : "",
                                   ABS(exponent));
    } else {
        g_snprintf(format, sizeof format, "%%.%df", decimals);
        g_ascii_formatd(digits, sizeof digits, format, size);
        int whole = (int)strcspn(digits, ".");
        for (int i = 0; i < whole; i++) {
            if (i && whole >= 5 && (whole - i) % 3 == 0)
                g_string_append(text, "\342\200\211");
            g_string_append_c(text, digits[i]);
        }
        g_string_append(text, digits + whole);
    }
    if (value < 0 && strpbrk(digits, "123456789"))
        g_string_prepend(text, "\342\210\222");
    return g_string_free(text, FALSE);
}

int
lim_plot_read_decimals(const LimPlotAxis *axis, double value)
{
    if (axis->log)
        return value > 0 ? MAX(0, 2 - (int)floor(log10(value) + 1e-9)) : 0;
    return MAX(0, (int)-round(log10((axis->hi - axis->lo) / 300)));
}

double
lim_plot_to_unit(const LimPlotAxis *a, double v)
{
    if (!a->log)
        return (v - a->lo) / (a->hi - a->lo);
    return v > 0 ? log(v / a->lo) / log(a->hi / a->lo) : (double)NAN;
}

double
lim_plot_from_unit(const LimPlotAxis *a, double u)
{
    return a->log ? a->lo * pow(a->hi / a->lo, u) : a->lo + u * (a->hi - a->lo);
}

int
lim_plot_nearest(const double *xy, int n, double x, double y, double reach)
{
    int best = -1;

    for (int i = 0; i < n; i++) {
        double d = hypot(xy[2 * i] - x, xy[2 * i + 1] - y);
        if (d <= reach) { /* false for NaN */
            reach = d;
            best = i;
        }
    }
    return best;
}

double
lim_plot_nearest_on_line(const double *xy, int n, double x, double y, double reach)
{
    int point = lim_plot_nearest(xy, n, x, y, reach);
    double best = point < 0 ? NAN : point;

    if (point >= 0)
        reach = hypot(xy[2 * point] - x, xy[2 * point + 1] - y);
    for (int i = 0; i + 1 < n; i++) {
        const double *a = xy + 2 * i, *b = a + 2;
        double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
        if (!(length > 0))
            continue;
        double t = CLAMP(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0, 1);
        double d = hypot(a[0] + t * dx - x, a[1] + t * dy - y);
        if (d < reach) {
            reach = d;
            best = i + t;
        }
    }
    return best;
}

void
lim_plot_place(const double *xy, int n, double position, double *x, double *y)
{
    *x = *y = NAN;
    if (n <= 0 || isnan(position))
        return;
    position = CLAMP(position, 0, n - 1);
    int i = MIN((int)position, MAX(n - 2, 0));
    int j = MIN(i + 1, n - 1);
    double t = position - i;

    /* At a point itself the neighbour may be absent. */
    if (t == 0)
        j = i;
    else if (t == 1)
        i = j;
    *x = xy[2 * i] + t * (xy[2 * j] - xy[2 * i]);
    *y = xy[2 * i + 1] + t * (xy[2 * j + 1] - xy[2 * i + 1]);
}
