/* What follows from shapes alone or is given when the model is opened: Shape, Size, Constant, ConstantOfShape, Range. All are folded.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "ops/op-helpers.h"

/* The axes start…end-1 of the input's shape. */
typedef struct {
    guint start, end;
} Part;

static Part find_part(const SthNode *node)
{
    gint64 rank = sth_op_in(node, 0)->shape.rank;
    gint64 start = sth_node_int(node, "start", 0), end = sth_node_int(node, "end", rank);
    start = CLAMP(start < 0 ? start + rank : start, 0, rank);
    end = CLAMP(end < 0 ? end + rank : end, start, rank);
    return (Part){(guint)start, (guint)end};
}

static gboolean infer_shape(SthNode *node, GError **error)
{
    Part part = find_part(node);
    SthShape shape = {.rank = 1, .dims = {part.end - part.start}};
    sth_op_set_output(node, 0, STH_DTYPE_INT64, &shape);
    return TRUE;
}

static gboolean prepare_shape(SthNode *node, GError **error)
{
    Part *part = g_new(Part, 1);
    *part = find_part(node);
    node->prepared = part;
    return TRUE;
}

static void run_shape(const SthOpRun *run)
{
    const Part *part = run->prepared;
    memcpy(run->out[0].data, run->in[0].shape.dims + part->start, (part->end - part->start) * sizeof(gint64));
}

extern const SthOp sth_op_shape;
const SthOp sth_op_shape = {.name = "Shape",
                            .since = 1,
                            .flags = STH_OP_SHAPE_ONLY,
                            .min_in = 1,
                            .max_in = 1,
                            .infer = infer_shape,
                            .prepare = prepare_shape,
                            .run = run_shape};

static gboolean infer_size(SthNode *node, GError **error)
{
    SthShape scalar = {0};
    sth_op_set_output(node, 0, STH_DTYPE_INT64, &scalar);
    return TRUE;
}

static void run_size(const SthOpRun *run)
{
    *(gint64 *)run->out[0].data = sth_shape_elements(&run->in[0].shape);
}

extern const SthOp sth_op_size;
const SthOp sth_op_size = {.name = "Size", .since = 1, .flags = STH_OP_SHAPE_ONLY, .min_in = 1, .max_in = 1, .infer = infer_size, .run = run_size};

/* The attribute that holds a Constant's value, as a view of the attribute. */
static gboolean find_value(const SthNode *node, SthTensor *tensor)
{
    static const char *const names[] = {"value", "value_float", "value_floats", "value_int", "value_ints"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        SthAttr *attr = (SthAttr *)sth_node_attr(node, names[i]);
        *tensor = (SthTensor){0};
        switch (attr != NULL ? attr->type : STH_ATTR_OTHER) {
        case STH_ATTR_TENSOR:
            *tensor = attr->tensor;
            return TRUE;
        case STH_ATTR_FLOAT:
            tensor->dtype = STH_DTYPE_FLOAT;
            tensor->data = &attr->f;
            return TRUE;
        case STH_ATTR_INT:
            tensor->dtype = STH_DTYPE_INT64;
            tensor->data = &attr->i;
            return TRUE;
        case STH_ATTR_FLOATS:
        case STH_ATTR_INTS:
            tensor->dtype = attr->type == STH_ATTR_INTS ? STH_DTYPE_INT64 : STH_DTYPE_FLOAT;
            tensor->shape = (SthShape){.rank = 1, .dims = {attr->list->len}};
            tensor->data = attr->list->data;
            return TRUE;
        default:
            break;
        }
    }
    return FALSE;
}

static gboolean infer_constant(SthNode *node, GError **error)
{
    SthTensor tensor;
    if (!find_value(node, &tensor))
        return sth_op_error(node, error, "its value is no tensor, number or list of numbers (a string or sparse tensor?)");
    sth_op_set_output(node, 0, tensor.dtype, &tensor.shape);
    return TRUE;
}

static gboolean prepare_constant(SthNode *node, GError **error)
{
    SthTensor *tensor = g_new0(SthTensor, 1);
    node->prepared = tensor;
    return find_value(node, tensor);
}

static void run_constant(const SthOpRun *run)
{
    gsize bytes = sth_tensor_bytes(&run->out[0]);
    if (bytes > 0)
        memcpy(run->out[0].data, ((const SthTensor *)run->prepared)->data, bytes);
}

extern const SthOp sth_op_constant;
const SthOp sth_op_constant = {
    .name = "Constant", .since = 1, .min_in = 0, .max_in = 0, .infer = infer_constant, .prepare = prepare_constant, .run = run_constant};

static gboolean infer_constant_of_shape(SthNode *node, GError **error)
{
    const SthAttr *value = sth_node_attr(node, "value");
    if (value != NULL && (value->type != STH_ATTR_TENSOR || sth_shape_elements(&value->tensor.shape) != 1))
        return sth_op_error(node, error, "the attribute 'value' must be a tensor of one element");
    guint n;
    gint64 *dims = sth_op_constant_ints(node, 0, &n, error);
    if (dims == NULL)
        return FALSE;
    SthShape shape = {.rank = MIN(n, STH_MAX_RANK)};
    gboolean valid = n <= STH_MAX_RANK;
    for (guint i = 0; i < shape.rank; i++) {
        shape.dims[i] = dims[i];
        valid = valid && dims[i] >= 0;
    }
    g_free(dims);
    if (!valid)
        return sth_op_error(node, error, "the shape is negative or has more than %d axes", STH_MAX_RANK);
    sth_op_set_output(node, 0, value != NULL ? value->tensor.dtype : STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

/* The element's bytes, zero where there is no attribute. */
static gboolean prepare_constant_of_shape(SthNode *node, GError **error)
{
    const SthAttr *value = sth_node_attr(node, "value");
    node->prepared = g_malloc0(sizeof(gint64));
    if (value != NULL)
        memcpy(node->prepared, value->tensor.data, sth_dtype_size(value->tensor.dtype));
    return TRUE;
}

static void run_constant_of_shape(const SthOpRun *run)
{
    gsize size = sth_dtype_size(run->out[0].dtype), n = (gsize)sth_shape_elements(&run->out[0].shape);
    for (gsize i = 0; i < n; i++)
        memcpy((guint8 *)run->out[0].data + i * size, run->prepared, size);
}

extern const SthOp sth_op_constant_of_shape;
const SthOp sth_op_constant_of_shape = {.name = "ConstantOfShape",
                                        .since = 9,
                                        .min_in = 1,
                                        .max_in = 1,
                                        .constant_in = 1 << 0,
                                        .infer = infer_constant_of_shape,
                                        .prepare = prepare_constant_of_shape,
                                        .run = run_constant_of_shape};

static double number(const SthTensor *tensor)
{
    switch (tensor->dtype) {
    case STH_DTYPE_FLOAT:
        return *(const float *)tensor->data;
    case STH_DTYPE_DOUBLE:
        return *(const double *)tensor->data;
    case STH_DTYPE_INT32:
        return *(const gint32 *)tensor->data;
    default:
        return (double)*(const gint64 *)tensor->data;
    }
}

static gboolean infer_range(SthNode *node, GError **error)
{
    for (guint i = 0; i < 3; i++) {
        if (!sth_op_require_types(node, i, STH_TYPES_REAL | STH_TYPES_INDEX, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
        const SthValue *value = sth_node_input(node, i);
        if (value->constant == NULL || sth_shape_elements(&value->tensor.shape) != 1)
            return sth_op_error(node, error, "input %u ('%s') must be a constant number", i, value->name);
    }
    double start = number(sth_op_in(node, 0)), limit = number(sth_op_in(node, 1)), delta = number(sth_op_in(node, 2));
    double n = ceil((limit - start) / delta);
    if (!(fabs(n) < 0x1p40))
        return sth_op_error(node, error, "a range from %g to %g by %g has no end", start, limit, delta);
    SthShape shape = {.rank = 1, .dims = {(gint64)MAX(n, 0)}};
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

#define FILL(dtype, type, wide)                                                                                                                      \
    case dtype:                                                                                                                                      \
        for (gsize i = 0; i < n; i++)                                                                                                                \
            ((type *)run->out[0].data)[i] = (type)((wide) * (const type *)run->in[0].data + (wide)i * (wide) * (const type *)run->in[2].data);       \
        break;

static void run_range(const SthOpRun *run)
{
    gsize n = (gsize)run->out[0].shape.dims[0];
    switch (run->in[0].dtype) {
        FILL(STH_DTYPE_FLOAT, float, float)
        FILL(STH_DTYPE_DOUBLE, double, double)
        FILL(STH_DTYPE_INT32, gint32, guint64)
        FILL(STH_DTYPE_INT64, gint64, guint64)
    default:
        break;
    }
}

extern const SthOp sth_op_range;
const SthOp sth_op_range = {
    .name = "Range", .since = 11, .min_in = 3, .max_in = 3, .constant_in = 1 << 0 | 1 << 1 | 1 << 2, .infer = infer_range, .run = run_range};
