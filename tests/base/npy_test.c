/* NumPy files: what NumPy writes is read, what is written is what NumPy would write, broken files are refused.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <glib/gstdio.h>
#include <sth/sth-error.h>

#include "base/memory.h"
#include "base/npy.h"

static char *folder;

/* A file of a header (padded by nobody: readers need no alignment) and data. */
static char *write_file(guint8 version, const char *header, gconstpointer data, gsize size)
{
    char *path = g_build_filename(folder, "x.npy", NULL);
    GString *file = g_string_new(NULL);
    gsize length = strlen(header);

    g_string_append_len(file, "\x93NUMPY", 6);
    g_string_append_c(file, (char)version);
    g_string_append_c(file, 0);
    g_string_append_c(file, (char)(length & 0xff));
    g_string_append_c(file, (char)(length >> 8));
    if (version > 1)
        g_string_append_len(file, "\0\0", 2);
    g_string_append(file, header);
    g_string_append_len(file, data, (gssize)size);
    g_assert_true(g_file_set_contents(path, file->str, (gssize)file->len, NULL));
    g_string_free(file, TRUE);
    return path;
}

static void expect(guint8 version, const char *header, gsize size, int code, const char *text)
{
    guint8 data[64] = {1, 2, 3};
    char *path = write_file(version, header, data, size);
    GError *error = NULL;
    SthTensor tensor;
    GBytes *bytes = sth_npy_load(path, &tensor, &error);

    if (code < 0) {
        g_assert_no_error(error);
        g_assert_cmpmem(tensor.data, sth_tensor_bytes(&tensor), data, sth_tensor_bytes(&tensor));
        g_assert_cmpuint((guintptr)tensor.data % STH_ALIGN, ==, 0);
        g_bytes_unref(bytes);
    } else {
        g_assert_null(bytes);
        g_assert_error(error, STH_ERROR, code);
        g_assert_nonnull(strstr(error->message, path));
        if (!strstr(error->message, text))
            g_error("'%s' does not say '%s'", error->message, text);
        g_clear_error(&error);
    }
    g_unlink(path);
    g_free(path);
}

static void test_load(void)
{
    expect(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n", 24, -1, NULL);
    expect(2, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n", 16, -1, NULL);
    expect(3, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", 1, -1, NULL);
    expect(1, "{'shape': (4,), 'fortran_order': True, 'descr': '<u2'}\n", 8, -1, NULL); /* one axis has no order */
    expect(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }\n", 0, -1, NULL);
}

static void test_refuse(void)
{
    static const char good[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    GError *error = NULL;
    SthTensor tensor;

    expect(1, good, 23, STH_ERROR_FORMAT, "truncated");
    expect(4, good, 24, STH_ERROR_UNSUPPORTED, "version");
    expect(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n", 8, STH_ERROR_UNSUPPORTED, ">f4");
    expect(1, "{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }\n", 16, STH_ERROR_UNSUPPORTED, "<c8");
    expect(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n", 8, STH_ERROR_UNSUPPORTED, "element type");
    expect(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", 24, STH_ERROR_UNSUPPORTED, "Fortran");
    expect(1, "{'descr': '<f4', 'shape': (2,), }\n", 8, STH_ERROR_FORMAT, "order");
    expect(1, "{'descr': '<f4', 'fortran_order': False}\n", 8, STH_ERROR_FORMAT, "shape");
    expect(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, STH_ERROR_FORMAT, "malformed");
    expect(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}\n", 8, STH_ERROR_FORMAT, "malformed");
    expect(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}\n", 8, STH_ERROR_FORMAT, "too large");
    expect(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}\n", 4, STH_ERROR_UNSUPPORTED, "axes");
    g_assert_null(sth_npy_load("/does/not/exist.npy", &tensor, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FILE);
    g_clear_error(&error);
}

/* Every length of a good file's beginning is refused, none is read past its end. */
static void test_truncated(void)
{
    static const float data[6] = {1};
    char *path = write_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", data, sizeof data), *file;
    gsize size;

    g_assert_true(g_file_get_contents(path, &file, &size, NULL));
    for (gsize length = 0; length < size; length++) {
        GError *error = NULL;
        SthTensor tensor;

        g_assert_true(g_file_set_contents(path, file, (gssize)length, NULL));
        g_assert_null(sth_npy_load(path, &tensor, &error));
        g_assert_error(error, STH_ERROR, STH_ERROR_FORMAT);
        g_clear_error(&error);
    }
    g_unlink(path);
    g_free(file);
    g_free(path);
}

static void test_save(void)
{
    static const SthDType types[] = {STH_DTYPE_FLOAT, STH_DTYPE_DOUBLE, STH_DTYPE_FLOAT16, STH_DTYPE_INT8, STH_DTYPE_UINT64, STH_DTYPE_BOOL};
    guint8 data[24 * 8];
    char *path = g_build_filename(folder, "y.npy", NULL);

    for (guint i = 0; i < sizeof data; i++)
        data[i] = (guint8)i;
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        for (guint rank = 0; rank <= 4; rank++) {
            SthTensor out = {.dtype = types[i], .shape = {rank, {1, 2, 3, 4}}, .data = data}, in;
            GError *error = NULL;
            GBytes *bytes;
            char *file;
            gsize size;

            g_assert_true(sth_npy_save(path, &out, &error));
            g_assert_true(g_file_get_contents(path, &file, &size, NULL));
            g_assert_cmpuint((size - sth_tensor_bytes(&out)) % 64, ==, 0); /* as NumPy aligns */
            g_assert_cmpint(file[size - sth_tensor_bytes(&out) - 1], ==, '\n');
            g_free(file);
            bytes = sth_npy_load(path, &in, &error);
            g_assert_no_error(error);
            g_assert_cmpint(in.dtype, ==, out.dtype);
            g_assert_true(sth_shape_equal(&in.shape, &out.shape));
            g_assert_cmpmem(in.data, sth_tensor_bytes(&in), out.data, sth_tensor_bytes(&out));
            g_bytes_unref(bytes);
        }
    g_unlink(path);
    g_free(path);
}

static void test_save_refuse(void)
{
    SthTensor tensor = {.dtype = STH_DTYPE_BFLOAT16, .shape = {1, {1}}, .data = &tensor};
    GError *error = NULL;

    g_assert_false(sth_npy_save("x.npy", &tensor, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    tensor.dtype = STH_DTYPE_INT8;
    g_assert_false(sth_npy_save("/does/not/exist/x.npy", &tensor, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FILE);
    g_clear_error(&error);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("sth-npy-XXXXXX", NULL);
    g_test_add_func("/npy/load", test_load);
    g_test_add_func("/npy/refuse", test_refuse);
    g_test_add_func("/npy/truncated", test_truncated);
    g_test_add_func("/npy/save", test_save);
    g_test_add_func("/npy/save-refuse", test_save_refuse);
    result = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return result;
}
