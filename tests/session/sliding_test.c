/* Windows that share frames: what a session says with the frames' part kept from window to window is, bit for bit, what one says that computes every
 * window whole.
 *
 * usage: sliding-test DIRECTORY WINDOWS      the goldens; of each model so many windows
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-session.h>

#include "base/cpu.h"
#include "kernels/blas.h"
#include "session/clip_frame.h"
#include "../base/level.h"

#define PICTURES 40 /* different frames there are */
#define MOST_FRAMES 16

static const char *directory;
static guint windows; /* of each model */

typedef struct {
    const char *file;
    gboolean splits; /* something is kept */
} Case;

static const Case cases[] = {
    {"sth_bottleneck_form_a.onnx", TRUE}, {"sth_bottleneck_form_b_bn_ntchw.onnx", TRUE},
    {"sth_bottleneck_form_c.onnx", TRUE}, {"sth_bottleneck_form_d_tchw.onnx", TRUE},
    {"foreign/tsn_resnet18.onnx", TRUE},  {"foreign/tsm_mobilenet_v2.onnx", TRUE},
    {"foreign/r2plus1d_18.onnx", TRUE},   {"foreign/s3d.onnx", TRUE},
    {"foreign/r3d_18.onnx", FALSE},       {"sth_depthwise_form_a.onnx", FALSE},
};

static SthSession *session_open(const char *file, gboolean sliding, guint threads)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    const SthModelOptions options = {.sliding = sliding};
    GError *error = NULL;
    SthModel *model = sth_model_open(path, &options, &error);
    g_assert_no_error(error);
    SthSession *session = sth_session_new(model, threads, &error);
    g_assert_no_error(error);
    sth_model_unref(model);
    return session;
}

static SthModelInfo info_of(const char *file, gboolean sliding, double *share)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    const SthModelOptions options = {.sliding = sliding};
    GError *error = NULL;
    SthModel *model = sth_model_open(path, &options, &error);
    const SthModelInfo *info = sth_model_get_info(model, &error);
    g_assert_no_error(error);
    const SthModelInfo copy = *info;
    *share = sth_model_get_frame_share(model);
    sth_model_unref(model);
    return copy;
}

/* The window after @id: it slides by a few frames, starts anew, or has frames twice and in any order. */
static void next_window(GRand *random, guint64 *id, guint n)
{
    const guint64 newest = id[n - 1];
    const gint what = g_rand_int_range(random, 0, 20);

    if (what == 0) { /* a reset: all frames are new */
        for (guint i = 0; i < n; i++)
            id[i] = newest + 100 + i;
    } else if (what == 1) { /* a short stream, stretched */
        const guint64 count = (guint64)g_rand_int_range(random, 1, (gint)n + 1);
        for (guint i = 0; i < n; i++)
            id[i] = newest + (2 * i + 1) * count / (2 * n);
    } else if (what == 2) {
        for (guint i = 0; i < n; i++)
            id[i] = newest - (guint64)g_rand_int_range(random, 0, 2 * (gint)n);
    } else {
        const guint64 stride = what < 12 ? 1 : (guint64)g_rand_int_range(random, 1, (gint)n + 3);
        const guint64 first = id[0] + stride;
        for (guint i = 0; i < n; i++)
            id[i] = first + i;
    }
}

static void assert_same(SthSession *a, SthSession *b, const SthModelInfo *info)
{
    const SthTensor *x = sth_session_get_output(a, info->output), *y = sth_session_get_output(b, info->output);
    g_assert_cmpmem(x->data, sth_tensor_bytes(x), y->data, sth_tensor_bytes(y));
}

static void test_windows(gconstpointer data)
{
    const Case *c = data;
    double share, none;
    const SthModelInfo info = info_of(c->file, TRUE, &share);
    GRand *random = g_rand_new_with_seed(7);
    SthSession *kept = session_open(c->file, TRUE, 0), *whole = session_open(c->file, FALSE, 1);
    const gsize floats = 3 * (gsize)info.height * info.width;
    g_autofree float *pictures = g_new(float, PICTURES *floats);
    const float *frame[MOST_FRAMES];
    guint64 id[MOST_FRAMES];

    info_of(c->file, FALSE, &none);
    g_assert_cmpfloat(none, ==, 0);
    g_assert_cmpint(share > 0, ==, c->splits && !sth_blas_runs_convolutions());
    g_assert_cmpuint(info.frames, <=, MOST_FRAMES);
    for (gsize i = 0; i < PICTURES * floats; i++)
        pictures[i] = (float)g_rand_double_range(random, -2, 2);
    for (guint i = 0; i < info.frames; i++)
        id[i] = 1000 + i;
    for (guint w = 0; w < windows; w++) {
        next_window(random, id, info.frames);
        for (guint i = 0; i < info.frames; i++)
            frame[i] = pictures + id[i] % PICTURES * floats;
        sth_session_run_window(whole, frame, id);
        sth_session_run_window(kept, frame, id);
        assert_same(kept, whole, &info);
        if (w % 50 == 0) { /* a whole clip between windows disturbs nothing */
            for (guint i = 0; i < info.frames; i++)
                sth_clip_put_frame(sth_session_get_input(kept, 0)->data, info.layout, info.frames, i, floats / 3, frame[i]);
            sth_session_run(kept);
            assert_same(kept, whole, &info);
        }
    }
    sth_session_free(kept);
    sth_session_free(whole);
    g_rand_free(random);
}

/* Each frame of a window is computed once, and never again while it stays: poison what was seen, and nothing changes. */
static void test_kept(void)
{
    const char *file = "foreign/tsn_resnet18.onnx";
    double share;
    const SthModelInfo info = info_of(file, TRUE, &share);
    SthSession *kept = session_open(file, TRUE, 0), *whole = session_open(file, FALSE, 0);
    const gsize floats = 3 * (gsize)info.height * info.width;
    g_autofree float *first = g_new0(float, floats), *poison = g_new(float, floats);
    const float *frame[MOST_FRAMES];
    guint64 id[MOST_FRAMES];

    for (gsize i = 0; i < floats; i++) {
        first[i] = (float)(i % 7) - 3;
        poison[i] = 1e30f;
    }
    for (guint i = 0; i < info.frames; i++) {
        frame[i] = first;
        id[i] = 5 + i % 2;
    }
    sth_session_run_window(whole, frame, id);
    sth_session_run_window(kept, frame, id);
    assert_same(kept, whole, &info);
    for (guint i = 0; i < info.frames; i++) {
        frame[i] = poison;
        id[i] = 5 + (i + 1) % 2;
    }
    if (share > 0) {
        sth_session_run_window(kept, frame, id);
        assert_same(kept, whole, &info);
    }
    sth_session_free(kept);
    sth_session_free(whole);
}

/* clip[t][c][p] in its layout; each value says where it belongs. */
static void test_layouts(void)
{
    float clip[4 * 3 * 5], planes[15];
    for (SthLayout layout = STH_LAYOUT_NTCHW; layout <= STH_LAYOUT_THWC; layout++) {
        const gboolean channels_last = layout == STH_LAYOUT_NTHWC || layout == STH_LAYOUT_THWC;
        for (guint t = 0; t < 4; t++) {
            for (guint i = 0; i < 15; i++)
                planes[i] = (float)(t * 100 + i);
            sth_clip_put_frame(clip, layout, 4, t, 5, planes);
        }
        for (guint t = 0; t < 4; t++)
            for (guint c = 0; c < 3; c++)
                for (guint p = 0; p < 5; p++) {
                    guint at = layout == STH_LAYOUT_NCTHW ? (c * 4 + t) * 5 + p : (t * 3 + c) * 5 + p;
                    if (channels_last)
                        at = (t * 5 + p) * 3 + c;
                    g_assert_cmpfloat(clip[at], ==, (float)(t * 100 + c * 5 + p));
                }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (level_is_missing())
        return 0;
    g_assert_cmpint(argc, ==, 3);
    directory = argv[1];
    windows = (guint)g_ascii_strtoull(argv[2], NULL, 10);
    g_assert_cmpuint(windows, >, 0);
    g_test_add_func("/sliding/layouts", test_layouts);
    g_test_add_func("/sliding/kept", test_kept);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strdup_printf("/sliding/windows/%s", cases[i].file);
        g_test_add_data_func(name, &cases[i], test_windows);
    }
    return g_test_run();
}
