/* NDJSON: one JSON object a line. The outer shape is that of DL Streamer's gvametaconvert for a full-frame classification; what it has no place
 * for is in the object "sth". Times are nanoseconds. "objects" is empty when nothing was recognised. docs/json.md tells the keys, and
 * ndjson.schema.json beside this file checks them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"
#include "export/json.h"

static void write_label(JsonBuilder *json, const char *label, gint index)
{
    g_autofree char *text = sth_export_label(label, index);
    sth_json_string(json, "label", text);
    sth_json_uint(json, "label_id", index);
}

static void write_objects(JsonBuilder *json, const SthRecord *record)
{
    sth_json_array(json, "objects");
    const SthScore *score = sth_export_recognised(record);
    if (score) {
        sth_json_object(json, NULL);
        sth_json_object(json, "classification");
        sth_json_number(json, "confidence", score->confidence);
        write_label(json, record->top_label[record->label], score->index);
        json_builder_end_object(json);
        if (record->width && record->height) {
            sth_json_uint(json, "h", record->height);
            sth_json_uint(json, "w", record->width);
            sth_json_uint(json, "x", 0);
            sth_json_uint(json, "y", 0);
        }
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void write_event(gpointer data, const char *event, const SthAction *action, const char *label, gboolean ended)
{
    JsonBuilder *json = data;
    sth_json_object(json, NULL);
    sth_json_string(json, "event", event);
    write_label(json, label, action->index);
    sth_json_number(json, "confidence", action->peak);
    sth_json_time(json, "start", action->start);
    if (ended)
        sth_json_time(json, "end", action->end);
    json_builder_end_object(json);
}

static void write_sth(JsonBuilder *json, const SthRecord *record)
{
    sth_json_object(json, "sth");
    if (record->model)
        sth_json_string(json, "model", record->model);
    if (record->running_time != STH_TIME_NONE)
        sth_json_uint(json, "running_time", record->running_time);
    if (record->system_timestamp != STH_TIME_NONE) {
        g_autoptr(GString) utc = g_string_new(NULL);
        sth_export_append_utc(utc, record->system_timestamp);
        sth_json_string(json, "utc", utc->str);
    }
    sth_json_array(json, "top");
    for (guint i = 0; i < MIN(record->n_top, STH_MAX_TOP_K); i++) {
        sth_json_object(json, NULL);
        sth_json_number(json, "confidence", record->top[i].confidence);
        write_label(json, record->top_label[i], record->top[i].index);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    sth_json_object(json, "window");
    sth_json_time(json, "start", record->window_start);
    sth_json_time(json, "end", record->window_end);
    json_builder_end_object(json);
    sth_json_number(json, "inference_ms", (double)record->inference_ns / 1e6);
    sth_json_bool(json, "held", record->held);
    sth_json_time(json, "age", record->age);
    sth_json_array(json, "events");
    sth_export_each_event(record, write_event, json);
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static void ndjson_record(SthExportEmit emit, const SthRecord *record, GString *out)
{
    JsonBuilder *json = json_builder_new();
    sth_json_object(json, NULL);
    write_objects(json, record);
    if (record->width && record->height) {
        sth_json_object(json, "resolution");
        sth_json_uint(json, "height", record->height);
        sth_json_uint(json, "width", record->width);
        json_builder_end_object(json);
    }
    if (record->source)
        sth_json_string(json, "source", record->source);
    if (record->system_timestamp != STH_TIME_NONE)
        sth_json_uint(json, "system_timestamp", record->system_timestamp);
    sth_json_object(json, "tags");
    json_builder_end_object(json);
    sth_json_time(json, "timestamp", record->timestamp);
    write_sth(json, record);
    json_builder_end_object(json);
    sth_json_finish(json, out);
}

const SthExportClass sth_format_ndjson = {
    .format = {"ndjson", "application/x-ndjson", "one JSON object a line, in the shape of DL Streamer's gvametaconvert", STH_EXPORT_RECORDS},
    .record = ndjson_record,
};
