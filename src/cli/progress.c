/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL (G_USEC_PER_SEC / 10) /* between two drawings, µs */
#define BAR 24                         /* columns */
#define EARLY 0.01                     /* below this fraction there is nothing to reckon with */
#define CLEAR_LINE "\r\033[K"

struct _SthProgress {
    GMutex lock;
    guint n_files, n_done;
    double *fractions; /* of each file */
    gint64 start, drawn;
    gboolean shown;
};

SthProgress *sth_progress_new(guint n_files)
{
    if (!isatty(STDERR_FILENO))
        return NULL;
    SthProgress *progress = g_new0(SthProgress, 1);
    g_mutex_init(&progress->lock);
    progress->n_files = n_files;
    progress->fractions = g_new0(double, n_files);
    progress->start = g_get_monotonic_time();
    return progress;
}

static void hide(SthProgress *progress)
{
    if (progress->shown)
        fputs(CLEAR_LINE, stderr);
    progress->shown = FALSE;
    progress->drawn = 0;
}

void sth_progress_free(SthProgress *progress)
{
    if (progress == NULL)
        return;
    hide(progress);
    g_mutex_clear(&progress->lock);
    g_free(progress->fractions);
    g_free(progress);
}

static gint terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* "1:02:03", "2:03" */
static void append_duration(GString *out, double seconds)
{
    const guint s = (guint)MIN(seconds + 0.5, 359999);
    if (s >= 3600)
        g_string_append_printf(out, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        g_string_append_printf(out, "%u:%02u", s / 60, s % 60);
}

char *sth_progress_line(double fraction, double elapsed, guint n_done, guint n_files, const char *name, gint columns, gboolean utf8)
{
    GString *line = g_string_new(NULL);
    const guint full = (guint)(CLAMP(fraction, 0, 1) * BAR + 0.5);
    for (guint i = 0; i < BAR; i++)
        g_string_append(line, i < full ? (utf8 ? "━" : "=") : (utf8 ? "╌" : "-"));
    g_string_append_printf(line, " %3d %%", (int)floor(CLAMP(fraction, 0, 1) * 100));
    if (n_files > 1)
        g_string_append_printf(line, "  %u/%u", n_done, n_files);
    if (fraction >= EARLY) {
        g_string_append(line, "  ETA ");
        append_duration(line, elapsed * (1 - fraction) / fraction);
    }
    /* Less one column: a full line may wrap. */
    const glong room = columns - 1 - g_utf8_strlen(line->str, -1) - 2;
    g_autofree char *shown = g_utf8_make_valid(name, -1);
    const glong length = g_utf8_strlen(shown, -1);
    if (room >= 8)
        g_string_append_printf(line, "  %s%s", length > room ? (utf8 ? "…" : "~") : "",
                               length > room ? g_utf8_offset_to_pointer(shown, length - room + 1) : shown);
    return g_string_free(line, FALSE);
}

void sth_progress_update(SthProgress *progress, guint index, const char *name, guint64 position, guint64 duration)
{
    if (progress == NULL)
        return;
    g_mutex_lock(&progress->lock);
    if (position != G_MAXUINT64 && duration != G_MAXUINT64 && duration > 0)
        progress->fractions[index] = MIN((double)position / (double)duration, 1);
    const gint64 now = g_get_monotonic_time();
    if (now - progress->drawn >= INTERVAL) {
        double fraction = 0;
        for (guint i = 0; i < progress->n_files; i++)
            fraction += progress->fractions[i] / progress->n_files;
        g_autofree char *line = sth_progress_line(fraction, (double)(now - progress->start) / G_USEC_PER_SEC, progress->n_done, progress->n_files,
                                                  name, terminal_columns(), g_get_charset(NULL));
        fprintf(stderr, "\r%s\033[K", line);
        progress->shown = TRUE;
        progress->drawn = now;
    }
    g_mutex_unlock(&progress->lock);
}

void sth_progress_done(SthProgress *progress, guint index)
{
    if (progress == NULL)
        return;
    g_mutex_lock(&progress->lock);
    progress->fractions[index] = 1;
    progress->n_done++;
    g_mutex_unlock(&progress->lock);
}

void sth_progress_hide(SthProgress *progress)
{
    if (progress == NULL)
        return;
    g_mutex_lock(&progress->lock);
    hide(progress);
    g_mutex_unlock(&progress->lock);
}
