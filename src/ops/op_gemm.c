/* Gemm: alpha * A' * B' + beta * C, where A' and B' may be transposed and C broadcasts. Of integers, alpha and beta must be whole.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/matrix.h"

typedef struct {
    SthMatrix3 matrix;
    float alpha, beta, min, max;
    gsize c_row, c_column; /* steps in C for the next row, column: 0 where it broadcasts */
} Gemm;

static gboolean read_matrix(SthMatrix3 *x, const SthNode *node, GError **error)
{
    const SthShape *a = &sth_node_input(node, 0)->tensor.shape, *b = &sth_node_input(node, 1)->tensor.shape;
    gint64 k;

    x->dtype = sth_op_in(node, 0)->dtype;
    x->trans_a = sth_node_int(node, "transA", 0) != 0;
    x->trans_b = sth_node_int(node, "transB", 0) != 0;
    if (a->rank != 2 || b->rank != 2)
        return sth_op_error(node, error, "inputs with %u and %u axes: Gemm multiplies matrices", a->rank, b->rank);
    x->m = (gsize)a->dims[x->trans_a ? 1 : 0];
    x->n = (gsize)b->dims[x->trans_b ? 0 : 1];
    k = a->dims[x->trans_a ? 0 : 1];
    if (k != b->dims[x->trans_b ? 1 : 0])
        return sth_op_error(node, error, "A has %" G_GINT64_FORMAT " columns, B has %" G_GINT64_FORMAT " rows", k, b->dims[x->trans_b ? 1 : 0]);
    x->k = (gsize)k;
    return TRUE;
}

static gboolean check_factor(const SthNode *node, const char *name, GError **error)
{
    const gboolean real = STH_TYPES_REAL >> sth_op_in(node, 0)->dtype & 1;
    const float factor = sth_node_float(node, name, 1);

    if (real || (floorf(factor) == factor && fabsf(factor) < 0x1p31f))
        return TRUE;
    return sth_op_error(node, error, "%s is %g: for a product of integers it must be whole, and less than 2^31", name, (double)factor);
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthValue *c = sth_node_input(node, 2);
    SthMatrix3 x;
    SthShape shape = {.rank = 2}, joined;

    for (guint i = 0; i < (c ? 3 : 2); i++)
        if (!sth_op_require_types(node, i, STH_TYPES_MATRIX, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
    if (!check_factor(node, "alpha", error) || !check_factor(node, "beta", error) || !read_matrix(&x, node, error))
        return FALSE;
    shape.dims[0] = (gint64)x.m;
    shape.dims[1] = (gint64)x.n;
    if (c && !sth_op_broadcast(node, &c->tensor.shape, &shape, &joined, error))
        return FALSE;
    if (c && !sth_shape_equal(&joined, &shape))
        return sth_op_error(node, error, "C ('%s') does not broadcast to the shape of the product", c->name);
    sth_op_set_output(node, 0, x.dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthValue *c = sth_node_input(node, 2);
    Gemm gemm = {
        .alpha = sth_node_float(node, "alpha", 1),
        .beta = sth_node_float(node, "beta", 1),
        .min = sth_node_float(node, "sth.min", -INFINITY),
        .max = sth_node_float(node, "sth.max", INFINITY),
    };

    if (!read_matrix(&gemm.matrix, node, error) || !sth_matrix_check(&gemm.matrix, node, error))
        return FALSE;
    if (c) {
        const SthShape *shape = &c->tensor.shape;

        gemm.c_column = shape->rank >= 1 && shape->dims[shape->rank - 1] != 1;
        if (shape->rank == 2 && shape->dims[0] != 1)
            gemm.c_row = (gsize)shape->dims[1];
    }
    node->macs = gemm.matrix.m * gemm.matrix.n * gemm.matrix.k;
    node->prepared = g_memdup2(&gemm, sizeof gemm);
    return TRUE;
}

/* x = clamp(alpha * x + beta * C) for a part of a row. */
static void finish_float(const Gemm *gemm, float *x, const float *c, gsize n)
{
    const SthKernels *k = sth_kernels();

    if (c && gemm->c_column && gemm->beta == 1) {
        if (gemm->alpha != 1)
            k->scale_shift(x, x, n, gemm->alpha, 0, -INFINITY, INFINITY);
        k->add_clamp(x, x, c, n, gemm->min, gemm->max);
    } else if (!c || !gemm->c_column) {
        k->scale_shift(x, x, n, gemm->alpha, c ? gemm->beta * *c : 0, gemm->min, gemm->max);
    } else {
        for (gsize i = 0; i < n; i++)
            x[i] = gemm->alpha * x[i] + gemm->beta * c[i];
        k->scale_shift(x, x, n, 1, 0, gemm->min, gemm->max);
    }
}

/* @wide holds the factors: whole numbers of either sign have the same bits. */
#define DEFINE_FINISH(type, wide)                                                                                                                    \
    static void finish_##type(const Gemm *gemm, type *x, const type *c, gsize n)                                                                     \
    {                                                                                                                                                \
        const type alpha = (type)(wide)gemm->alpha, beta = (type)(wide)gemm->beta;                                                                   \
        for (gsize i = 0; i < n; i++)                                                                                                                \
            x[i] = alpha * x[i] + (c ? beta * c[i * gemm->c_column] : 0);                                                                            \
    }

DEFINE_FINISH(double, double)
DEFINE_FINISH(guint32, gint64)
DEFINE_FINISH(guint64, gint64)

static void finish_row(const Gemm *gemm, gpointer x, gconstpointer c, gsize n)
{
    if (gemm->matrix.dtype == STH_DTYPE_FLOAT)
        finish_float(gemm, x, c, n);
    else if (gemm->matrix.dtype == STH_DTYPE_DOUBLE)
        finish_double(gemm, x, c, n);
    else if (sth_dtype_size(gemm->matrix.dtype) == sizeof(guint32))
        finish_guint32(gemm, x, c, n);
    else
        finish_guint64(gemm, x, c, n);
}

static void run_block(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const Gemm *gemm = op->prepared;
    const gsize size = sth_dtype_size(gemm->matrix.dtype);
    const SthMatrixBlock block = sth_matrix_block(&gemm->matrix, item);
    const guint8 *c = op->n_in > 2 && op->in[2].dtype != STH_DTYPE_INVALID ? op->in[2].data : NULL;
    guint8 *out = op->out[0].data;

    sth_matrix_multiply(&gemm->matrix, &block, op->in[0].data, op->in[1].data, out);
    for (gsize row = block.row; row < block.row + block.rows; row++)
        finish_row(gemm, out + (row * gemm->matrix.n + block.column) * size,
                   c ? c + (row * gemm->c_row + block.column * gemm->c_column) * size : NULL, block.columns);
}

static void run(const SthOpRun *op)
{
    const Gemm *gemm = op->prepared;

    sth_op_parallel(op, run_block, (gpointer)op, (guint)sth_matrix_blocks(&gemm->matrix));
}

const SthOp sth_op_gemm = {.name = "Gemm", .since = 1, .min_in = 2, .max_in = 3, .infer = infer, .prepare = prepare, .run = run};
