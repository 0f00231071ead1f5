/* CSV, read back by the grammar of RFC 4180. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "nasty_labels.h"

#define COLUMNS 14
enum { EVENT, SOURCE, TIME, RUNNING_TIME, UTC, START, END, LABEL, LABEL_ID, CONFIDENCE, BEST, BEST_ID, INFERENCE_MS, MODEL };

#define HEAD "event,source,time,running_time,utc,start,end,label,label_id,confidence,best,best_id,inference_ms,model\r\n"

/* One field at *at, which moves to what ends it: ',' or "\r\n". */
static char *read_field(const char **at)
{
    GString *field = g_string_new(NULL);
    if (**at == '"') {
        for ((*at)++; **at != '"' || (*at)[1] == '"'; (*at)++) {
            g_assert_cmpint(**at, !=, '\0');
            *at += **at == '"';
            g_string_append_c(field, **at);
        }
        (*at)++;
    } else {
        for (; **at != ',' && **at != '\r'; (*at)++) {
            g_assert_null(strchr("\"\n", **at)); /* nor the end of the text */
            g_string_append_c(field, **at);
        }
    }
    return g_string_free(field, FALSE);
}

/* The line at *at, which moves to the next one. NULL-terminated. */
static char **read_line(const char **at)
{
    GPtrArray *fields = g_ptr_array_new();
    g_ptr_array_add(fields, read_field(at));
    while (**at == ',') {
        (*at)++;
        g_ptr_array_add(fields, read_field(at));
    }
    g_assert_true(g_str_has_prefix(*at, "\r\n"));
    *at += 2;
    g_assert_cmpuint(fields->len, ==, COLUMNS);
    g_ptr_array_add(fields, NULL);
    return (char **)g_ptr_array_free(fields, FALSE);
}

static void check_csv(const char *text)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_true(g_str_has_prefix(text, HEAD));
    while (*text)
        g_strfreev(read_line(&text));
}

static char *export_one(const SthRecord *record, SthExportEmit emit)
{
    return export_all("csv", emit, record, 1, STH_TIME_NONE, check_csv);
}

static char **only_line(const char *text)
{
    const char *at = text + strlen(HEAD);
    char **fields = read_line(&at);
    g_assert_cmpint(*at, ==, '\0');
    return fields;
}

/* Whatever is in a name comes back; what was not UTF-8 comes back replaced. */
static void test_labels(void)
{
    for (guint i = 0; nasty_labels[i]; i++) {
        SthRecord record = nasty_record(nasty_labels[i]);
        record.source = record.model = nasty_labels[i];
        g_autofree char *expected = g_utf8_make_valid(nasty_labels[i], -1);
        g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
        g_auto(GStrv) fields = only_line(text);
        g_assert_cmpstr(fields[SOURCE], ==, expected);
        g_assert_cmpstr(fields[LABEL], ==, expected);
        g_assert_cmpstr(fields[BEST], ==, expected);
        g_assert_cmpstr(fields[MODEL], ==, expected);
    }
}

static void test_result(void)
{
    SthRecord record = nasty_record("waving, both hands");
    record.running_time = 5000000001;
    record.system_timestamp = G_GUINT64_CONSTANT(1790000000123456789);
    g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_cmpstr(text, ==,
                    HEAD "result,cam1,2.000000000,5.000000001,2026-09-21T14:13:20.123456789Z,1.000000000,2.000000000,"
                         "\"waving, both hands\",3,0.91,\"waving, both hands\",3,12.3457,fake\r\n");
    record.label = -1; /* nothing recognised; what came nearest is told all the same */
    g_autofree char *nothing = export_one(&record, STH_EXPORT_RESULTS);
    g_auto(GStrv) fields = only_line(nothing);
    g_assert_cmpstr(fields[LABEL], ==, "");
    g_assert_cmpstr(fields[LABEL_ID], ==, "");
    g_assert_cmpstr(fields[CONFIDENCE], ==, "0.91");
    g_assert_cmpstr(fields[BEST_ID], ==, "3");
}

/* What is not known is an empty field. */
static void test_nothing_known(void)
{
    SthRecord record = {.label = -1, .action.index = -1, .ended.index = -1};
    record.timestamp = record.running_time = record.system_timestamp = record.window_start = record.window_end = STH_TIME_NONE;
    g_autofree char *text = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_cmpstr(text, ==, HEAD "result,,,,,,,,,,,,0,\r\n");
    record.n_top = 1;
    record.top[0] = (SthScore){2, NAN};
    record.label = 0;
    g_autofree char *unnamed = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_cmpstr(unnamed, ==, HEAD "result,,,,,,,class-2,2,,class-2,2,0,\r\n");
}

static void test_events(void)
{
    SthRecord record = nasty_record("waving");
    record.events = STH_EVENT_START | STH_EVENT_END;
    record.action = (SthAction){1, 1500000000, 1500000000, 0.5f};
    record.action_label = "one";
    record.ended = (SthAction){2, 100, 400000000, 0.75f};
    record.ended_label = "two";
#define END_LINE "action-end,cam1,2.000000000,,,0.000000100,0.400000000,two,2,0.75,,,12.3457,fake\r\n"
#define START_LINE "action-start,cam1,2.000000000,,,1.500000000,,one,1,0.5,,,12.3457,fake\r\n"
    g_autofree char *events = export_one(&record, STH_EXPORT_EVENTS);
    g_assert_cmpstr(events, ==, HEAD END_LINE START_LINE);
    g_autofree char *all = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_true(g_str_has_prefix(all, HEAD "result,"));
    g_assert_true(g_str_has_suffix(all, END_LINE START_LINE));
    record.held = TRUE; /* its result was told before */
    g_autofree char *held = export_one(&record, STH_EXPORT_RESULTS);
    g_assert_cmpstr(held, ==, HEAD END_LINE START_LINE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv/labels", test_labels);
    g_test_add_func("/csv/result", test_result);
    g_test_add_func("/csv/nothing-known", test_nothing_known);
    g_test_add_func("/csv/events", test_events);
    return g_test_run();
}
