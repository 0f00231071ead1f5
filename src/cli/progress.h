/* How far a run over files has come, as one line on a terminal.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SthProgress SthProgress;

/* Over @n_files files. Shows nothing unless standard error is a terminal. All functions may be called in any thread. */
SthProgress *sth_progress_new(guint n_files);
/* Takes the line off the screen. NULL is allowed. */
void sth_progress_free(SthProgress *progress);

/* File @index, called @name, has come to @position of @duration, ns; G_MAXUINT64: not known. Draws, but not more often than the eye sees. */
void sth_progress_update(SthProgress *progress, guint index, const char *name, guint64 position, guint64 duration);
/* File @index is done, well or not. */
void sth_progress_done(SthProgress *progress, guint index);
/* Takes the line off the screen until the next update, for other text to be written there. */
void sth_progress_hide(SthProgress *progress);

/* What the line shows at @fraction after @elapsed seconds, @columns wide; @name is cut from the left. Free with g_free(). */
char *sth_progress_line(double fraction, double elapsed, guint n_done, guint n_files, const char *name, gint columns, gboolean utf8);

G_END_DECLS
