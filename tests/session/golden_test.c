/* Goldens: NAME.onnx, NAME.out.npy (outputs computed by PyTorch) and NAME.in.npy, without which the input is noise(). Run at each CPU level by the
 * environment variable STH_CPU (tests/session/meson.build).
 *
 * usage: golden-test FOLDER… [MODEL.onnx STEM]: all goldens of the folders, and a model elsewhere whose arrays are STEM.in.npy, STEM.out.npy
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <sth/sth-session.h>

#include "base/npy.h"
#include "../base/level.h"

/* Largest difference over the largest magnitude: what the product promises against PyTorch. */
#define MAX_RELATIVE_ERROR 1e-4

typedef struct {
    char *model, *stem; /* paths: with .onnx; what .out.npy is appended to */
    gboolean has_input; /* STEM.in.npy is there */
} Golden;

static double relative_error(const SthTensor *got, const SthTensor *expected)
{
    const float *a = got->data, *b = expected->data;
    double difference = 0, magnitude = 0;

    g_assert_true(sth_shape_equal(&got->shape, &expected->shape));
    for (gint64 i = 0; i < sth_shape_elements(&expected->shape); i++) {
        g_assert_true(isfinite(a[i]));
        difference = MAX(difference, fabs((double)a[i] - b[i]));
        magnitude = MAX(magnitude, fabs((double)b[i]));
    }
    return difference / magnitude;
}

static GBytes *load(const char *stem, const char *suffix, SthTensor *tensor)
{
    g_autofree char *path = g_strconcat(stem, suffix, NULL);
    g_autoptr(GError) error = NULL;
    GBytes *bytes = sth_npy_load(path, tensor, &error);

    g_assert_no_error(error);
    return bytes;
}

/* The clip that models/sth/goldens.py makes as well: numbers in [-1, 1), a hash of their positions. */
static void noise(const SthTensor *to)
{
    float *data = to->data;

    for (gint64 i = 0; i < sth_shape_elements(&to->shape); i++) {
        guint32 h = (guint32)i * 2654435761u;
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        data[i] = (float)(h >> 8) * 0x1p-23f - 1;
    }
}

static void fill(SthSession *session, const SthTensor *input /* or NULL: noise */)
{
    const SthTensor *to = sth_session_get_input(session, 0);

    g_assert_cmpint(to->dtype, ==, STH_DTYPE_FLOAT);
    if (!input) {
        noise(to);
        return;
    }
    g_assert_cmpint(input->dtype, ==, STH_DTYPE_FLOAT);
    g_assert_true(sth_shape_equal(&to->shape, &input->shape));
    memcpy(to->data, input->data, sth_tensor_bytes(input));
}

/* PyTorch's numbers; the same bits at any number of threads and in every run. */
static void test_golden(gconstpointer data)
{
    const Golden *golden = data;
    g_autoptr(GError) error = NULL;
    SthTensor input, expected;
    GBytes *in_bytes = golden->has_input ? load(golden->stem, ".in.npy", &input) : NULL;
    GBytes *out_bytes = load(golden->stem, ".out.npy", &expected);
    SthModel *model = sth_model_open(golden->model, NULL, &error);
    g_autofree void *first = NULL;
    double worst;

    g_assert_no_error(error);
    for (guint threads = 1; threads <= 3; threads++) {
        SthSession *session = sth_session_new(model, threads, &error);
        const SthTensor *output;

        g_assert_no_error(error);
        for (guint repeat = 0; repeat < 2; repeat++) {
            fill(session, in_bytes ? &input : NULL);
            sth_session_run(session);
            output = sth_session_get_output(session, 0);
            if (!first) {
                first = g_memdup2(output->data, sth_tensor_bytes(output));
                worst = relative_error(output, &expected);
                g_test_message("relative error %.2e", worst);
                g_assert_cmpfloat(worst, <, MAX_RELATIVE_ERROR);
            }
            g_assert_cmpmem(output->data, sth_tensor_bytes(output), first, sth_tensor_bytes(&expected));
        }
        sth_session_free(session);
    }
    sth_model_unref(model);
    if (in_bytes)
        g_bytes_unref(in_bytes);
    g_bytes_unref(out_bytes);
}

static void golden_free(gpointer data)
{
    Golden *golden = data;

    g_free(golden->model);
    g_free(golden->stem);
    g_free(golden);
}

static void add_golden(const char *model, const char *stem)
{
    g_autofree char *folder = g_path_get_dirname(model), *group = g_path_get_basename(folder), *name = g_path_get_basename(model);
    g_autofree char *path = NULL, *input = g_strconcat(stem, ".in.npy", NULL);
    Golden *golden = g_new0(Golden, 1);

    name[strlen(name) - strlen(".onnx")] = '\0';
    golden->model = g_strdup(model);
    golden->stem = g_strdup(stem);
    golden->has_input = g_file_test(input, G_FILE_TEST_EXISTS);
    path = g_strdup_printf("/golden/%s/%s", group, name);
    g_test_add_data_func_full(path, golden, test_golden, golden_free);
}

/* Every NAME.onnx of a folder; there must be some. */
static void add_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *file;
    guint found = 0;

    g_assert_nonnull(dir);
    while ((file = g_dir_read_name(dir))) {
        g_autofree char *model = g_build_filename(folder, file, NULL), *stem = g_strdup(model);
        if (!g_str_has_suffix(file, ".onnx"))
            continue;
        stem[strlen(stem) - strlen(".onnx")] = '\0';
        add_golden(model, stem);
        found++;
    }
    g_dir_close(dir);
    g_assert_cmpuint(found, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (level_is_missing())
        return 0;
    for (int i = 1; i < argc; i++) {
        if (g_str_has_suffix(argv[i], ".onnx") && i + 1 < argc) {
            add_golden(argv[i], argv[i + 1]);
            i++;
        } else {
            add_folder(argv[i]);
        }
    }
    return g_test_run();
}
