/* Writes what other programs are to read: `export_samples FORMAT results|events`. All that a record can hold, with every nasty label.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nasty_labels.h"

#define SECOND G_GUINT64_CONSTANT(1000000000)

int main(int argc, char **argv)
{
    GArray *records = g_array_new(FALSE, FALSE, sizeof(SthRecord));
    g_return_val_if_fail(argc == 3, 2);
    for (guint i = 0; nasty_labels[i]; i++) {
        SthRecord record = nasty_record(nasty_labels[i]);
        record.source = record.model = nasty_labels[i];
        record.timestamp = record.window_end = (i + 2) * SECOND;
        record.window_start = (i + 1) * SECOND;
        record.running_time = i % 3 ? record.timestamp : STH_TIME_NONE;
        record.system_timestamp = i % 2 ? 1790000000 * SECOND + i : STH_TIME_NONE;
        record.top[0].index = (gint)i;
        record.events = i % 4;
        record.action = (SthAction){(gint)i, record.timestamp, record.timestamp, 0.5f};
        record.ended = (SthAction){(gint)i, record.window_start, record.timestamp, i % 5 ? 0.75f : NAN};
        record.action_label = record.ended_label = nasty_labels[i];
        record.label = i % 7 ? 0 : -1;
        g_array_append_val(records, record);
    }
    SthRecord unknown = {.label = -1, .n_top = 1, .top = {{0, INFINITY}}, .action.index = -1, .ended.index = -1};
    unknown.timestamp = unknown.running_time = unknown.system_timestamp = unknown.window_start = unknown.window_end = unknown.age = STH_TIME_NONE;
    g_array_append_val(records, unknown);
    const SthExportEmit emit = strcmp(argv[2], "events") == 0 ? STH_EXPORT_EVENTS : STH_EXPORT_RESULTS;
    g_autofree char *text = export_all(argv[1], emit, (SthRecord *)(gpointer)records->data, records->len, 99 * SECOND, NULL);
    g_array_free(records, TRUE);
    return fputs(text, stdout) < 0;
}
