/* Element types, shapes and tensors. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-tensor.h>

/* By SthDType; names as NumPy has them. */
static const struct {
    const char *name;
    guint8 size;
} dtypes[] = {
    [STH_DTYPE_INVALID] = {"invalid", 0}, [STH_DTYPE_FLOAT] = {"float32", 4},     [STH_DTYPE_DOUBLE] = {"float64", 8},
    [STH_DTYPE_FLOAT16] = {"float16", 2}, [STH_DTYPE_BFLOAT16] = {"bfloat16", 2}, [STH_DTYPE_INT8] = {"int8", 1},
    [STH_DTYPE_INT16] = {"int16", 2},     [STH_DTYPE_INT32] = {"int32", 4},       [STH_DTYPE_INT64] = {"int64", 8},
    [STH_DTYPE_UINT8] = {"uint8", 1},     [STH_DTYPE_UINT16] = {"uint16", 2},     [STH_DTYPE_UINT32] = {"uint32", 4},
    [STH_DTYPE_UINT64] = {"uint64", 8},   [STH_DTYPE_BOOL] = {"bool", 1},
};

gsize sth_dtype_size(SthDType dtype)
{
    return (guint)dtype < G_N_ELEMENTS(dtypes) ? dtypes[dtype].size : 0;
}

const char *sth_dtype_name(SthDType dtype)
{
    return (guint)dtype < G_N_ELEMENTS(dtypes) ? dtypes[dtype].name : dtypes[STH_DTYPE_INVALID].name;
}

gint64 sth_shape_elements(const SthShape *shape)
{
    gint64 elements = 1;

    for (guint i = 0; i < shape->rank; i++)
        elements *= shape->dims[i];
    return elements;
}

gboolean sth_shape_equal(const SthShape *a, const SthShape *b)
{
    if (a->rank != b->rank)
        return FALSE;
    for (guint i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return FALSE;
    return TRUE;
}

char *sth_shape_to_string(const SthShape *shape)
{
    GString *text;

    if (shape->rank == 0)
        return g_strdup("scalar");
    text = g_string_new(NULL);
    for (guint i = 0; i < shape->rank; i++) {
        if (i > 0)
            g_string_append_c(text, 'x');
        if (shape->dims[i] < 0)
            g_string_append_c(text, '?');
        else
            g_string_append_printf(text, "%" G_GINT64_FORMAT, shape->dims[i]);
    }
    return g_string_free(text, FALSE);
}

gsize sth_tensor_bytes(const SthTensor *tensor)
{
    return (gsize)sth_shape_elements(&tensor->shape) * sth_dtype_size(tensor->dtype);
}
