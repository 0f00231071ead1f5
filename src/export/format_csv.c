/* CSV as RFC 4180 has it: a head, lines that end in CR LF, quotes where a field needs them. Times are seconds.
 *
 * A line is one result, or one start or end of an action; the column `event` says which. start and end are the window's for a result and the
 * action's for an event; `best` is the best class even where nothing is recognised, when `label` is empty.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "export/exporter.h"

#define NS_PER_S G_GUINT64_CONSTANT(1000000000)

static void csv_start(GString *out)
{
    g_string_append(out, "event,source,time,running_time,utc,start,end,label,label_id,confidence,best,best_id,inference_ms,model\r\n");
}

/* Any text, as one field. */
static void append_field(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    if (!strpbrk(valid, ",\"\r\n") && valid[0] != ' ' && !g_str_has_suffix(valid, " ")) {
        g_string_append(out, valid);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *at = valid; *at; at++) {
        if (*at == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *at);
    }
    g_string_append_c(out, '"');
}

static void append_time(GString *out, guint64 ns)
{
    g_string_append_c(out, ',');
    if (ns != STH_TIME_NONE)
        g_string_append_printf(out, "%" G_GUINT64_FORMAT ".%09" G_GUINT64_FORMAT, ns / NS_PER_S, ns % NS_PER_S);
}

static void append_number(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_c(out, ',');
    if (isfinite(value))
        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6g", value));
}

/* Two columns, empty if @index is -1. */
static void append_class(GString *out, const char *label, gint index)
{
    g_string_append_c(out, ',');
    if (index >= 0) {
        g_autofree char *text = sth_export_label(label, index);
        append_field(out, text);
        g_string_append_printf(out, ",%d", index);
    } else {
        g_string_append_c(out, ',');
    }
}

static void append_head(GString *out, const char *event, const SthRecord *record)
{
    g_string_append(out, event);
    g_string_append_c(out, ',');
    append_field(out, record->source);
    append_time(out, record->timestamp);
    append_time(out, record->running_time);
    g_string_append_c(out, ',');
    if (record->system_timestamp != STH_TIME_NONE)
        sth_export_append_utc(out, record->system_timestamp);
}

static void append_tail(GString *out, const SthRecord *record)
{
    append_number(out, (double)record->inference_ns / 1e6);
    g_string_append_c(out, ',');
    append_field(out, record->model);
    g_string_append(out, "\r\n");
}

typedef struct {
    const SthRecord *record;
    GString *out;
} Line;

static void event_line(gpointer data, const char *event, const SthAction *action, const char *label, gboolean ended)
{
    const Line *line = data;
    append_head(line->out, event, line->record);
    append_time(line->out, action->start);
    append_time(line->out, ended ? action->end : STH_TIME_NONE);
    append_class(line->out, label, action->index);
    append_number(line->out, action->peak);
    append_class(line->out, NULL, -1);
    append_tail(line->out, line->record);
}

static void csv_record(SthExportEmit emit, const SthRecord *record, GString *out)
{
    if (emit == STH_EXPORT_RESULTS && !record->held) {
        const SthScore *best = record->n_top > 0 ? &record->top[0] : NULL, *recognised = sth_export_recognised(record);
        append_head(out, "result", record);
        append_time(out, record->window_start);
        append_time(out, record->window_end);
        append_class(out, recognised ? record->top_label[record->label] : NULL, recognised ? recognised->index : -1);
        append_number(out, best ? best->confidence : NAN);
        append_class(out, best ? record->top_label[0] : NULL, best ? best->index : -1);
        append_tail(out, record);
    }
    Line line = {record, out};
    sth_export_each_event(record, event_line, &line);
}

const SthExportClass sth_format_csv = {
    .format = {"csv", "text/csv", "a table: a line for each result, start and end of an action", STH_EXPORT_RECORDS},
    .start = csv_start,
    .record = csv_record,
};
