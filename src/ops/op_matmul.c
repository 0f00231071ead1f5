/* MatMul: numpy.matmul. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/matmul.h"

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

gboolean sth_matmul_shape(SthNode *node, guint a, guint b, SthShape *product, GError **error)
{
    const SthShape *in[2] = {&sth_op_in(node, a)->shape, &sth_op_in(node, b)->shape};
    SthShape shape[2];

    for (guint i = 0; i < 2; i++) {
        if (in[i]->rank == 0)
            return sth_op_error(node, error, "input '%s' is a scalar", sth_node_input(node, i == 0 ? a : b)->name);
        shape[i] = as_matrix(in[i], i == 0);
    }
    if (shape[0].dims[shape[0].rank - 1] != shape[1].dims[shape[1].rank - 2])
        return sth_op_error(node, error, "A has %" G_GINT64_FORMAT " columns, B has %" G_GINT64_FORMAT " rows", shape[0].dims[shape[0].rank - 1],
                            shape[1].dims[shape[1].rank - 2]);
    shape[0].rank -= 2;
    shape[1].rank -= 2;
    if (!sth_op_broadcast(node, &shape[0], &shape[1], product, error))
        return FALSE;
    if (in[0]->rank > 1)
        product->dims[product->rank++] = shape[0].dims[shape[0].rank];
    if (in[1]->rank > 1)
        product->dims[product->rank++] = shape[1].dims[shape[1].rank + 1];
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

gboolean sth_matmul_init(SthMatMul *mul, SthNode *node, guint in_a, guint in_b, SthDType dtype, GError **error)
{
    const SthShape a = as_matrix(&sth_op_in(node, in_a)->shape, TRUE), b = as_matrix(&sth_op_in(node, in_b)->shape, FALSE);
    const SthShape *out = &sth_node_output(node, 0)->tensor.shape;

    *mul = (SthMatMul){.rank = MAX(a.rank, b.rank) - 2};
    mul->matrix = (SthMatrix3){.dtype = dtype, .m = (gsize)a.dims[a.rank - 2], .n = (gsize)b.dims[b.rank - 1], .k = (gsize)a.dims[a.rank - 1]};
    if (!sth_matrix_check(&mul->matrix, node, error))
        return FALSE;
    for (guint i = 0; i < mul->rank; i++)
        mul->dims[i] = (gsize)out->dims[i];
    set_steps(mul->a_step, &a, mul->rank);
    set_steps(mul->b_step, &b, mul->rank);
    node->macs = (guint64)sth_shape_elements(out) * mul->matrix.k;
    return TRUE;
}

typedef struct {
    const SthMatMul *mul;
    const guint8 *a, *b;
    guint8 *c;
} Job;

static void run_block(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const SthMatMul *mul = job->mul;
    const SthMatrix3 *x = &mul->matrix;
    const gsize size = sth_dtype_size(x->dtype), blocks = sth_matrix_blocks(x), batch = item / blocks;
    const SthMatrixBlock block = sth_matrix_block(x, item % blocks);
    gsize a = 0, b = 0, rest = batch;

    for (guint i = mul->rank; i-- > 0; rest /= mul->dims[i]) {
        a += rest % mul->dims[i] * mul->a_step[i];
        b += rest % mul->dims[i] * mul->b_step[i];
    }
    sth_matrix_multiply(x, &block, job->a + a * x->m * x->k * size, job->b + b * x->k * x->n * size, job->c + batch * x->m * x->n * size);
}

void sth_matmul_run(const SthOpRun *run, const SthMatMul *mul, gconstpointer a, gconstpointer b, gpointer c)
{
    Job job = {mul, a, b, c};
    gsize batches = 1;

    for (guint i = 0; i < mul->rank; i++)
        batches *= mul->dims[i];
    sth_op_parallel(run, run_block, &job, (guint)(batches * sth_matrix_blocks(&mul->matrix)));
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;

    for (guint i = 0; i < 2; i++)
        if (!sth_op_require_types(node, i, STH_TYPES_MATRIX, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
    if (!sth_matmul_shape(node, 0, 1, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthMatMul *mul = g_new0(SthMatMul, 1);

    node->prepared = mul;
    return sth_matmul_init(mul, node, 0, 1, sth_op_in(node, 0)->dtype, error);
}

static void run(const SthOpRun *op)
{
    sth_matmul_run(op, op->prepared, op->in[0].data, op->in[1].data, op->out[0].data);
}

const SthOp sth_op_matmul = {.name = "MatMul", .since = 1, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run};
