/* MatMulInteger and QLinearMatMul: products of bytes, exact, as int32 (which wraps around).
 *
 * Of A, zero points (and scales) are one or one a row, of B one or one a column.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"
#include "ops/matmul.h"
#include "ops/quantized.h"

/* Where the inputs are. */
typedef struct {
    guint a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero;
} Places;

static const Places integer = {.a = 0, .b = 1, .a_zero = 2, .b_zero = 3};
static const Places linear = {.a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7};

typedef struct {
    SthMatMul mul;
    const Places *places;
    gsize b_offset, c_offset; /* in scratch memory, after A */
} Product;

/* Rows of A, or columns of B. */
static gint64 lines(SthNode *node, guint index, guint from_end)
{
    const SthShape *shape = &sth_op_in(node, index)->shape;

    return shape->rank < 2 ? 1 : shape->dims[shape->rank - from_end];
}

static gboolean check(SthNode *node, const Places *p, SthShape *shape, GError **error)
{
    return sth_quantized_check(node, p->a, p->a_zero, lines(node, p->a, 2), error) &&
           sth_quantized_check(node, p->b, p->b_zero, lines(node, p->b, 1), error) && sth_matmul_shape(node, p->a, p->b, shape, error);
}

static gboolean infer_integer(SthNode *node, GError **error)
{
    SthShape shape;

    if (!check(node, &integer, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_INT32, &shape);
    return TRUE;
}

static gboolean infer_linear(SthNode *node, GError **error)
{
    SthShape shape;

    if (!check(node, &linear, &shape, error) || !sth_quantized_check_scale(node, linear.a_scale, lines(node, linear.a, 2), error) ||
        !sth_quantized_check_scale(node, linear.b_scale, lines(node, linear.b, 1), error) ||
        !sth_quantized_check_scale(node, linear.y_scale, 1, error) || !sth_quantized_check(node, linear.y_zero, linear.y_zero, 1, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, linear.y_zero)->dtype, &shape);
    return TRUE;
}

static gboolean prepare_any(SthNode *node, const Places *places, GError **error)
{
    Product *product = g_new0(Product, 1);

    node->prepared = product;
    product->places = places;
    product->b_offset = STH_ALIGN_UP((gsize)sth_shape_elements(&sth_op_in(node, places->a)->shape) * sizeof(gint32));
    product->c_offset = product->b_offset + STH_ALIGN_UP((gsize)sth_shape_elements(&sth_op_in(node, places->b)->shape) * sizeof(gint32));
    node->scratch = product->c_offset;
    if (places->y_scale)
        node->scratch += (gsize)sth_shape_elements(&sth_node_output(node, 0)->tensor.shape) * sizeof(gint32);
    return sth_matmul_init(&product->mul, node, places->a, places->b, STH_DTYPE_INT32, error);
}

static gboolean prepare_integer(SthNode *node, GError **error)
{
    return prepare_any(node, &integer, error);
}

static gboolean prepare_linear(SthNode *node, GError **error)
{
    return prepare_any(node, &linear, error);
}

/* Of a vector, there is one zero point, whatever its period. */
static void multiply(const SthOpRun *run, gint32 *out)
{
    const Product *product = run->prepared;
    const Places *p = product->places;
    gint32 *a = (gint32 *)(gpointer)run->scratch, *b = (gint32 *)(gpointer)(run->scratch + product->b_offset);

    sth_quantized_widen(run, p->a, p->a_zero, product->mul.matrix.k, a);
    sth_quantized_widen(run, p->b, p->b_zero, 1, b);
    sth_matmul_run(run, &product->mul, a, b, out);
}

static void run_integer(const SthOpRun *run)
{
    multiply(run, run->out[0].data);
}

/* @item: a row of the result. */
static void store_row(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Product *product = run->prepared;
    const gsize n = product->mul.matrix.n, row = item % product->mul.matrix.m;
    const gint32 *sum = (const gint32 *)(gconstpointer)(run->scratch + product->c_offset) + item * n;
    const SthTensor *scale = &run->in[linear.b_scale];
    const double factor = sth_quantized_parameter(&run->in[linear.a_scale], row) / sth_quantized_parameter(&run->in[linear.y_scale], 0);

    sth_quantized_store(run->out, item * n, n, sum, factor, scale->data, sth_shape_elements(&scale->shape) > 1,
                        sth_quantized_parameter(&run->in[linear.y_zero], 0));
}

static void run_linear(const SthOpRun *run)
{
    const Product *product = run->prepared;

    multiply(run, (gint32 *)(gpointer)(run->scratch + product->c_offset));
    sth_op_parallel(run, store_row, (gpointer)run, (guint)((gsize)sth_shape_elements(&run->out[0].shape) / MAX(1, product->mul.matrix.n)));
}

extern const SthOp sth_op_matmul_integer, sth_op_qlinear_matmul;
const SthOp sth_op_matmul_integer = {
    .name = "MatMulInteger", .since = 10, .min_in = 2, .max_in = 4, .infer = infer_integer, .prepare = prepare_integer, .run = run_integer};
const SthOp sth_op_qlinear_matmul = {
    .name = "QLinearMatMul", .since = 10, .min_in = 8, .max_in = 8, .infer = infer_linear, .prepare = prepare_linear, .run = run_linear};
