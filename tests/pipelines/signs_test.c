/* The shipped clip, decoded and recognised from end to end: by the elements and by the tool. Windows, labels and actions must be exactly those of
 * signs-expected.tsv; confidences may differ by TOLERANCE, because kernels for other CPUs sum in another order.
 *
 * STH_UPDATE_EXPECTED=1 writes the file anew from what the elements give: do that when the model or the clip changes, and read the difference.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define TOLERANCE 1e-3
#define PIPELINE_TIMEOUT (300 * GST_SECOND) /* only to end a test that hangs */

static const char *env(const char *name)
{
    const char *value = g_getenv(name);
    if (value == NULL)
        g_error("the environment variable %s is not set; run this by meson test", name);
    return value;
}

/* Runs a pipeline to its end. */
static void launch(const char *description)
{
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(description, &error);
    g_assert_no_error(error);
    GstBus *bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, PIPELINE_TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        gst_message_parse_error(message, &error, NULL);
    g_assert_no_error(error);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
}

static char *read_file(const char *path)
{
    GError *error = NULL;
    char *text;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

/* NDJSON to the lines of the expected file: tab-separated, "window", start, end, best label, its confidence, "yes" if it was recognised; and
 * "action", start, end, label, peak. Times in ns. */
static char *summarise(const char *ndjson)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(ndjson, "\n", -1);
    JsonParser *parser = json_parser_new();
    for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
        GError *error = NULL;
        json_parser_load_from_data(parser, lines[i], -1, &error);
        g_assert_no_error(error);
        JsonObject *record = json_node_get_object(json_parser_get_root(parser));
        JsonObject *sth = json_object_get_object_member(record, "sth");
        JsonObject *best = json_array_get_object_element(json_object_get_array_member(sth, "top"), 0);
        JsonObject *window = json_object_get_object_member(sth, "window");
        gboolean recognised = json_array_get_length(json_object_get_array_member(record, "objects")) > 0;
        if (!json_object_get_boolean_member(sth, "held"))
            g_string_append_printf(out, "window\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%s\t%.4f\t%s\n",
                                   json_object_get_int_member(window, "start"), json_object_get_int_member(window, "end"),
                                   json_object_get_string_member(best, "label"), json_object_get_double_member(best, "confidence"),
                                   recognised ? "yes" : "no");
        JsonArray *events = json_object_get_array_member(sth, "events");
        for (guint k = 0; k < json_array_get_length(events); k++) {
            JsonObject *event = json_array_get_object_element(events, k);
            if (g_str_equal(json_object_get_string_member(event, "event"), "action-end"))
                g_string_append_printf(out, "action\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%s\t%.4f\n",
                                       json_object_get_int_member(event, "start"), json_object_get_int_member(event, "end"),
                                       json_object_get_string_member(event, "label"), json_object_get_double_member(event, "confidence"));
        }
    }
    g_object_unref(parser);
    return g_string_free(out, FALSE);
}

/* Lines of the expected file that are no comments. */
static char *read_expected(void)
{
    g_autofree char *text = read_file(env("STH_EXPECTED"));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *out = g_string_new(NULL);
    for (guint i = 0; lines[i] != NULL; i++)
        if (*lines[i] != '#' && *lines[i] != '\0')
            g_string_append_printf(out, "%s\n", lines[i]);
    return g_string_free(out, FALSE);
}

/* Field 4 is a confidence; every other field must be the same. */
static void compare(const char *have_text, const char *want_text)
{
    g_auto(GStrv) have = g_strsplit(have_text, "\n", -1), want = g_strsplit(want_text, "\n", -1);
    guint n_have = g_strv_length(have), n_want = g_strv_length(want);
    for (guint i = 0; i < MIN(n_have, n_want); i++) {
        g_auto(GStrv) a = g_strsplit(have[i], "\t", -1), b = g_strsplit(want[i], "\t", -1);
        gboolean same = g_strv_length(a) == g_strv_length(b);
        for (guint k = 0; same && a[k] != NULL; k++)
            same = k == 4 ? ABS(g_ascii_strtod(a[k], NULL) - g_ascii_strtod(b[k], NULL)) <= TOLERANCE : g_str_equal(a[k], b[k]);
        if (!same)
            g_error("line %u\n  is        %s\n  should be %s", i + 1, have[i], want[i]);
    }
    if (n_have != n_want)
        g_error("%u lines in place of %u", n_have - 1, n_want - 1);
}

static void update_expected(const char *summary)
{
    GError *error = NULL;
    g_autofree char *text =
        g_strdup_printf("# What pipelines/clips/signs.mp4 gives with models/default. Written by STH_UPDATE_EXPECTED=1 meson test -C build signs\n"
                        "# window <start ns> <end ns> <best label> <confidence> <recognised>\n"
                        "# action <start ns> <end ns> <label> <highest confidence>\n%s",
                        summary);
    g_file_set_contents(env("STH_EXPECTED"), text, -1, &error);
    g_assert_no_error(error);
}

static void test_elements(void)
{
    g_autofree char *folder = g_dir_make_tmp("sth-signs-XXXXXX", NULL);
    g_autofree char *ndjson = g_build_filename(folder, "signs.ndjson", NULL), *vtt = g_build_filename(folder, "signs.vtt", NULL);
    g_autofree char *description =
        g_strdup_printf("filesrc location=%s ! decodebin ! sthclassify mode=sync ! tee name=t "
                        "t. ! queue ! sthexport ! application/x-ndjson ! filesink async=false location=%s "
                        "t. ! queue ! sthexport emit=events ! application/x-subtitle-vtt ! filesink async=false location=%s",
                        env("STH_CLIP"), ndjson, vtt);
    launch(description);
    g_autofree char *text = read_file(ndjson), *subtitles = read_file(vtt);
    g_autofree char *summary = summarise(text);
    g_remove(ndjson);
    g_remove(vtt);
    g_rmdir(folder);
    if (g_getenv("STH_UPDATE_EXPECTED") != NULL)
        update_expected(summary);
    g_autofree char *expected = read_expected();
    compare(summary, expected);

    /* A cue for each action, in the same order. */
    g_assert_true(g_str_has_prefix(subtitles, "WEBVTT\n\n"));
    g_auto(GStrv) cues = g_strsplit(g_strchomp(subtitles + strlen("WEBVTT\n\n")), "\n\n", -1), lines = g_strsplit(expected, "\n", -1);
    guint cue = 0;
    for (guint i = 0; lines[i] != NULL; i++) {
        if (!g_str_has_prefix(lines[i], "action\t"))
            continue;
        g_auto(GStrv) fields = g_strsplit(lines[i], "\t", -1);
        g_assert_nonnull(cues[cue]);
        g_autofree char *markup = g_markup_escape_text(fields[3], -1);
        g_auto(GStrv) quoted = g_strsplit(markup, "&apos;", -1);
        g_autofree char *label = g_strjoinv("'", quoted);
        g_assert_nonnull(strstr(cues[cue], " --> "));
        g_assert_nonnull(strstr(cues[cue], label));
        cue++;
    }
    g_assert_cmpuint(cue, >, 0); /* the clip has actions, and the model sees at least one */
    g_assert_null(cues[cue]);
}

static void test_tool(void)
{
    GError *error = NULL;
    int status;
    g_autofree char *ndjson = NULL;
    char *argv[] = {(char *)env("STH_TOOL"), (char *)"classify", (char *)env("STH_CLIP"), NULL};
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &ndjson, NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    g_autofree char *summary = summarise(ndjson), *expected = read_expected();
    compare(summary, expected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    g_test_add_func("/signs/elements", test_elements);
    g_test_add_func("/signs/tool", test_tool);
    return g_test_run();
}
