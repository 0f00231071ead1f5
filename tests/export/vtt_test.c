/* WebVTT. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "nasty_labels.h"

#define MS G_GUINT64_CONSTANT(1000000)

/* The file format of the specification, as far as this writer uses it: head, empty line, cues of a timing line, one line of text, an empty line. */
static void check_vtt(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const guint n = g_strv_length(lines);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_null(strchr(text, '\r'));
    g_assert_cmpstr(lines[0], ==, "WEBVTT");
    g_assert_cmpstr(lines[1], ==, "");
    g_assert_cmpuint(n % 3, ==, 0);
    g_assert_cmpstr(lines[n - 1], ==, "");
    for (guint i = 2; i + 3 < n; i += 3) {
        guint t[8];
        char rest;
        const gint fields = sscanf(lines[i], "%2u:%2u:%2u.%3u --> %2u:%2u:%2u.%3u%c", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7], &rest);
        g_assert_cmpint(fields, ==, 8);
        g_assert_cmpuint(strlen(lines[i]), ==, 29);
        g_assert_cmpuint(((t[0] * 60 + t[1]) * 60 + t[2]) * 1000 + t[3], <, ((t[4] * 60 + t[5]) * 60 + t[6]) * 1000 + t[7]);
        g_assert_cmpstr(lines[i + 1], !=, "");
        g_assert_null(strstr(lines[i + 1], "-->"));
        g_assert_null(strpbrk(lines[i + 1], "<>"));
        g_assert_cmpstr(lines[i + 2], ==, "");
    }
}

/* Undoes the escapes of cue text. */
static char *unescape(const char *text)
{
    GString *out = g_string_new(text);
    g_string_replace(out, "&lt;", "<", 0);
    g_string_replace(out, "&gt;", ">", 0);
    g_string_replace(out, "&amp;", "&", 0);
    return g_string_free(out, FALSE);
}

static SthRecord event(guint events, gint index, const char *label, guint64 start, guint64 end, float peak)
{
    SthRecord record = nasty_record(label);
    const SthAction action = {index, start, end, peak};
    record.events = events;
    if (events & STH_EVENT_START) {
        record.action = action;
        record.action_label = label;
    }
    if (events & STH_EVENT_END) {
        record.ended = action;
        record.ended_label = label;
    }
    return record;
}

static void test_labels(void)
{
    for (guint i = 0; nasty_labels[i]; i++) {
        const SthRecord record = event(STH_EVENT_END, 1, nasty_labels[i], 1500 * MS, 3661250 * MS, 0.876f);
        g_autofree char *text = export_all("vtt", STH_EXPORT_EVENTS, &record, 1, STH_TIME_NONE, check_vtt);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_assert_cmpstr(lines[2], ==, "00:00:01.500 --> 01:01:01.250");
        g_autofree char *valid = g_utf8_make_valid(nasty_labels[i], -1);
        GString *expected = g_string_new(NULL);
        for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
            const gunichar c = g_utf8_get_char(at);
            g_string_append_unichar(expected, c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029 ? ' ' : c);
        }
        g_string_append(expected, " 88%");
        g_autofree char *plain = unescape(lines[3]);
        g_assert_cmpstr(plain, ==, expected->str);
        g_string_free(expected, TRUE);
    }
}

static void test_events(void)
{
    SthRecord both = event(STH_EVENT_END, 1, "one", 1000 * MS, 4000 * MS, 0.9f);
    both.events |= STH_EVENT_START;
    both.action = (SthAction){2, 4500 * MS, 4500 * MS, 0.6f};
    both.action_label = "two";
    const SthRecord records[] = {event(STH_EVENT_START, 1, "one", 1000 * MS, 1000 * MS, 0.5f),
                                 nasty_record("not an event"),
                                 both,
                                 event(STH_EVENT_END, 2, "two", 4500 * MS, 6000 * MS, 0.7f),
                                 event(STH_EVENT_START | STH_EVENT_END, 3, "instant", 7000 * MS, 7000 * MS, 1),
                                 event(STH_EVENT_START, 4, "open", 8000 * MS, 8000 * MS, 0.8f)};
    g_autofree char *text = export_all("vtt", STH_EXPORT_EVENTS, records, G_N_ELEMENTS(records), 9500 * MS, check_vtt);
    g_assert_cmpstr(text, ==,
                    "WEBVTT\n\n"
                    "00:00:01.000 --> 00:00:04.000\none 90%\n\n"
                    "00:00:04.500 --> 00:00:06.000\ntwo 70%\n\n"
                    "00:00:07.000 --> 00:00:07.500\ninstant 100%\n\n"
                    "00:00:08.000 --> 00:00:09.500\nopen 80%\n\n");
}

static SthRecord result(gint label, guint64 start, guint64 end, float confidence)
{
    SthRecord record = nasty_record("");
    record.label = label < 0 ? -1 : 0;
    record.top[0] = (SthScore){label, confidence};
    record.top_label[0] = label == 1 ? "one" : "two";
    record.window_start = start * MS;
    record.window_end = record.timestamp = end * MS;
    return record;
}

/* Windows of a second, every half second: equal neighbours are one cue, and cues do not overlap. */
static void test_results(void)
{
    SthRecord held = result(2, 0, 500, 0.99f);
    held.held = TRUE;
    const SthRecord records[] = {result(1, 0, 1000, 0.5f),    result(1, 500, 1500, 0.8f),   held,
                                 result(1, 1000, 2000, 0.6f), result(2, 1500, 2500, 0.7f),  result(-1, 2000, 3000, 0.1f),
                                 result(2, 2500, 3500, 0.7f), result(-1, 3000, 4000, 0.1f), result(1, 4500, 5500, 0.555f)};
    g_autofree char *text = export_all("vtt", STH_EXPORT_RESULTS, records, G_N_ELEMENTS(records), 6000 * MS, check_vtt);
    g_assert_cmpstr(text, ==,
                    "WEBVTT\n\n"
                    "00:00:00.000 --> 00:00:02.000\none 80%\n\n"
                    "00:00:02.000 --> 00:00:02.500\ntwo 70%\n\n"
                    "00:00:02.500 --> 00:00:03.500\ntwo 70%\n\n"
                    "00:00:04.500 --> 00:00:05.500\none 56%\n\n");
}

/* Times that go back start another cue; times that are not known make none; windows without length have one. */
static void test_times(void)
{
    SthRecord unknown = result(1, 0, 0, 0.5f);
    unknown.window_start = unknown.window_end = unknown.timestamp = STH_TIME_NONE;
    const SthRecord records[] = {result(1, 5000, 6000, 0.5f), result(1, 1000, 2000, 0.6f), unknown, result(2, 3000, 3000, 0.7f)};
    g_autofree char *text = export_all("vtt", STH_EXPORT_RESULTS, records, G_N_ELEMENTS(records), STH_TIME_NONE, check_vtt);
    g_assert_cmpstr(text, ==,
                    "WEBVTT\n\n"
                    "00:00:05.000 --> 00:00:06.000\none 50%\n\n"
                    "00:00:01.000 --> 00:00:02.000\none 60%\n\n"
                    "00:00:03.000 --> 00:00:03.001\ntwo 70%\n\n");
    /* A window that was skipped does not split a cue, a longer silence does. */
    const SthRecord gaps[] = {result(1, 0, 1000, 0.5f), result(1, 1500, 2500, 0.5f), result(1, 9000, 10000, 0.5f)};
    g_autofree char *split = export_all("vtt", STH_EXPORT_RESULTS, gaps, G_N_ELEMENTS(gaps), STH_TIME_NONE, check_vtt);
    g_assert_cmpstr(split, ==, "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\none 50%\n\n00:00:09.000 --> 00:00:10.000\none 50%\n\n");
    const SthRecord timeless = event(STH_EVENT_END, 1, "one", STH_TIME_NONE, STH_TIME_NONE, 0.9f);
    g_autofree char *none = export_all("vtt", STH_EXPORT_EVENTS, &timeless, 1, 0, check_vtt);
    g_assert_cmpstr(none, ==, "WEBVTT\n\n");
    g_autofree char *empty = export_all("vtt", STH_EXPORT_EVENTS, NULL, 0, 0, check_vtt);
    g_assert_cmpstr(empty, ==, "WEBVTT\n\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtt/labels", test_labels);
    g_test_add_func("/vtt/events", test_events);
    g_test_add_func("/vtt/results", test_results);
    g_test_add_func("/vtt/times", test_times);
    return g_test_run();
}
