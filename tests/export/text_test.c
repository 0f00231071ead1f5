/* Plain text: lines of a file, and captions. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "nasty_labels.h"

#define MS G_GUINT64_CONSTANT(1000000)

/* Each cue is one line, whatever the label. */
static void check_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const guint n = g_strv_length(lines);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (guint i = 0; i + 1 < n; i++)
        g_assert_true(g_str_has_prefix(lines[i], "00:00:01.000 – 00:00:02.000  "));
    if (n > 0)
        g_assert_cmpstr(lines[n - 1], ==, "");
}

static void test_lines(void)
{
    for (guint i = 0; nasty_labels[i]; i++) {
        const SthRecord record = nasty_record(nasty_labels[i]);
        g_autofree char *text = export_all("text", STH_EXPORT_RESULTS, &record, 1, STH_TIME_NONE, check_text);
        g_assert_true(g_str_has_suffix(text, " 91%\n"));
    }
    const SthRecord record = nasty_record("waving");
    g_autofree char *text = export_all("text", STH_EXPORT_RESULTS, &record, 1, STH_TIME_NONE, check_text);
    g_assert_cmpstr(text, ==, "00:00:01.000 – 00:00:02.000  waving 91%\n");
}

static char *caption(SthExportEmit emit, const SthRecord *record)
{
    SthExporter *exporter = sth_exporter_new(sth_export_format_find("text"), emit);
    GString *out = g_string_new(NULL);
    sth_exporter_caption(exporter, record, out);
    sth_exporter_free(exporter);
    return g_string_free(out, FALSE);
}

/* What is recognised, or the action that goes on; held or not. */
static void test_captions(void)
{
    SthRecord record = nasty_record("<b>waving\n");
    record.held = TRUE;
    g_autofree char *result = caption(STH_EXPORT_RESULTS, &record), *no_action = caption(STH_EXPORT_EVENTS, &record);
    g_assert_cmpstr(result, ==,
                    "<\xe2\x80\x8b"
                    "b>waving  91%");
    g_assert_cmpstr(no_action, ==, "");
    record.label = -1;
    record.action = (SthAction){2, 1000 * MS, STH_TIME_NONE, NAN};
    g_autofree char *nothing = caption(STH_EXPORT_RESULTS, &record), *action = caption(STH_EXPORT_EVENTS, &record);
    g_assert_cmpstr(nothing, ==, "");
    g_assert_cmpstr(action, ==, "class-2");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/lines", test_lines);
    g_test_add_func("/text/captions", test_captions);
    return g_test_run();
}
