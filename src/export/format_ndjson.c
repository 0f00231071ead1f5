/* NDJSON: one JSON object a line. The outer shape is that of DL Streamer's gvametaconvert for a full-frame classification; what it has no place
 * for is in the object "sth". Times are nanoseconds. "objects" is empty when nothing was recognised.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"
#include "export/json.h"

static void write_label(GString *out, const char *label, gint index)
{
    g_autofree char *text = sth_export_label(label, index);
    sth_json_string(out, "label", text);
    sth_json_int(out, "label_id", index);
}

static void write_objects(GString *out, const SthRecord *record)
{
    sth_json_begin(out, "objects", '[');
    if (record->label >= 0 && (guint)record->label < record->n_top) {
        const SthScore *score = &record->top[record->label];
        sth_json_begin(out, NULL, '{');
        sth_json_begin(out, "classification", '{');
        sth_json_number(out, "confidence", score->confidence);
        write_label(out, record->top_label[record->label], score->index);
        sth_json_end(out, '}');
        if (record->width && record->height) {
            sth_json_uint(out, "h", record->height);
            sth_json_uint(out, "w", record->width);
            sth_json_uint(out, "x", 0);
            sth_json_uint(out, "y", 0);
        }
        sth_json_end(out, '}');
    }
    sth_json_end(out, ']');
}

static void write_event(GString *out, const char *name, const SthAction *action, const char *label, gboolean ended)
{
    sth_json_begin(out, NULL, '{');
    sth_json_string(out, "event", name);
    write_label(out, label, action->index);
    sth_json_number(out, "confidence", action->peak);
    sth_json_time(out, "start", action->start);
    if (ended)
        sth_json_time(out, "end", action->end);
    sth_json_end(out, '}');
}

static void write_events(GString *out, const SthRecord *record)
{
    const gboolean start = (record->events & STH_EVENT_START) != 0, end = (record->events & STH_EVENT_END) != 0;
    /* In the order of time: one action follows another, or starts and ends with its only window. */
    const gboolean same = start && end && record->action.start <= record->ended.start;
    sth_json_begin(out, "events", '[');
    if (same)
        write_event(out, "action-start", &record->action, record->action_label, FALSE);
    if (end)
        write_event(out, "action-end", &record->ended, record->ended_label, TRUE);
    if (start && !same)
        write_event(out, "action-start", &record->action, record->action_label, FALSE);
    sth_json_end(out, ']');
}

static void write_sth(GString *out, const SthRecord *record)
{
    sth_json_begin(out, "sth", '{');
    if (record->model)
        sth_json_string(out, "model", record->model);
    sth_json_begin(out, "top", '[');
    for (guint i = 0; i < MIN(record->n_top, STH_MAX_TOP_K); i++) {
        sth_json_begin(out, NULL, '{');
        sth_json_number(out, "confidence", record->top[i].confidence);
        write_label(out, record->top_label[i], record->top[i].index);
        sth_json_end(out, '}');
    }
    sth_json_end(out, ']');
    sth_json_begin(out, "window", '{');
    sth_json_time(out, "start", record->window_start);
    sth_json_time(out, "end", record->window_end);
    sth_json_end(out, '}');
    sth_json_number(out, "inference_ms", (double)record->inference_ns / 1e6);
    sth_json_bool(out, "held", record->held);
    sth_json_time(out, "age", record->age);
    write_events(out, record);
    sth_json_end(out, '}');
}

static void ndjson_record(gpointer state, SthExportEmit emit, const SthRecord *record, GString *out)
{
    GString *line = g_string_sized_new(1024);
    sth_json_begin(line, NULL, '{');
    write_objects(line, record);
    if (record->width && record->height) {
        sth_json_begin(line, "resolution", '{');
        sth_json_uint(line, "height", record->height);
        sth_json_uint(line, "width", record->width);
        sth_json_end(line, '}');
    }
    if (record->source)
        sth_json_string(line, "source", record->source);
    if (record->system_timestamp != STH_TIME_NONE)
        sth_json_uint(line, "system_timestamp", record->system_timestamp);
    sth_json_begin(line, "tags", '{');
    sth_json_end(line, '}');
    sth_json_time(line, "timestamp", record->timestamp);
    write_sth(line, record);
    sth_json_end(line, '}');
    g_string_append_len(out, line->str, (gssize)line->len);
    g_string_append_c(out, '\n');
    g_string_free(line, TRUE);
}

const SthExportClass sth_format_ndjson = {
    .format = {"ndjson", "application/x-ndjson", "one JSON object a line, in the shape of DL Streamer's gvametaconvert"},
    .record = ndjson_record,
};
