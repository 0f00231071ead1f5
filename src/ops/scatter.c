/* Picking and putting by index: see scatter.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/scatter.h"

#include <string.h>

gboolean sth_op_check_indices(SthNode *node, guint input, gint64 dim, GError **error)
{
    const SthValue *indices = sth_node_input(node, input);
    gint64 n = sth_shape_elements(&indices->tensor.shape);
    if (dim == 0 && n > 0)
        return sth_op_error(node, error, "it picks from an axis of no elements");
    for (gint64 i = 0; i < n && indices->constant != NULL; i++) {
        gint64 index = sth_element_integer(&indices->tensor, (gsize)i);
        if (index < -dim || index >= dim)
            return sth_op_error(node, error, "index %" G_GINT64_FORMAT " is out of range for %" G_GINT64_FORMAT " elements", index, dim);
    }
    return TRUE;
}

gboolean sth_scatter_find(SthNode *node, SthScatter *scatter, GError **error)
{
    static const char *const names[] = {"none", "add", "mul", "min", "max"};
    const char *given = sth_node_string(node, "reduction", "none");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(given, names[i]) == 0) {
            *scatter = (SthScatter)i;
            return TRUE;
        }
    return sth_op_error(node, error, "reduction '%s' is not supported; none, add, mul, min and max are", given);
}

gboolean sth_scatter_infer(SthNode *node, GError **error)
{
    SthScatter scatter = STH_SCATTER_NONE;
    if (!sth_scatter_find(node, &scatter, error) ||
        !sth_op_require_types(node, 0, scatter == STH_SCATTER_NONE ? STH_TYPES_ANY : STH_TYPES_NUMBER, error) ||
        !sth_op_require_types(node, 1, STH_TYPES_INDEX, error) || !sth_op_require_same_type(node, 0, 2, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    node->in_place = 1u << 0; /* all that is not put stays as it is */
    return TRUE;
}

void sth_scatter_begin(const SthOpRun *run)
{
    if (run->out[0].data != run->in[0].data)
        memcpy(run->out[0].data, run->in[0].data, sth_tensor_bytes(&run->out[0]));
}

#define COMBINE(name, type, wide, ...)                                                                                                               \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            wide a = ((const type *)to->data)[at + i], b = ((const type *)from->data)[from_at + i];                                                  \
            ((type *)to->data)[at + i] = (type)(__VA_ARGS__);                                                                                        \
        }                                                                                                                                            \
        break;

#define COMBINE_ALL(REAL, INTEGER)                                                                                                                   \
    switch (to->dtype) {                                                                                                                             \
        STH_EACH_REAL(COMBINE, REAL)                                                                                                                 \
        STH_EACH_SIGNED(COMBINE, INTEGER)                                                                                                            \
        STH_EACH_UNSIGNED(COMBINE, INTEGER)                                                                                                          \
    default:                                                                                                                                         \
        break;                                                                                                                                       \
    }

void sth_scatter_put(const SthScatter *scatter, const SthTensor *to, gsize at, const SthTensor *from, gsize from_at, gsize n)
{
    gsize size = sth_dtype_size(to->dtype);
    switch (*scatter) {
    case STH_SCATTER_NONE:
        memcpy((guint8 *)to->data + at * size, (const guint8 *)from->data + from_at * size, n * size);
        break;
    case STH_SCATTER_ADD:
        COMBINE_ALL(a + b, (guint64)a + (guint64)b)
        break;
    case STH_SCATTER_MUL:
        COMBINE_ALL(a * b, (guint64)a * (guint64)b)
        break;
    case STH_SCATTER_MIN:
        COMBINE_ALL(MIN(a, b), MIN(a, b))
        break;
    case STH_SCATTER_MAX:
        COMBINE_ALL(MAX(a, b), MAX(a, b))
        break;
    }
}
