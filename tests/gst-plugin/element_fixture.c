/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "element_fixture.h"

#include <glib/gstdio.h>

#include <string.h>

/* Read by the sanitizers, where the tests are built with them. With GStreamer's hundreds of plugins in one process the libraries below keep
 * memory that they allocated when they were loaded, and GLib keeps the table of quarks that it grew out of. To tell that from our own, stacks must
 * be whole, also through libraries without frame pointers. */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
    return "leak:_dl_init\nleak:g_quark_\nleak:g_intern_\nleak:OpenNI2\nleak:libfontconfig\n";
}

const char *golden_path(const char *name)
{
    static GHashTable *paths;
    char *path;

    if (paths == NULL)
        paths = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    path = g_hash_table_lookup(paths, name);
    if (path == NULL) {
        path = g_build_filename(g_getenv("STH_TEST_GOLDENS"), name, NULL);
        g_hash_table_insert(paths, (gpointer)g_intern_string(name), path);
    }
    return path;
}

const char *default_model_path(void)
{
    return g_getenv("STH_TEST_MODEL");
}

static GstElement *make_element(const char *factory, const char *properties)
{
    char *line = g_strdup_printf("%s %s", factory, properties);
    GError *error = NULL;
    GstElement *element = gst_parse_launch(line, &error);

    g_assert_no_error(error);
    g_assert_nonnull(element);
    g_assert_false(GST_IS_BIN(element));
    g_free(line);
    return gst_object_ref_sink(element);
}

char *test_folder_new(void)
{
    GError *error = NULL;
    char *folder = g_dir_make_tmp("sth-test-XXXXXX", &error);

    g_assert_no_error(error);
    return folder;
}

void test_folder_free(char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_unlink(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_rmdir(folder);
    g_free(folder);
}

void fixture_open(Fixture *fixture, const char *factory, const char *properties)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->element = make_element(factory, properties);
    fixture->bus = gst_bus_new();
    gst_element_set_bus(fixture->element, fixture->bus);
    fixture->harness = gst_harness_new_with_element(fixture->element, "sink", "src");
    fixture->state = 1;
}

void fixture_open_classify(Fixture *fixture, const char *model, const char *properties)
{
    char *all = g_strdup_printf("model-file=\"%s\" mode=sync %s", golden_path(model), properties);

    fixture_open(fixture, "sthclassify", all);
    fixture_set_caps(fixture, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    g_free(all);
}

void fixture_close(Fixture *fixture)
{
    gst_element_set_bus(fixture->element, NULL);
    gst_bus_set_flushing(fixture->bus, TRUE);
    gst_harness_teardown(fixture->harness);
    gst_object_unref(fixture->bus);
    gst_object_unref(fixture->element);
    memset(fixture, 0, sizeof(*fixture));
}

void fixture_set_caps(Fixture *fixture, const char *text)
{
    GstCaps *caps = gst_caps_from_string(text);

    g_assert_nonnull(caps);
    if (!gst_video_info_from_caps(&fixture->info, caps))
        gst_video_info_init(&fixture->info);
    gst_harness_set_src_caps(fixture->harness, caps);
}

GstBuffer *fixture_frame(Fixture *fixture, GstClockTime pts, GstClockTime duration)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, fixture->info.size, NULL);
    GstMapInfo map;

    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size; i++) {
        fixture->state = fixture->state * 1664525u + 1013904223u;
        map.data[i] = (guint8)(fixture->state >> 24);
    }
    gst_buffer_unmap(buffer, &map);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = duration;
    return buffer;
}

GstBuffer *fixture_pass(Fixture *fixture, GstClockTime pts)
{
    GstBuffer *out;

    g_assert_cmpint(gst_harness_push(fixture->harness, fixture_frame(fixture, pts, SAMPLE)), ==, GST_FLOW_OK);
    out = gst_harness_try_pull(fixture->harness);
    g_assert_nonnull(out);
    g_assert_cmpuint(GST_BUFFER_PTS(out), ==, pts);
    g_assert_cmpuint(gst_harness_buffers_in_queue(fixture->harness), ==, 0);
    return out;
}

gboolean fixture_result(Fixture *fixture, GstClockTime pts, GstSthClassification *value, GstBuffer **buffer)
{
    *buffer = fixture_pass(fixture, pts);
    return gst_sth_classification_from_buffer(*buffer, value);
}

GstMessage *fixture_message(Fixture *fixture, const char *event)
{
    GstMessage *message;

    while ((message = gst_bus_pop_filtered(fixture->bus, GST_MESSAGE_ELEMENT))) {
        const GstStructure *structure = gst_message_get_structure(message);

        if (gst_structure_has_name(structure, "sthclassify") && g_strcmp0(gst_structure_get_string(structure, "event"), event) == 0)
            return message;
        gst_message_unref(message);
    }
    return NULL;
}

guint fixture_count_messages(Fixture *fixture, const char *event)
{
    GstMessage *message;
    guint n = 0;

    while ((message = fixture_message(fixture, event))) {
        gst_message_unref(message);
        n++;
    }
    return n;
}

GstEvent *fixture_result_event(Fixture *fixture)
{
    GstEvent *event;

    while ((event = gst_harness_try_pull_event(fixture->harness))) {
        if (gst_event_has_name(event, GST_STH_CLASSIFICATION_META_NAME))
            return event;
        gst_event_unref(event);
    }
    return NULL;
}

guint64 fixture_stat(Fixture *fixture, const char *name)
{
    GstStructure *stats = NULL;
    guint64 value = 0;

    g_object_get(fixture->element, "stats", &stats, NULL);
    g_assert_nonnull(stats);
    g_assert_true(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
}

char *start_error(const char *factory, const char *properties)
{
    GstElement *element = make_element(factory, properties);
    GstBus *bus = gst_bus_new();
    GError *error = NULL;
    GstMessage *message;
    char *text;

    gst_element_set_bus(element, bus);
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    gst_message_parse_error(message, &error, NULL);
    text = g_strdup(error->message);
    g_error_free(error);
    gst_message_unref(message);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, NULL);
    gst_object_unref(bus);
    gst_object_unref(element);
    return text;
}
