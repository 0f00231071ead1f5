/* What a command line names: files, folders full of them, URIs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    char *location; /* file name or URI */
    char *name;     /* what it is called among its like: a relative path without the file's ending, "walk/clip1" */
} SthInput;

/* Of each argument in turn: files and URIs as they are, folders with the videos in and below them, in the order of their names. A file in a folder is
 * a video if its first bytes say so to GStreamer's type finders; what begins with a dot and links to folders are left out. GStreamer must be
 * initialised. Returns: SthInput, freed with the array; folders that cannot be read or hold no video are told by @complain. */
GPtrArray *sth_inputs_new(char **arguments, void (*complain)(gpointer data, GError *error), gpointer data);

G_END_DECLS
