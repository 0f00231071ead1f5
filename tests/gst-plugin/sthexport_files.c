/* sthexport in whole pipelines: what reaches files, players and full disks. Processes and readers are real ones.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "element_fixture.h"

/* Noise that the tiny model takes for something in every window: one result a frame, one action that lasts. */
#define VIDEO "video/x-raw,format=I420,width=64,height=48,framerate=8/1"
#define CLASSIFY "sthclassify model-file=\"%s\" mode=sync threshold=0 start-threshold=0 end-threshold=0"

static char *folder;

static char *scratch(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* Plays a pipeline to its end. Returns the first error, NULL: none before EOS. Counts the warnings of `warns`. */
static GError *play(GstElement *pipeline, const char *warns, guint *n_warnings)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GError *failure = NULL;
    gboolean over = FALSE;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    while (!over) {
        GstMessage *message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
        GError *error = NULL;

        g_assert_nonnull(message);
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            gst_message_parse_error(message, &error, NULL);
            if (failure == NULL)
                failure = g_steal_pointer(&error);
            over = warns == NULL; /* where one is expected, the video has to go on to its end */
        } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
            gst_message_parse_warning(message, &error, NULL);
            if (warns != NULL && g_str_has_prefix(GST_OBJECT_NAME(message->src), warns))
                (*n_warnings)++;
        } else {
            over = TRUE;
        }
        g_clear_error(&error);
        gst_message_unref(message);
    }
    gst_object_unref(bus);
    return failure;
}

/* The same, and stops it. */
static GError *run_pipeline(GstElement *pipeline, const char *warns, guint *n_warnings)
{
    GError *failure = play(pipeline, warns, n_warnings);

    gst_element_set_state(pipeline, GST_STATE_NULL);
    return failure;
}

static GstElement *parse(const char *line)
{
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(line, &error);

    g_assert_no_error(error);
    return pipeline;
}

static void run_line(const char *line)
{
    GstElement *pipeline = parse(line);

    g_assert_no_error(run_pipeline(pipeline, NULL, NULL));
    gst_object_unref(pipeline);
}

typedef struct {
    GMutex lock;
    GString *text; /* each buffer on a line: its times in ms, what it says */
} Heard;

static void on_text(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    Heard *heard = data;
    GstMapInfo map;

    /* GStreamer 1.26's matroskamux writes a gap as a block without text. */
    if (gst_buffer_get_size(buffer) == 0)
        return;
    g_mutex_lock(&heard->lock);
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    g_string_append_printf(heard->text, "%u+%u ", (guint)(GST_BUFFER_PTS(buffer) / GST_MSECOND), (guint)(GST_BUFFER_DURATION(buffer) / GST_MSECOND));
    g_string_append_len(heard->text, (const char *)map.data, strnlen((const char *)map.data, map.size));
    g_string_append_c(heard->text, '\n');
    gst_buffer_unmap(buffer, &map);
    g_mutex_unlock(&heard->lock);
}

/* ffmpeg finds both streams, and calls the text what it calls subtitles of Matroska. */
static void expect_ffprobe(const char *file)
{
    g_autofree char *program = g_find_program_in_path("ffprobe");
    const char *const argv[] = {program, "-v", "error", "-show_entries", "stream=codec_type,codec_name", "-of", "csv=p=0", file, NULL};
    g_autofree char *out = NULL;
    GError *error = NULL;

    if (program == NULL) {
        g_test_skip("there is no ffprobe; pipelines/setup.sh --tests installs it");
        return;
    }
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(out, ==, "vp8,video\nsubrip,subtitle\n");
}

/* A video and its captions as one Matroska: GStreamer plays both, and the text comes at its time. */
static void test_matroska(void)
{
    g_autofree char *file = scratch("captions.mkv");
    g_autofree char *write = g_strdup_printf("videotestsrc num-buffers=33 pattern=snow ! " VIDEO " ! " CLASSIFY " ! tee name=t "
                                             "t. ! queue ! vp8enc deadline=1 ! matroskamux name=mux ! filesink location=\"%s\" "
                                             "t. ! queue ! sthexport emit=events ! mux.",
                                             golden_path(TINY_MODEL), file);
    g_autofree char *read = g_strdup_printf("filesrc location=\"%s\" ! matroskademux name=d d.video_0 ! queue ! vp8dec ! fakesink "
                                            "d.subtitle_0 ! queue ! fakesink name=text signal-handoffs=true async=false",
                                            file);
    Heard heard = {.text = g_string_new(NULL)};
    GstElement *player, *sink;
    guint at = 0, n = 0;

    run_line(write);
    player = parse(read);
    sink = gst_bin_get_by_name(GST_BIN(player), "text");
    g_signal_connect(sink, "handoff", G_CALLBACK(on_text), &heard);
    g_assert_no_error(run_pipeline(player, NULL, NULL));

    g_auto(GStrv) lines = g_strsplit(heard.text->str, "\n", -1);
    for (; lines[n][0] != '\0'; n++) {
        guint start, duration;
        char label[64];

        g_assert_cmpint(sscanf(lines[n], "%u+%u %63s", &start, &duration, label), ==, 3);
        g_assert_true(g_str_has_prefix(label, "class-"));
        g_assert_cmpuint(duration, ==, 500);
        g_assert_cmpuint(start, >=, at); /* none overlaps another */
        at = start + duration;
    }
    /* The first window ends with the second frame; from there on something is recognised all the time. */
    g_assert_cmpuint(n, ==, 8);
    g_assert_cmpuint(at, ==, 125 + 8 * 500);
    g_string_free(heard.text, TRUE);
    gst_object_unref(sink);
    gst_object_unref(player);
    expect_ffprobe(file);
    g_remove(file);
}

/* Captions drawn into the video that they were made from. */
static void test_textoverlay(void)
{
    g_autofree char *line = g_strdup_printf("videotestsrc num-buffers=24 pattern=snow ! " VIDEO " ! " CLASSIFY " ! tee name=t "
                                            "t. ! queue ! textoverlay name=o ! fakesink t. ! queue ! sthexport ! o.text_sink",
                                            golden_path(TINY_MODEL));

    run_line(line);
}

/* Pushes the end of an action with each label, a second apart, and writes what sthexport makes of them to @file. */
static void write_actions(const char *caps, const char *const *labels, const char *file)
{
    GString *written = g_string_new(NULL);
    Fixture f;

    fixture_open(&f, "sthexport", "emit=events");
    gst_harness_set_sink_caps_str(f.harness, caps);
    fixture_set_caps(&f, "video/x-raw,format=GRAY8,width=32,height=24,framerate=8/1");
    for (guint i = 0; labels[i]; i++) {
        GstSthClassification result = {.label_id = -1, .sequence = i, .events = GST_STH_EVENT_END, .action.id = -1};
        GstBuffer *frame = fixture_frame(&f, (i + 1) * GST_SECOND, SAMPLE);

        result.ended = (GstSthClassificationAction){labels[i], 1, i * GST_SECOND, (i + 1) * GST_SECOND, 0.5};
        gst_sth_classification_attach(&result, frame);
        g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
    }
    for (GstBuffer *buffer; (buffer = gst_harness_try_pull(f.harness)); gst_buffer_unref(buffer)) {
        GstMapInfo map;

        gst_buffer_map(buffer, &map, GST_MAP_READ);
        g_string_append_len(written, (const char *)map.data, map.size);
        gst_buffer_unmap(buffer, &map);
    }
    fixture_close(&f);
    g_assert_true(g_file_set_contents(file, written->str, written->len, NULL));
    g_string_free(written, TRUE);
}

/* What GStreamer's parser of subtitles shows of labels is the labels: no markup, no second line. (Of WebVTT it does not know the escapes that the
 * specification has for markup, so there it is asked about the rest.) */
static void test_subtitles_read_back(void)
{
    static const struct {
        const char *caps, *file, *labels[8], *shown; /* shown: as Pango's markup, without zero-width spaces */
    } rows[] = {{"application/x-subtitle-vtt", "a.vtt", {"plain", "two\nlines"}, "0+1000 plain 50%\n1000+1000 two lines 50%\n"},
                {"application/x-subtitle",
                 "a.srt",
                 {"plain", "<b>bold</b> & <i>more", "1 --> 2", "two\nlines"},
                 "0+1000 plain 50%\n1000+1000 &lt;b&gt;bold&lt;/b&gt; &amp; &lt;i&gt;more 50%\n2000+1000 1 --&gt; 2 50%\n3000+1000 two lines 50%\n"}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = scratch(rows[i].file);
        g_autofree char *line = g_strdup_printf("filesrc location=\"%s\" ! subparse ! fakesink name=text signal-handoffs=true", file);
        Heard heard = {.text = g_string_new(NULL)};
        GstElement *player, *sink;

        write_actions(rows[i].caps, rows[i].labels, file);
        player = parse(line);
        sink = gst_bin_get_by_name(GST_BIN(player), "text");
        g_signal_connect(sink, "handoff", G_CALLBACK(on_text), &heard);
        g_assert_no_error(run_pipeline(player, NULL, NULL));
        g_string_replace(heard.text, "\xe2\x80\x8b", "", 0);
        g_assert_cmpstr(heard.text->str, ==, rows[i].shown);
        g_string_free(heard.text, TRUE);
        gst_object_unref(sink);
        gst_object_unref(player);
        g_remove(file);
    }
}

/* A disk that is full: the reason is told. Then either everything stops, or the video goes on to its end. */
static void test_full_disk(void)
{
    static const char *const policies[] = {"stop", "continue"};

    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    for (guint i = 0; i < 2; i++) {
        g_autofree char *line = g_strdup_printf("videotestsrc num-buffers=17 pattern=snow ! " VIDEO " ! " CLASSIFY " ! tee name=t "
                                                "t. ! queue ! fakesink name=video t. ! queue ! sthexport name=x on-error=%s ! "
                                                "filesink location=/dev/full buffer-mode=unbuffered",
                                                golden_path(TINY_MODEL), policies[i]);
        GstElement *pipeline = parse(line);
        guint n_warnings = 0;
        g_autoptr(GError) failure = run_pipeline(pipeline, i == 1 ? "x" : NULL, &n_warnings);

        g_assert_error(failure, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
        g_assert_cmpuint(n_warnings, ==, i);
        gst_object_unref(pipeline);
    }
}

/* The text of a file begins with `head`, and has it once. */
static void expect_head(const char *file, const char *head)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    if (!g_str_has_prefix(text, head) || strstr(text + 1, head))
        g_error("'%s' is not what this begins with, or not once: %s", head, text);
}

/* filesink empties its file when the pipeline seeks: what is written then is a whole file again, with the head of its format, whether or not
 * something was written before. */
static void test_seek(void)
{
    static const struct {
        const char *caps, *head;
    } rows[] = {{"text/csv", "event,source,time,"}, {"application/x-subtitle-vtt", "WEBVTT\n\n00:00:"}, {"application/x-subtitle", "1\n00:00:"}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = scratch("sought");
        g_autofree char *line =
            g_strdup_printf("videotestsrc pattern=snow ! " VIDEO " ! " CLASSIFY " ! sthexport ! %s ! queue ! filesink location=\"%s\"",
                            golden_path(TINY_MODEL), rows[i].caps, file);
        GstElement *pipeline = parse(line);

        gst_element_set_state(pipeline, GST_STATE_PAUSED);
        for (guint n = 0; n < 2; n++) {
            g_assert_cmpint(gst_element_get_state(pipeline, NULL, NULL, 60 * GST_SECOND), ==, GST_STATE_CHANGE_SUCCESS);
            g_assert_true(gst_element_seek(pipeline, 1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, 20 * SAMPLE));
            g_assert_no_error(play(pipeline, NULL, NULL));
            expect_head(file, rows[i].head);
        }
        gst_element_set_state(pipeline, GST_STATE_NULL);
        gst_object_unref(pipeline);
        g_remove(file);
    }
}

/* Starts gst-launch-1.0 with `words` and waits until @file has at least @size bytes. */
static GPid launch(const char *words, const char *file, goffset size)
{
    g_autofree char *line = g_strdup_printf("gst-launch-1.0 -q %s", words);
    g_auto(GStrv) argv = NULL;
    GError *error = NULL;
    GPid pid;

    g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
    g_spawn_async(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 600; i++) {
        GStatBuf info;

        if (g_stat(file, &info) == 0 && info.st_size >= size)
            return pid;
        g_usleep(100000);
    }
    g_error("%s is not written", file);
}

/* A process that is told to go, or killed, leaves a file of whole records: each line of NDJSON ends, each cue is followed by its empty line. */
static void test_terminated(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    g_test_skip("gst-launch-1.0 itself is not built for the sanitizer");
    return;
#endif
    static const struct {
        const char *format, *pattern; /* of a line without its line feed */
        int signal;
    } rows[] = {{"application/x-ndjson", "^\\{\"objects\":.*\"events\":\\[.*\\]\\}\\}$", SIGTERM},
                {"text/csv", "^(result|action-start|event)(,[^,]*){13}\r$", SIGKILL}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = scratch("killed");
        g_autofree char *words =
            g_strdup_printf("videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! " CLASSIFY
                            " sample-rate=30/1 ! sthexport ! %s ! filesink location=%s buffer-mode=unbuffered",
                            golden_path(TINY_MODEL), rows[i].format, file);
        GPid pid = launch(words, file, 2000);
        g_autofree char *text = NULL;
        gsize size;
        int status;

        kill(pid, rows[i].signal);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal);
        g_assert_true(g_file_get_contents(file, &text, &size, NULL));
        g_assert_cmpuint(size, >=, 2000);
        g_assert_true(g_str_has_suffix(text, "\n"));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (guint n = 0; lines[n][0] != '\0'; n++)
            if (!g_regex_match_simple(rows[i].pattern, lines[n], 0, 0))
                g_error("no whole record: '%s'", lines[n]);
        g_spawn_close_pid(pid);
        g_remove(file);
    }
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    folder = g_dir_make_tmp("sth-export-XXXXXX", NULL);
    g_test_add_func("/sthexport/matroska", test_matroska);
    g_test_add_func("/sthexport/textoverlay", test_textoverlay);
    g_test_add_func("/sthexport/subtitles-read-back", test_subtitles_read_back);
    g_test_add_func("/sthexport/full-disk", test_full_disk);
    g_test_add_func("/sthexport/seek", test_seek);
    g_test_add_func("/sthexport/terminated", test_terminated);
    int code = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return code;
}
