/* Operators that give the same bytes another shape: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/memory.h"
#include "ops/op-helpers.h"

static gboolean set_view(SthNode *node, const SthShape *shape, GError **error)
{
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    sth_op_set_output(node, 0, in->dtype, shape);
    return TRUE;
}

static gboolean resolve_shape(SthNode *node, const gint64 *dims, guint n, SthShape *shape, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    gboolean copy_zero = sth_node_int(node, "allowzero", 0) == 0;
    gint64 known = 1, total = sth_shape_elements(in);
    gint free_axis = -1;
    if (n > STH_MAX_RANK)
        return sth_op_error(node, error, "the new shape has %u axes, at most %d are supported", n, STH_MAX_RANK);
    shape->rank = n;
    for (guint i = 0; i < n; i++) {
        gint64 dim = dims[i];
        if (dim == 0 && copy_zero) {
            if (i >= in->rank)
                return sth_op_error(node, error, "the new shape keeps axis %u, which the input has not", i);
            dim = in->dims[i];
        }
        if (dim < -1 || (dim == -1 && free_axis >= 0))
            return sth_op_error(node, error, "the new shape holds %s", dim < -1 ? "a negative number" : "-1 twice");
        shape->dims[i] = dim;
        if (dim == -1)
            free_axis = (gint)i;
        else if (__builtin_mul_overflow(known, dim, &known))
            return sth_op_error(node, error, "the new shape is impossibly large");
    }
    if (free_axis >= 0)
        shape->dims[free_axis] = known > 0 && total % known == 0 ? total / known : 0;
    if (sth_shape_elements(shape) == total)
        return TRUE;
    char *from = sth_shape_to_string(in), *to = sth_shape_to_string(shape);
    sth_op_error(node, error, "cannot make %s of %s", to, from);
    g_free(from);
    g_free(to);
    return FALSE;
}

static gboolean infer_reshape(SthNode *node, GError **error)
{
    guint n;
    gboolean given;
    gint64 *dims = sth_op_ints_attr_or_input(node, "shape", 1, &n, &given, error);
    if (dims == NULL)
        return given ? FALSE : sth_op_error(node, error, "there is no shape");
    SthShape shape;
    gboolean done = resolve_shape(node, dims, n, &shape, error) && set_view(node, &shape, error);
    g_free(dims);
    return done;
}

static gboolean infer_flatten(SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    gint64 axis = sth_node_int(node, "axis", 1);
    if (axis < -(gint64)in->rank || axis > (gint64)in->rank)
        return sth_op_error(node, error, "axis %" G_GINT64_FORMAT " is out of range for %u axes", axis, in->rank);
    guint at = (guint)(axis < 0 ? axis + in->rank : axis);
    SthShape shape = {.rank = 2, .dims = {(gint64)sth_op_product(in, 0, at), (gint64)sth_op_product(in, at, in->rank)}};
    return set_view(node, &shape, error);
}

static gboolean infer_squeeze(SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    SthShape shape = {0};
    guint n, mask = 0;
    gboolean given;
    gint64 *axes = sth_op_ints_attr_or_input(node, "axes", 1, &n, &given, error);
    if (given && (axes == NULL || !sth_op_axes_mask(node, axes, n, in->rank, &mask, error))) {
        g_free(axes);
        return FALSE;
    }
    g_free(axes);
    for (guint axis = 0; axis < in->rank; axis++) {
        gboolean drop = given ? mask >> axis & 1 : in->dims[axis] == 1;
        if (drop && in->dims[axis] != 1)
            return sth_op_error(node, error, "axis %u is to be dropped, but it is %" G_GINT64_FORMAT " long, not 1", axis, in->dims[axis]);
        if (!drop)
            shape.dims[shape.rank++] = in->dims[axis];
    }
    return set_view(node, &shape, error);
}

static gboolean infer_unsqueeze(SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    guint n, mask = 0;
    gboolean given;
    gint64 *axes = sth_op_ints_attr_or_input(node, "axes", 1, &n, &given, error);
    if (axes == NULL)
        return given ? FALSE : sth_op_error(node, error, "there are no axes");
    SthShape shape = {.rank = in->rank + n};
    gboolean done = n <= STH_MAX_RANK && shape.rank <= STH_MAX_RANK;
    if (!done)
        sth_op_error(node, error, "the result has more than %d axes", STH_MAX_RANK);
    done = done && sth_op_axes_mask(node, axes, n, shape.rank, &mask, error);
    g_free(axes);
    if (!done)
        return FALSE;
    for (guint axis = 0, from = 0; axis < shape.rank; axis++)
        shape.dims[axis] = mask >> axis & 1 ? 1 : in->dims[from++];
    return set_view(node, &shape, error);
}

static gboolean infer_identity(SthNode *node, GError **error)
{
    return set_view(node, &sth_op_in(node, 0)->shape, error);
}

/* Training with a ratio of 0. */
static gboolean drops_nothing(const SthNode *node)
{
    double ratio = 0.5;
    if (sth_op_has_input(node, 1) && sth_node_input(node, 1)->constant != NULL && sth_shape_elements(&sth_op_in(node, 1)->shape) == 1)
        sth_elements_to_doubles(&ratio, sth_op_in(node, 1), 0, 1);
    return ratio == 0;
}

/* Inference leaves everything as it is; the mask, where somebody wants it, is all true. */
static gboolean infer_dropout(SthNode *node, GError **error)
{
    SthValue *training = sth_node_input(node, 2), *mask = sth_node_output(node, 1);
    if (training != NULL && (training->tensor.dtype != STH_DTYPE_BOOL || *(const guint8 *)training->tensor.data) && !drops_nothing(node))
        return sth_op_error(node, error, "training mode is not supported; export the model for inference");
    if (!infer_identity(node, error))
        return FALSE;
    if (mask == NULL)
        return TRUE;
    gpointer ones;
    SthTensor *tensor = &mask->tensor;
    tensor->dtype = node->opset < 10 ? sth_op_in(node, 0)->dtype : STH_DTYPE_BOOL;
    tensor->shape = sth_op_in(node, 0)->shape;
    if (tensor->dtype != STH_DTYPE_BOOL)
        return sth_op_error(node, error, "the output 'mask' is supported from opset 10 on");
    GBytes *bytes = sth_aligned_bytes(sth_tensor_bytes(tensor), &ones);
    memset(ones, 1, sth_tensor_bytes(tensor));
    sth_value_set_constant(mask, bytes);
    return TRUE;
}

#define STH_VIEW(ident, op_name, oldest, most, constants)                                                                                            \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {                                                                                                                   \
        .name = op_name, .since = oldest, .flags = STH_OP_VIEW, .min_in = 1, .max_in = most, .constant_in = constants, .infer = infer_##ident};

STH_VIEW(reshape, "Reshape", 1, 2, 1 << 1)
STH_VIEW(flatten, "Flatten", 1, 1, 0)
STH_VIEW(squeeze, "Squeeze", 1, 2, 1 << 1)
STH_VIEW(unsqueeze, "Unsqueeze", 1, 2, 1 << 1)
STH_VIEW(identity, "Identity", 1, 1, 0)
STH_VIEW(dropout, "Dropout", 6, 3, 1 << 1 | 1 << 2)
