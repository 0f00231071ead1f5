/* Trilu and EyeLike: what is on one side of a diagonal of matrices, and the diagonal itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* Element (row, column) is kept where column - row >= k (upper) or <= k (lower). */
typedef struct {
    gint64 k;
    gboolean upper;
} Triangle;

static gboolean find_triangle(SthNode *node, Triangle *triangle, GError **error)
{
    *triangle = (Triangle){0, sth_node_int(node, "upper", 1) != 0};
    if (!sth_op_has_input(node, 1))
        return TRUE;
    guint n;
    gint64 *k = sth_op_constant_ints(node, 1, &n, error);
    if (k == NULL)
        return FALSE;
    gboolean done = n == 1 || sth_op_error(node, error, "k is not one number");
    triangle->k = done ? CLAMP(k[0], -G_MAXINT32, G_MAXINT32) : 0;
    g_free(k);
    return done;
}

static gboolean infer_trilu(SthNode *node, GError **error)
{
    Triangle triangle = {0};
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !find_triangle(node, &triangle, error))
        return FALSE;
    if (sth_op_in(node, 0)->shape.rank < 2)
        return sth_op_error(node, error, "the input is no matrix");
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare_trilu(SthNode *node, GError **error)
{
    Triangle *triangle = g_new(Triangle, 1);
    node->prepared = triangle;
    return find_triangle(node, triangle, error);
}

/* @item: one row of one matrix; columns from…to-1 are kept. */
static void keep_row(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Triangle *triangle = run->prepared;
    const SthShape *shape = &run->in[0].shape;
    gint64 columns = shape->dims[shape->rank - 1], row = item % shape->dims[shape->rank - 2];
    gint64 from = triangle->upper ? CLAMP(row + triangle->k, 0, columns) : 0,
           to = triangle->upper ? columns : CLAMP(row + triangle->k + 1, 0, columns);
    gsize size = sth_dtype_size(run->in[0].dtype), first = (gsize)from * size, bytes = (gsize)(to - from) * size, line = (gsize)columns * size;
    guint8 *out = (guint8 *)run->out[0].data + item * line;
    memset(out, 0, first);
    memmove(out + first, (const guint8 *)run->in[0].data + item * line + first, bytes);
    memset(out + first + bytes, 0, line - first - bytes);
}

static void run_trilu(const SthOpRun *run)
{
    const SthShape *shape = &run->in[0].shape;
    if (sth_tensor_bytes(&run->out[0]) > 0)
        sth_op_parallel(run, keep_row, (gpointer)run, (guint)sth_op_product(shape, 0, shape->rank - 1));
}

extern const SthOp sth_op_trilu;
const SthOp sth_op_trilu = {.name = "Trilu",
                            .since = 14,
                            .flags = STH_OP_INPLACE_0,
                            .min_in = 1,
                            .max_in = 2,
                            .constant_in = 1 << 1,
                            .infer = infer_trilu,
                            .prepare = prepare_trilu,
                            .run = run_trilu};

static gboolean infer_eye_like(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    gint64 number = sth_node_int(node, "dtype", 0);
    SthDType dtype = number == 0 ? in->dtype : sth_dtype_from_onnx(number);
    if (dtype == STH_DTYPE_INVALID)
        return sth_op_error(node, error, "type %" G_GINT64_FORMAT " of ONNX is not supported", number);
    if (in->shape.rank != 2)
        return sth_op_error(node, error, "the input is no matrix");
    sth_op_set_output(node, 0, dtype, &in->shape);
    return TRUE;
}

static gboolean prepare_eye_like(SthNode *node, GError **error)
{
    gint64 *k = g_new(gint64, 1);
    *k = sth_node_int(node, "k", 0);
    node->prepared = k;
    return TRUE;
}

static void run_eye_like(const SthOpRun *run)
{
    const gint64 k = *(const gint64 *)run->prepared, rows = run->out[0].shape.dims[0], columns = run->out[0].shape.dims[1];
    const double one = 1;
    memset(run->out[0].data, 0, sth_tensor_bytes(&run->out[0]));
    for (gint64 row = 0; row < rows; row++)
        if (k >= -row && k < columns - row)
            sth_elements_from_doubles(&run->out[0], &one, (gsize)(row * columns + row + k), 1);
}

extern const SthOp sth_op_eye_like;
const SthOp sth_op_eye_like = {.name = "EyeLike",
                               .since = 9,
                               .flags = STH_OP_SHAPE_ONLY,
                               .min_in = 1,
                               .max_in = 1,
                               .infer = infer_eye_like,
                               .prepare = prepare_eye_like,
                               .run = run_eye_like};
