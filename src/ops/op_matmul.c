/* MatMul: numpy.matmul. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/matrix.h"

/* Batches of matrices: all axes but the last two broadcast. */
typedef struct {
    SthMatrix3 matrix;
    guint rank; /* batch axes */
    gsize dims[STH_MAX_RANK];
    gsize a_step[STH_MAX_RANK], b_step[STH_MAX_RANK]; /* matrices, 0 where it broadcasts */
} MatMul;

/* A vector is a matrix of one row (A) or one column (B). */
static SthShape as_matrix(const SthShape *shape, gboolean row)
{
    SthShape matrix = *shape;

    if (shape->rank == 1) {
        matrix.rank = 2;
        matrix.dims[0] = row ? 1 : shape->dims[0];
        matrix.dims[1] = row ? shape->dims[0] : 1;
    }
    return matrix;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape[2], batch;

    for (guint i = 0; i < 2; i++) {
        if (!sth_op_require_types(node, i, STH_TYPES_MATRIX, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
        if (sth_node_input(node, i)->tensor.shape.rank == 0)
            return sth_op_error(node, error, "input %u ('%s') is a scalar", i, sth_node_input(node, i)->name);
        shape[i] = as_matrix(&sth_node_input(node, i)->tensor.shape, i == 0);
    }
    if (shape[0].dims[shape[0].rank - 1] != shape[1].dims[shape[1].rank - 2])
        return sth_op_error(node, error, "A has %" G_GINT64_FORMAT " columns, B has %" G_GINT64_FORMAT " rows", shape[0].dims[shape[0].rank - 1],
                            shape[1].dims[shape[1].rank - 2]);
    shape[0].rank -= 2;
    shape[1].rank -= 2;
    if (!sth_op_broadcast(node, &shape[0], &shape[1], &batch, error))
        return FALSE;
    if (sth_node_input(node, 0)->tensor.shape.rank > 1)
        batch.dims[batch.rank++] = shape[0].dims[shape[0].rank];
    if (sth_node_input(node, 1)->tensor.shape.rank > 1)
        batch.dims[batch.rank++] = shape[1].dims[shape[1].rank + 1];
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &batch);
    return TRUE;
}

/* Steps from one matrix to the next along the @rank batch axes. */
static void set_steps(gsize *step, const SthShape *shape, guint rank)
{
    const guint own = shape->rank - 2;
    gsize matrices = 1;

    for (guint i = 0; i < own; i++) {
        gint64 dim = shape->dims[own - 1 - i];

        step[rank - 1 - i] = dim == 1 ? 0 : matrices;
        matrices *= (gsize)dim;
    }
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthShape a = as_matrix(&sth_node_input(node, 0)->tensor.shape, TRUE), b = as_matrix(&sth_node_input(node, 1)->tensor.shape, FALSE);
    const SthShape *out = &sth_node_output(node, 0)->tensor.shape;
    MatMul mul = {.rank = MAX(a.rank, b.rank) - 2};

    mul.matrix = (SthMatrix3){
        .dtype = sth_op_in(node, 0)->dtype, .m = (gsize)a.dims[a.rank - 2], .n = (gsize)b.dims[b.rank - 1], .k = (gsize)a.dims[a.rank - 1]};
    if (!sth_matrix_check(&mul.matrix, node, error))
        return FALSE;
    for (guint i = 0; i < mul.rank; i++)
        mul.dims[i] = (gsize)out->dims[i];
    set_steps(mul.a_step, &a, mul.rank);
    set_steps(mul.b_step, &b, mul.rank);
    node->macs = (guint64)sth_shape_elements(out) * mul.matrix.k;
    node->prepared = g_memdup2(&mul, sizeof mul);
    return TRUE;
}

static void run_block(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const MatMul *mul = op->prepared;
    const SthMatrix3 *x = &mul->matrix;
    const gsize size = sth_dtype_size(x->dtype), blocks = sth_matrix_blocks(x), batch = item / blocks;
    const SthMatrixBlock block = sth_matrix_block(x, item % blocks);
    gsize a = 0, b = 0, rest = batch;

    for (guint i = mul->rank; i-- > 0; rest /= mul->dims[i]) {
        a += rest % mul->dims[i] * mul->a_step[i];
        b += rest % mul->dims[i] * mul->b_step[i];
    }
    sth_matrix_multiply(x, &block, (const guint8 *)op->in[0].data + a * x->m * x->k * size, (const guint8 *)op->in[1].data + b * x->k * x->n * size,
                        (guint8 *)op->out[0].data + batch * x->m * x->n * size);
}

static void run(const SthOpRun *op)
{
    const MatMul *mul = op->prepared;
    gsize batches = 1;

    for (guint i = 0; i < mul->rank; i++)
        batches *= mul->dims[i];
    sth_op_parallel(op, run_block, (gpointer)op, (guint)(batches * sth_matrix_blocks(&mul->matrix)));
}

const SthOp sth_op_matmul = {.name = "MatMul", .since = 1, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run};
