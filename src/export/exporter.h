/* What a format of text output is made of. One format is one file format_<name>.c, one row in formats.inc, one test.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-export.h>

G_BEGIN_DECLS

/* Any of the functions may be NULL: nothing to do. @state is state_size zeroed bytes. Each appends whole records to @out. */
typedef struct {
    SthExportFormat format;
    gsize state_size;
    void (*start)(gpointer state, GString *out);
    /* Called for the records that @emit lets through. */
    void (*record)(gpointer state, SthExportEmit emit, const SthRecord *record, GString *out);
    void (*finish)(gpointer state, SthExportEmit emit, guint64 end, GString *out);
    void (*clear)(gpointer state);
} SthExportClass;

/* The label as valid UTF-8, or "class-3" as models without labels have it. Free with g_free(). */
char *sth_export_label(const char *label, gint index);

G_END_DECLS
