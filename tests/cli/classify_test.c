/* `sth classify` over many videos: folders, jobs, outputs, overlay, a terminal. And the manual, which is made of the same tables as the help.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"
#include "tool.h"

#include <glib/gstdio.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

/* folder/videos: a.mp4, sub/b.mkv, and what is no video. b.mkv is a link to the clip: what a file is does not depend on its name. */
static char *make_videos(void)
{
    char *videos = scratch("videos");
    g_autofree char *sub = scratch("videos/sub"), *a = scratch("videos/a.mp4"), *b = scratch("videos/sub/b.mkv");
    g_autofree char *text = scratch("videos/c.mp4"), *hidden = scratch("videos/.d.mp4"), *up = scratch("videos/sub/up");
    g_assert_cmpint(g_mkdir_with_parents(sub, 0777), ==, 0);
    g_assert_cmpint(symlink(g_getenv("STH_CLIP"), a), ==, 0);
    g_assert_cmpint(symlink(g_getenv("STH_CLIP"), b), ==, 0);
    g_assert_cmpint(symlink(g_getenv("STH_CLIP"), hidden), ==, 0);
    g_assert_cmpint(symlink("..", up), ==, 0);
    g_assert_true(g_file_set_contents(text, "this is text, whatever it is called\n", -1, NULL));
    return videos;
}

static void remove_all(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_all(child);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_remove(path);
}

static char *read_file(const char *name)
{
    g_autofree char *path = scratch(name);
    char *text = NULL;
    GError *error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

/* A folder gives its videos, in order, whatever the number of jobs; the text of one stream has one head. */
static void test_folder(void)
{
    g_autofree char *videos = make_videos(), *file = scratch("all.csv");
    Outcome one = sth("classify --format csv --emit events %s", videos), two = sth("classify -f csv -e events --jobs 2 -o %s %s/", file, videos);
    g_assert_cmpint(one.code, ==, 0);
    g_assert_cmpint(two.code, ==, 0);
    g_assert_cmpstr(one.err, ==, ""); /* no terminal: no progress */
    g_assert_cmpstr(two.out, ==, "");
    const char *first = strstr(one.out, "a.mp4"), *last = g_strrstr(one.out, "a.mp4"), *b = strstr(one.out, "sub/b.mkv");
    g_assert_true(g_str_has_prefix(one.out, "event,source,"));
    g_assert_null(strstr(one.out + 1, "event,source,"));
    g_assert_true(first != NULL && b != NULL && first < last && last < b);
    g_assert_null(strstr(one.out, "c.mp4"));
    g_assert_null(strstr(one.out, ".d.mp4"));
    g_assert_null(strstr(one.out, "/up/"));
    g_autofree char *written = read_file("all.csv");
    g_auto(GStrv) lines = g_strsplit(one.out, "\r\n", -1), others = g_strsplit(written, "\r\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, g_strv_length(others));
    for (guint i = 0; lines[i] != NULL; i++) { /* all but the times that the network took */
        g_auto(GStrv) x = g_strsplit(lines[i], ",", -1), y = g_strsplit(others[i], ",", -1);
        for (guint k = 0; x[k] != NULL && k < 12; k++)
            g_assert_cmpstr(x[k], ==, y[k]);
    }
    outcome_clear(&one);
    outcome_clear(&two);
    remove_all(videos);
    g_remove(file);
}

/* A file for each video, called after it; for a video that cannot be read there is none, and the exit code tells. */
static void test_output_folder(void)
{
    static const struct {
        const char *format, *file, *starts;
    } rows[] = {{"srt", "out/a.srt", "1\n00:00:01,"}, {"vtt", "out/sub/b.vtt", "WEBVTT\n\n"}, {"text", "out/a.txt", "00:00:01."}};
    g_autofree char *videos = make_videos(), *out = scratch("out");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Outcome outcome = sth("classify --format %s --output %s/ -j 2 %s", rows[i].format, out, videos);
        g_assert_cmpint(outcome.code, ==, 0);
        g_assert_cmpstr(outcome.out, ==, "");
        g_autofree char *text = read_file(rows[i].file);
        g_assert_true(g_str_has_prefix(text, rows[i].starts));
        outcome_clear(&outcome);
    }
    expect_failure(sth("classify --format srt --output %s %s/c.mp4 %s/a.mp4", out, videos, videos), 1, "c.mp4");
    g_autofree char *none = scratch("out/c.srt"), *other = read_file("out/a.srt");
    g_assert_false(g_file_test(none, G_FILE_TEST_EXISTS));
    assert_contains(other, "MILK");
    expect_failure(sth("classify --output %s %s/a.mp4 %s/sub/../a.mp4", out, videos, videos), 1, "would both be written");
    remove_all(videos);
    remove_all(out);
}

/* A URI is a video like any other, and is called what the user called it. */
static void test_uri(void)
{
    g_autofree char *uri = g_filename_to_uri(g_getenv("STH_CLIP"), NULL, NULL), *source = g_strdup_printf("\"source\":\"%s\"", uri);
    Outcome outcome = sth("classify --emit events %s", uri);
    g_assert_cmpint(outcome.code, ==, 0);
    g_assert_cmpstr(outcome.err, ==, "");
    assert_contains(outcome.out, source);
    assert_contains(outcome.out, "MILK");
    outcome_clear(&outcome);
}

static void test_errors(void)
{
    g_autofree char *videos = make_videos(), *empty = scratch("empty");
    g_mkdir(empty, 0777);
    expect_failure(sth("classify %s", empty), 1, "there is no video in the folder");
    expect_failure(sth("classify -f vtt %s", videos), 2, "one file at a time");
    expect_failure(sth("classify --overlay x.mp4 %s", videos), 2, "one file at a time");
    expect_failure(sth("classify --overlay x.gif %s", videos), 2, "must end in .mp4");
    expect_failure(sth("classify --jobs 0 %s", videos), 2, "--jobs 0");
    if (g_file_test("/dev/full", G_FILE_TEST_EXISTS))
        expect_failure(sth("classify -j 2 -o /dev/full %s", videos), 1, "No space left");
    remove_all(videos);
    remove_all(empty);
}

/* The video with its overlay, drawn by the elements, and the same actions as text. */
static void test_overlay(void)
{
    g_autofree char *picture = scratch("picture.mp4");
    Outcome outcome = sth("classify -f srt --overlay %s %s", picture, g_getenv("STH_CLIP")), plain = sth("classify -f srt %s", g_getenv("STH_CLIP"));
    GStatBuf info;
    if (outcome.code != 0)
        g_error("%s", outcome.err);
    g_assert_cmpint(g_stat(picture, &info), ==, 0);
    g_assert_cmpint(info.st_size, >, 50000);
    g_assert_cmpstr(outcome.out, ==, plain.out);
    outcome_clear(&outcome);
    outcome_clear(&plain);
    g_remove(picture);
}

/* On a terminal there is a line that grows, with the time that is left, and that is gone at the end. */
static void test_terminal(void)
{
    GString *screen = g_string_new(NULL);
    char buffer[4096];
    int master, status;
    pid_t child = forkpty(&master, NULL, NULL, &(struct winsize){.ws_row = 24, .ws_col = 60});
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        execl(g_getenv("STH_TOOL"), "sth", "classify", "--output", "/dev/null", g_getenv("STH_CLIP"), NULL);
        _exit(127);
    }
    for (gssize n; (n = read(master, buffer, sizeof buffer)) > 0;)
        g_string_append_len(screen, buffer, n);
    close(master);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_contains(screen->str, " %  ETA 0:0");
    g_assert_true(g_str_has_suffix(screen->str, "\r\033[K"));
    g_auto(GStrv) lines = g_strsplit(screen->str, "\r", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        *strchrnul(lines[i], '\033') = '\0';
        g_assert_cmpint(g_utf8_strlen(lines[i], -1), <, 60);
    }
    g_string_free(screen, TRUE);
}

static void test_progress_line(void)
{
    static const struct {
        double fraction, elapsed;
        guint done, files;
        const char *name;
        gint columns;
        const char *line;
    } rows[] = {
        {0, 0, 0, 1, "a.mp4", 80, "------------------------   0 %  a.mp4"},
        {0.5, 90, 1, 3, "a.mp4", 80, "============------------  50 %  1/3  ETA 1:30  a.mp4"},
        {0.01, 60, 0, 1, "a.mp4", 80, "------------------------   1 %  ETA 1:39:00  a.mp4"},
        {1, 7, 1, 1, "a.mp4", 80, "======================== 100 %  ETA 0:00  a.mp4"},
        {0.5, 1, 0, 1, "a/long/way/to/the/file.mp4", 60, "============------------  50 %  ETA 0:01  ~/to/the/file.mp4"},
        {0.5, 1, 0, 1, "a.mp4", 45, "============------------  50 %  ETA 0:01"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line =
            sth_progress_line(rows[i].fraction, rows[i].elapsed, rows[i].done, rows[i].files, rows[i].name, rows[i].columns, FALSE);
        g_assert_cmpstr(line, ==, rows[i].line);
    }
}

/* Each command has a page with its name, its options, its exit codes. */
static void test_manual(void)
{
    Outcome all = sth("help --words");
    g_auto(GStrv) words = g_strsplit(g_strchomp(all.out), "\n", -1);
    guint n = 0;
    for (char **word = words; *word != NULL && !g_str_equal(*word, "help"); word++, n++) {
        Outcome page = sth("help --man %s", *word), options = sth("help --words %s", *word);
        g_autofree char *head = g_strdup_printf("\n.SH NAME\nsth-%s \\- ", *word);
        g_assert_cmpint(page.code, ==, 0);
        assert_contains(page.out, head);
        assert_contains(page.out, ".SH EXIT STATUS");
        g_auto(GStrv) lines = g_strsplit(options.out, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
            if (!g_str_has_prefix(lines[i], "--") || g_str_has_prefix(lines[i], "--help"))
                continue;
            *strchrnul(lines[i], ' ') = '\0';
            GString *roff = g_string_new(lines[i]);
            g_string_replace(roff, "-", "\\-", 2);
            assert_contains(page.out, roff->str);
            g_string_free(roff, TRUE);
        }
        outcome_clear(&page);
        outcome_clear(&options);
    }
    g_assert_cmpuint(n, >=, 4);
    outcome_clear(&all);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("sth-classify-XXXXXX", NULL);
    g_test_add_func("/classify/folder", test_folder);
    g_test_add_func("/classify/output-folder", test_output_folder);
    g_test_add_func("/classify/uri", test_uri);
    g_test_add_func("/classify/errors", test_errors);
    g_test_add_func("/classify/overlay", test_overlay);
    g_test_add_func("/classify/terminal", test_terminal);
    g_test_add_func("/classify/progress-line", test_progress_line);
    g_test_add_func("/cli/manual", test_manual);
    int code = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return code;
}
