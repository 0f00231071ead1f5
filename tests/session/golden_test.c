/* Every golden under tests/goldens/ and the default model: NAME.onnx, NAME.in.npy, NAME.out.npy (outputs computed by PyTorch). Run at each CPU level
 * by the environment variable STH_CPU (tests/session/meson.build).
 *
 * usage: golden-test GOLDENS-FOLDER DEFAULT-MODEL.onnx
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <sth/sth-session.h>

#include "base/npy.h"

/* Largest difference over the largest magnitude: what the product promises against PyTorch. */
#define MAX_RELATIVE_ERROR 1e-4

typedef struct {
    char *model, *stem; /* paths: with .onnx; what .in.npy is appended to */
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

static void run_with(SthSession *session, const SthTensor *input)
{
    const SthTensor *to = sth_session_get_input(session, 0);

    g_assert_cmpint(to->dtype, ==, input->dtype);
    g_assert_true(sth_shape_equal(&to->shape, &input->shape));
    memcpy(to->data, input->data, sth_tensor_bytes(input));
    sth_session_run(session);
}

static GBytes *load(const char *stem, const char *suffix, SthTensor *tensor)
{
    g_autofree char *path = g_strconcat(stem, suffix, NULL);
    g_autoptr(GError) error = NULL;
    GBytes *bytes = sth_npy_load(path, tensor, &error);

    g_assert_no_error(error);
    return bytes;
}

/* PyTorch's numbers; the same bits at any number of threads and in every run. */
static void test_golden(gconstpointer data)
{
    const Golden *golden = data;
    g_autoptr(GError) error = NULL;
    SthTensor input, expected;
    GBytes *in_bytes = load(golden->stem, ".in.npy", &input), *out_bytes = load(golden->stem, ".out.npy", &expected);
    SthModel *model = sth_model_open(golden->model, NULL, &error);
    g_autofree void *first = NULL;
    double worst;

    g_assert_no_error(error);
    for (guint threads = 1; threads <= 3; threads++) {
        SthSession *session = sth_session_new(model, threads, &error);
        const SthTensor *output;

        g_assert_no_error(error);
        for (guint repeat = 0; repeat < 2; repeat++) {
            run_with(session, &input);
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

/* @name: what the golden's files are called; NULL: as the model. */
static void add_golden(const char *model, const char *folder, const char *name)
{
    g_autofree char *base = g_path_get_basename(model), *path = NULL;
    Golden *golden = g_new0(Golden, 1);

    base[strlen(base) - strlen(".onnx")] = '\0';
    golden->model = g_strdup(model);
    golden->stem = g_build_filename(folder, name ? name : base, NULL);
    path = g_strconcat("/golden/", base, NULL);
    g_test_add_data_func_full(path, golden, test_golden, golden_free);
}

int main(int argc, char **argv)
{
    const char *file;
    guint found = 0;
    GDir *dir;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    dir = g_dir_open(argv[1], 0, NULL);
    g_assert_nonnull(dir);
    while ((file = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(argv[1], file, NULL);
        if (g_str_has_suffix(file, ".onnx")) {
            add_golden(path, argv[1], NULL);
            found++;
        }
    }
    g_dir_close(dir);
    g_assert_cmpuint(found, >=, 8); /* the four forms, dense and depthwise */
    add_golden(argv[2], argv[1], "default");
    return g_test_run();
}
