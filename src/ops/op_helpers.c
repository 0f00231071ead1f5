/* Checks and attributes that several operators share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

#include <string.h>

gboolean sth_op_require_types(SthNode *node, guint index, guint types, GError **error)
{
    SthValue *value = sth_node_input(node, index);
    if (value == NULL)
        return sth_op_error(node, error, "input %u is missing", index);
    if (types & (1u << value->tensor.dtype))
        return TRUE;
    GString *list = g_string_new(NULL);
    for (guint dtype = STH_DTYPE_FLOAT; dtype <= STH_DTYPE_BOOL; dtype++)
        if (types & (1u << dtype))
            g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", sth_dtype_name((SthDType)dtype));
    sth_op_error(node, error, "input %u ('%s') is %s; supported: %s", index, value->name, sth_dtype_name(value->tensor.dtype), list->str);
    g_string_free(list, TRUE);
    return FALSE;
}

gboolean sth_op_require_same_type(SthNode *node, guint a, guint b, GError **error)
{
    const SthTensor *ta = sth_op_in(node, a), *tb = sth_op_in(node, b);
    if (ta->dtype == tb->dtype)
        return TRUE;
    return sth_op_error(node, error, "inputs %u and %u are %s and %s; they must be of one type", a, b, sth_dtype_name(ta->dtype),
                        sth_dtype_name(tb->dtype));
}

gint64 *sth_op_ints_attr_or_input(SthNode *node, const char *attr, guint index, guint *n, gboolean *given, GError **error)
{
    const gint64 *listed = sth_node_ints(node, attr, n);
    *given = listed != NULL || sth_op_has_input(node, index);
    if (listed != NULL) {
        gint64 *copy = g_new(gint64, *n + 1);
        memcpy(copy, listed, *n * sizeof *copy);
        return copy;
    }
    return *given ? sth_op_constant_ints(node, index, n, error) : NULL;
}

typedef struct {
    const SthOpRun *run;
    SthElementwise func;
    gsize total;
} Parts;

static void run_part(gpointer data, guint item, guint thread)
{
    const Parts *parts = data;
    gsize from = (gsize)item * STH_OP_CHUNK;
    parts->func(parts->run, from, MIN(STH_OP_CHUNK, parts->total - from));
}

void sth_op_elementwise(const SthOpRun *run, SthElementwise func)
{
    Parts parts = {run, func, (gsize)sth_shape_elements(&run->out[0].shape)};
    sth_op_parallel(run, run_part, &parts, (guint)((parts.total + STH_OP_CHUNK - 1) / STH_OP_CHUNK));
}

SthAxis sth_op_around(const SthShape *shape, guint from, guint to)
{
    return (SthAxis){sth_op_product(shape, 0, from), sth_op_product(shape, from, to), sth_op_product(shape, to, shape->rank)};
}

SthShape sth_op_second_shape(const SthNode *node, gint64 axis)
{
    guint rank = sth_op_in(node, 0)->shape.rank;
    SthShape shape = sth_op_in(node, 1)->shape;
    if (node->opset >= 7)
        return shape;
    axis = sth_node_int(node, "axis", axis);
    while (axis >= 0 && axis + shape.rank < rank)
        shape.dims[shape.rank++] = 1;
    return shape;
}

gboolean sth_op_axes_mask(SthNode *node, const gint64 *axes, guint n, guint rank, guint *mask, GError **error)
{
    *mask = 0;
    for (guint i = 0; i < n; i++) {
        guint axis;
        if (!sth_op_axis(node, axes[i], rank, &axis, error))
            return FALSE;
        if (*mask & (1u << axis))
            return sth_op_error(node, error, "axis %" G_GINT64_FORMAT " is listed twice", axes[i]);
        *mask |= 1u << axis;
    }
    return TRUE;
}
