/* Gemm: alpha * A' * B' + beta * C, where A' and B' may be transposed and C broadcasts.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/blas.h"
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
    return sth_matrix_check(x, node, error);
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthValue *c = sth_node_input(node, 2);
    SthMatrix3 x;
    SthShape shape = {.rank = 2}, joined;

    for (guint i = 0; i < (c ? 3 : 2); i++)
        if (!sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
    if (!read_matrix(&x, node, error))
        return FALSE;
    shape.dims[0] = (gint64)x.m;
    shape.dims[1] = (gint64)x.n;
    if (c && !sth_op_broadcast(node, &c->tensor.shape, &shape, &joined, error))
        return FALSE;
    if (c && !sth_shape_equal(&joined, &shape))
        return sth_op_error(node, error, "C ('%s') does not broadcast to the shape of the product", c->name);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
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

    if (!sth_blas_load(error) || !read_matrix(&gemm.matrix, node, error))
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
static void finish_row(const Gemm *gemm, float *x, const float *c, gsize n)
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

static void run_block(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const Gemm *gemm = op->prepared;
    const SthMatrixBlock block = sth_matrix_block(&gemm->matrix, item);
    const float *c = op->n_in > 2 && op->in[2].dtype != STH_DTYPE_INVALID ? op->in[2].data : NULL;
    float *out = op->out[0].data;

    sth_matrix_multiply(&gemm->matrix, &block, op->in[0].data, op->in[1].data, out);
    for (gsize row = block.row; row < block.row + block.rows; row++)
        finish_row(gemm, out + row * gemm->matrix.n + block.column, c ? c + row * gemm->c_row + block.column * gemm->c_column : NULL, block.columns);
}

static void run(const SthOpRun *op)
{
    const Gemm *gemm = op->prepared;

    sth_op_parallel(op, run_block, (gpointer)op, (guint)sth_matrix_blocks(&gemm->matrix));
}

const SthOp sth_op_gemm = {.name = "Gemm", .since = 7, .min_in = 2, .max_in = 3, .infer = infer, .prepare = prepare, .run = run};
