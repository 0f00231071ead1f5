/* Matrix products in blocks. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/matrix.h"

#include "kernels/blas.h"

#define BLOCK 256 /* rows and columns of C: OpenBLAS packs as much at a time */

gboolean sth_matrix_check(const SthMatrix3 *x, const SthNode *node, GError **error)
{
    if (x->m > G_MAXINT32 || x->n > G_MAXINT32 || x->k > G_MAXINT32)
        return sth_op_error(node, error, "a matrix of %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT " is too large", x->m, x->k, x->n);
    return TRUE;
}

static gsize row_blocks(const SthMatrix3 *x)
{
    return (x->m + BLOCK - 1) / BLOCK;
}

gsize sth_matrix_blocks(const SthMatrix3 *x)
{
    return row_blocks(x) * ((x->n + BLOCK - 1) / BLOCK);
}

SthMatrixBlock sth_matrix_block(const SthMatrix3 *x, gsize index)
{
    SthMatrixBlock block = {.row = index % row_blocks(x) * BLOCK, .column = index / row_blocks(x) * BLOCK};

    block.rows = MIN(BLOCK, x->m - block.row);
    block.columns = MIN(BLOCK, x->n - block.column);
    return block;
}

void sth_matrix_multiply(const SthMatrix3 *x, const SthMatrixBlock *block, const float *a, const float *b, float *c)
{
    gsize lda = x->trans_a ? x->m : x->k, ldb = x->trans_b ? x->k : x->n;

    sth_blas_sgemm(x->trans_a, x->trans_b, block->rows, block->columns, x->k, a + (x->trans_a ? block->row : block->row * lda), lda,
                   b + (x->trans_b ? block->column * ldb : block->column), ldb, 0, c + block->row * x->n + block->column, x->n);
}
