/* Where the text of many inputs goes: all into one stream, in the order of the inputs, or each into a file of its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/inputs.h"

G_BEGIN_DECLS

typedef struct _SthOutputs SthOutputs;

/* @target: NULL for standard output, a file, or with @each a folder that is made if it is missing; files in it are called after the inputs and end
 * in .@ending. @head: written once at the top of one stream. @before: called before anything is written to standard output, may be NULL. Returns:
 * NULL with @error (STH_ERROR_FILE) if that cannot be, or two inputs would go to the same file. */
SthOutputs *sth_outputs_new(const GPtrArray *inputs, const char *target, gboolean each, const char *ending, const char *head,
                            void (*before)(gpointer), gpointer data, GError **error);
/* FALSE with @error if what was written last could not be. */
gboolean sth_outputs_free(SthOutputs *outputs, GError **error);

/* Text of input @index; any thread, one at a time for each input. Whole records that reach the file before this returns unless an earlier input is not
 * done. FALSE with @error (STH_ERROR_FILE): disk full, closed pipe; there is no use in going on. */
gboolean sth_outputs_write(SthOutputs *outputs, guint index, const char *text, gsize length, GError **error);
/* Nothing more comes of input @index. */
gboolean sth_outputs_done(SthOutputs *outputs, guint index, GError **error);

G_END_DECLS
