/* SubRip, and the text that it shares with captions: vtt_test.c tests which cues there are. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "nasty_labels.h"

#define MS G_GUINT64_CONSTANT(1000000)
#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/* Cues of a number, a timing line, one line of text, an empty line; nothing else. */
static void check_srt(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const guint n = g_strv_length(lines);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(n % 4, ==, *text ? 1 : 0);
    for (guint i = 0; i + 4 <= n; i += 4) {
        guint number, t[8];
        char rest;
        g_assert_cmpint(sscanf(lines[i], "%u%c", &number, &rest), ==, 1);
        g_assert_cmpuint(number, ==, i / 4 + 1);
        const gint fields =
            sscanf(lines[i + 1], "%2u:%2u:%2u,%3u --> %2u:%2u:%2u,%3u%c", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7], &rest);
        g_assert_cmpint(fields, ==, 8);
        g_assert_cmpuint(strlen(lines[i + 1]), ==, 29);
        g_assert_cmpstr(lines[i + 2], !=, "");
        g_assert_null(strstr(lines[i + 2], "-->"));
        g_assert_cmpstr(lines[i + 3], ==, "");
    }
}

static SthRecord ended(const char *label)
{
    SthRecord record = nasty_record(label);
    record.events = STH_EVENT_END;
    record.ended = (SthAction){1, 1500 * MS, 3661250 * MS, 0.876f};
    record.ended_label = label;
    return record;
}

/* What a reader sees: all of the label, and of the spaces that keep readers from taking it for markup nothing. */
static void test_labels(void)
{
    for (guint i = 0; nasty_labels[i]; i++) {
        const SthRecord record = ended(nasty_labels[i]);
        g_autofree char *text = export_all("srt", STH_EXPORT_EVENTS, &record, 1, STH_TIME_NONE, check_srt);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_assert_cmpstr(lines[0], ==, "1");
        g_assert_cmpstr(lines[1], ==, "00:00:01,500 --> 01:01:01,250");
        g_autofree char *valid = g_utf8_make_valid(nasty_labels[i], -1);
        GString *expected = g_string_new(NULL), *seen = g_string_new(lines[2]);
        for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
            const gunichar c = g_utf8_get_char(at);
            g_string_append_unichar(expected, c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029 ? ' ' : c);
        }
        g_string_append(expected, " 88%");
        g_string_replace(seen, ZERO_WIDTH_SPACE, "", 0);
        g_assert_cmpstr(seen->str, ==, expected->str);
        g_string_free(expected, TRUE);
        g_string_free(seen, TRUE);
    }
}

/* Markup is broken, and only markup. */
static void test_markup(void)
{
    static const struct {
        const char *label, *text;
    } rows[] = {
        {"<b>x</b>", "<" ZERO_WIDTH_SPACE "b>x<" ZERO_WIDTH_SPACE "/b>"},
        {"<!-- x", "<" ZERO_WIDTH_SPACE "!-- x"},
        {"a < b <3 R&B & c", "a < b <3 R&B & c"},
        {"&amp; &#8203; &;", "&" ZERO_WIDTH_SPACE "amp; &" ZERO_WIDTH_SPACE "#8203; &" ZERO_WIDTH_SPACE ";"},
        {"{\\an8}{y:i}{one}", "{" ZERO_WIDTH_SPACE "\\an8}{" ZERO_WIDTH_SPACE "y:i}{one}"},
        {"1 --> 2 -- 3", "1 --" ZERO_WIDTH_SPACE "> 2 -- 3"},
        {"&", "&"},
        {"<", "<"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const SthRecord record = ended(rows[i].label);
        g_autofree char *text = export_all("srt", STH_EXPORT_EVENTS, &record, 1, STH_TIME_NONE, check_srt);
        g_autofree char *expected = g_strdup_printf("1\n00:00:01,500 --> 01:01:01,250\n%s 88%%\n\n", rows[i].text);
        g_assert_cmpstr(text, ==, expected);
    }
}

static void test_numbers(void)
{
    const SthRecord records[] = {ended("one"), ended("two"), ended("three")};
    g_autofree char *text = export_all("srt", STH_EXPORT_EVENTS, records, G_N_ELEMENTS(records), STH_TIME_NONE, check_srt);
    g_assert_true(g_str_has_prefix(text, "1\n"));
    g_assert_nonnull(strstr(text, "\n\n3\n"));
    g_autofree char *empty = export_all("srt", STH_EXPORT_EVENTS, NULL, 0, 0, check_srt);
    g_assert_cmpstr(empty, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/srt/labels", test_labels);
    g_test_add_func("/srt/markup", test_markup);
    g_test_add_func("/srt/numbers", test_numbers);
    return g_test_run();
}
