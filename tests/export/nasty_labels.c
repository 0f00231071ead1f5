/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nasty_labels.h"

#define SECOND G_GUINT64_CONSTANT(1000000000)

const char *const nasty_labels[] = {"waving",
                                    "\"quoted\"",
                                    "back\\slash",
                                    "one, two; three\t|",
                                    "line\nbreak",
                                    "dos\r\nbreak",
                                    "\r",
                                    "--> 00:00:00.000 --> 00:00:01.000",
                                    "<b>bold</b> & <i>more",
                                    "&lt;already&gt;",
                                    "{\\an8}{y:i}top",
                                    "=1+1",
                                    "NOTE not a note",
                                    "WEBVTT",
                                    "",
                                    " ",
                                    "\x01\x02\x1b[31m\x7f",
                                    "{\"objects\":[]}",
                                    "]}],",
                                    "\xc3\x9c"
                                    "bung \xe6\x8c\xa5\xe6\x89\x8b \xf0\x9f\x91\x8b",
                                    "line\xe2\x80\xa8separator\xe2\x80\xa9",
                                    "\xff\xfe not UTF-8 \xc3",
                                    "\xed\xa0\x80 surrogate",
                                    "%s %n %d",
                                    NULL};

SthRecord nasty_record(const char *label)
{
    SthRecord record = {.source = "cam1",
                        .model = "fake",
                        .width = 1280,
                        .height = 720,
                        .timestamp = 2 * SECOND,
                        .running_time = STH_TIME_NONE,
                        .system_timestamp = STH_TIME_NONE,
                        .window_start = 1 * SECOND,
                        .window_end = 2 * SECOND,
                        .inference_ns = 12345678,
                        .n_top = 2,
                        .top = {{3, 0.91f}, {0, 0.05f}},
                        .label = 0};
    record.top_label[0] = label;
    record.top_label[1] = "other";
    record.action.index = record.ended.index = -1;
    return record;
}

char *export_all(const char *format, SthExportEmit emit, const SthRecord *records, guint n, guint64 end, void (*valid)(const char *text))
{
    const SthExportFormat *found = sth_export_format_find(format);
    GString *out = g_string_new(NULL);
    g_assert_nonnull(found);
    SthExporter *exporter = sth_exporter_new(found, emit);
    sth_exporter_start(exporter, out);
    for (guint i = 0; i < n; i++) {
        if (valid)
            valid(out->str);
        sth_exporter_record(exporter, &records[i], out);
    }
    sth_exporter_finish(exporter, end, out);
    sth_exporter_free(exporter);
    if (valid)
        valid(out->str);
    return g_string_free(out, FALSE);
}
