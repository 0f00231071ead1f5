/* NDJSON, read back with json-glib; and the table of formats. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "nasty_labels.h"

static JsonNode *parse(const char *line)
{
    GError *error = NULL;
    JsonNode *node = json_from_string(line, &error);
    g_assert_no_error(error);
    g_assert_true(JSON_NODE_HOLDS_OBJECT(node));
    return node;
}

/* Every line is an object. */
static void check_lines(const char *text)
{
    if (!*text)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i + 1]; i++)
        json_node_unref(parse(lines[i]));
    g_assert_cmpstr(lines[g_strv_length(lines) - 1], ==, "");
    g_assert_true(g_utf8_validate(text, -1, NULL));
}

static char *export_one(const SthRecord *record, SthExportEmit emit)
{
    return export_all("ndjson", emit, record, 1, STH_TIME_NONE, check_lines);
}

static void test_shape(void)
{
    SthRecord record = nasty_record("waving");
    record.timestamp = 25131165869;
    g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
    static const char expected[] =
        "{\"objects\":[{\"classification\":{\"confidence\":0.91,\"label\":\"waving\",\"label_id\":3},\"h\":720,\"w\":1280,\"x\":0,\"y\":0}],"
        "\"resolution\":{\"height\":720,\"width\":1280},\"source\":\"cam1\",\"tags\":{},\"timestamp\":25131165869,"
        "\"sth\":{\"model\":\"fake\",\"top\":[{\"confidence\":0.91,\"label\":\"waving\",\"label_id\":3},"
        "{\"confidence\":0.05,\"label\":\"other\",\"label_id\":0}],\"window\":{\"start\":1000000000,\"end\":2000000000},"
        "\"inference_ms\":12.3457,\"held\":false,\"age\":0,\"events\":[]}}\n";
    g_autoptr(JsonNode) got = parse(text), wanted = parse(expected);
    g_assert_true(json_node_equal(got, wanted));
    g_assert_true(g_str_has_prefix(text, "{\"objects\":[{\"classification\":{\"confidence\":0.91,")); /* compact, no noise of digits */
}

/* The label comes back as it was; what was not UTF-8 comes back replaced. */
static void test_labels(void)
{
    for (guint i = 0; nasty_labels[i]; i++) {
        SthRecord record = nasty_record(nasty_labels[i]);
        record.source = record.model = nasty_labels[i];
        record.events = STH_EVENT_START;
        record.action.index = 3;
        record.action_label = nasty_labels[i];
        g_autofree char *expected = g_utf8_make_valid(nasty_labels[i], -1);
        g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
        g_assert_true(strchr(text, '\n') == text + strlen(text) - 1);
        JsonNode *node = parse(text);
        JsonObject *root = json_node_get_object(node);
        JsonObject *object = json_array_get_object_element(json_object_get_array_member(root, "objects"), 0);
        JsonObject *sth = json_object_get_object_member(root, "sth");
        g_assert_cmpstr(json_object_get_string_member(json_object_get_object_member(object, "classification"), "label"), ==, expected);
        g_assert_cmpstr(json_object_get_string_member(root, "source"), ==, expected);
        g_assert_cmpstr(json_object_get_string_member(sth, "model"), ==, expected);
        g_assert_cmpstr(json_object_get_string_member(json_array_get_object_element(json_object_get_array_member(sth, "events"), 0), "label"), ==,
                        expected);
        json_node_unref(node);
    }
}

static void test_nothing_known(void)
{
    SthRecord record = {.timestamp = STH_TIME_NONE,
                        .running_time = STH_TIME_NONE,
                        .system_timestamp = STH_TIME_NONE,
                        .window_start = STH_TIME_NONE,
                        .window_end = STH_TIME_NONE,
                        .age = STH_TIME_NONE,
                        .n_top = 3,
                        .top = {{0, NAN}, {1, INFINITY}, {2, -INFINITY}},
                        .label = -1};
    g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_null(strstr(text, "nan"));
    g_assert_null(strstr(text, "inf\""));
    JsonNode *node = parse(text);
    JsonObject *root = json_node_get_object(node), *sth = json_object_get_object_member(root, "sth");
    g_assert_cmpuint(json_array_get_length(json_object_get_array_member(root, "objects")), ==, 0);
    g_assert_false(json_object_has_member(root, "resolution"));
    g_assert_false(json_object_has_member(root, "source"));
    g_assert_false(json_object_has_member(root, "system_timestamp"));
    g_assert_true(json_object_get_null_member(root, "timestamp"));
    g_assert_true(json_object_get_null_member(json_object_get_object_member(sth, "window"), "start"));
    JsonObject *second = json_array_get_object_element(json_object_get_array_member(sth, "top"), 1);
    g_assert_true(json_object_get_null_member(second, "confidence"));
    g_assert_cmpstr(json_object_get_string_member(second, "label"), ==, "class-1");
    json_node_unref(node);
}

static void test_system_time(void)
{
    SthRecord record = nasty_record("waving");
    record.system_timestamp = G_GUINT64_CONSTANT(1790000000123456789);
    g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_nonnull(strstr(text, "\"system_timestamp\":1790000000123456789,"));
    g_assert_nonnull(strstr(text, "\"utc\":\"2026-09-21T14:13:20.123456789Z\""));
    record.running_time = 5;
    g_autofree char *running = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_nonnull(strstr(running, "\"running_time\":5,"));
}

/* Which records are written: fresh ones and those with events; only events where those are asked for. */
static void test_emit(void)
{
    static const struct {
        SthExportEmit emit;
        gboolean held;
        guint events, lines;
    } rows[] = {{STH_EXPORT_RESULTS, FALSE, 0, 1},
                {STH_EXPORT_RESULTS, TRUE, 0, 0},
                {STH_EXPORT_RESULTS, TRUE, STH_EVENT_END, 1},
                {STH_EXPORT_EVENTS, FALSE, 0, 0},
                {STH_EXPORT_EVENTS, FALSE, STH_EVENT_START, 1},
                {STH_EXPORT_EVENTS, TRUE, STH_EVENT_END, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        SthRecord record = nasty_record("waving");
        record.held = rows[i].held;
        record.events = rows[i].events;
        g_autofree char *text = export_one(&record, rows[i].emit);
        g_assert_cmpint(*text != 0, ==, rows[i].lines);
        if (*text)
            g_assert_cmpint(strstr(text, "\"held\":true") != NULL, ==, rows[i].held);
    }
}

static void check_events(const SthRecord *record, const char *expected)
{
    g_autofree char *text = export_one(record, STH_EXPORT_EVENTS);
    const char *events = strstr(text, "\"events\":");
    g_assert_nonnull(events);
    g_autofree char *tail = g_strdup_printf("\"events\":%s}}\n", expected);
    g_assert_cmpstr(events, ==, tail);
}

static void test_events(void)
{
    SthRecord record = nasty_record("waving");
    record.action = (SthAction){1, 500, 500, 0.5f};
    record.action_label = "one";
    record.ended = (SthAction){2, 100, 400, 0.75f};
    record.ended_label = "two";
    record.events = STH_EVENT_START;
    check_events(&record, "[{\"event\":\"action-start\",\"label\":\"one\",\"label_id\":1,\"confidence\":0.5,\"start\":500}]");
    record.events = STH_EVENT_END;
    check_events(&record, "[{\"event\":\"action-end\",\"label\":\"two\",\"label_id\":2,\"confidence\":0.75,\"start\":100,\"end\":400}]");
    record.events = STH_EVENT_START | STH_EVENT_END;
    check_events(&record, "[{\"event\":\"action-end\",\"label\":\"two\",\"label_id\":2,\"confidence\":0.75,\"start\":100,\"end\":400},"
                          "{\"event\":\"action-start\",\"label\":\"one\",\"label_id\":1,\"confidence\":0.5,\"start\":500}]");
    record.ended = record.action; /* an action of one window: it starts, then it ends */
    record.ended_label = "one";
    check_events(&record, "[{\"event\":\"action-start\",\"label\":\"one\",\"label_id\":1,\"confidence\":0.5,\"start\":500},"
                          "{\"event\":\"action-end\",\"label\":\"one\",\"label_id\":1,\"confidence\":0.5,\"start\":500,\"end\":500}]");
}

static void test_formats(void)
{
    const SthExportFormat *const *formats = sth_export_formats();
    guint n = 0;
    for (; formats[n]; n++) {
        g_assert_true(sth_export_format_find(formats[n]->name) == formats[n]);
        g_assert_nonnull(strchr(formats[n]->caps, '/'));
        g_assert_cmpstr(formats[n]->description, !=, "");
    }
    g_assert_cmpuint(n, ==, 5);
    g_assert_null(sth_export_format_find("docx"));
    g_assert_cmpstr(sth_export_format_find("ndjson")->caps, ==, "application/x-ndjson");
    g_assert_cmpstr(sth_export_format_find("csv")->caps, ==, "text/csv");
    g_assert_cmpstr(sth_export_format_find("vtt")->caps, ==, "application/x-subtitle-vtt");
    g_assert_cmpstr(sth_export_format_find("srt")->caps, ==, "application/x-subtitle");
    g_assert_cmpstr(sth_export_format_find("text")->caps, ==, "text/x-raw,format=utf8");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ndjson/shape", test_shape);
    g_test_add_func("/ndjson/labels", test_labels);
    g_test_add_func("/ndjson/nothing-known", test_nothing_known);
    g_test_add_func("/ndjson/system-time", test_system_time);
    g_test_add_func("/ndjson/emit", test_emit);
    g_test_add_func("/ndjson/events", test_events);
    g_test_add_func("/export/formats", test_formats);
    return g_test_run();
}
