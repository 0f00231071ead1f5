/* Matrix products in blocks. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/matrix.h"

#include <string.h>

#include "kernels/blas.h"

#define SMALL 512 /* multiplications: fewer do not pay for a call of OpenBLAS */
#define BLOCK 256 /* rows and columns of C: OpenBLAS packs as much at a time */

gboolean sth_matrix_check(const SthMatrix3 *x, const SthNode *node, GError **error)
{
    if (x->m > G_MAXINT32 || x->n > G_MAXINT32 || x->k > G_MAXINT32)
        return sth_op_error(node, error, "a matrix of %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT " is too large", x->m, x->k, x->n);
    return x->dtype != STH_DTYPE_FLOAT || sth_blas_load(error);
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

/* Row by row of C: sums of rows of B, or dot products with them where B is transposed. */
#define DEFINE_PRODUCT(type)                                                                                                                         \
    static void product_##type(const SthMatrix3 *x, const type *a, gsize lda, const type *b, gsize ldb, type *c, gsize ldc)                          \
    {                                                                                                                                                \
        for (gsize i = 0; i < x->m; i++, c += ldc) {                                                                                                 \
            memset(c, 0, x->n * sizeof *c);                                                                                                          \
            for (gsize k = 0; k < x->k && !x->trans_b; k++) {                                                                                        \
                const type factor = a[x->trans_a ? k * lda + i : i * lda + k], *row = b + k * ldb;                                                   \
                for (gsize j = 0; j < x->n; j++)                                                                                                     \
                    c[j] += factor * row[j];                                                                                                         \
            }                                                                                                                                        \
            for (gsize j = 0; j < x->n && x->trans_b; j++)                                                                                           \
                for (gsize k = 0; k < x->k; k++)                                                                                                     \
                    c[j] += a[x->trans_a ? k * lda + i : i * lda + k] * b[j * ldb + k];                                                              \
        }                                                                                                                                            \
    }

/* Integers of both signs have the same bits, and the unsigned ones may wrap around. */
DEFINE_PRODUCT(float)
DEFINE_PRODUCT(double)
DEFINE_PRODUCT(guint32)
DEFINE_PRODUCT(guint64)

void sth_matrix_product(const SthMatrix3 *x, gconstpointer a, gsize lda, gconstpointer b, gsize ldb, gpointer c, gsize ldc)
{
    if (x->m == 0 || x->n == 0)
        return;
    if (x->dtype == STH_DTYPE_DOUBLE)
        product_double(x, a, lda, b, ldb, c, ldc);
    else if (x->dtype == STH_DTYPE_INT32 || x->dtype == STH_DTYPE_UINT32)
        product_guint32(x, a, lda, b, ldb, c, ldc);
    else if (x->dtype != STH_DTYPE_FLOAT)
        product_guint64(x, a, lda, b, ldb, c, ldc);
    else if ((double)x->m * (double)x->n * (double)x->k < SMALL)
        product_float(x, a, lda, b, ldb, c, ldc);
    else
        sth_blas_sgemm(x->trans_a, x->trans_b, x->m, x->n, x->k, a, lda, b, ldb, 0, c, ldc);
}

void sth_matrix_multiply(const SthMatrix3 *x, const SthMatrixBlock *block, gconstpointer a, gconstpointer b, gpointer c)
{
    const gsize size = sth_dtype_size(x->dtype), lda = x->trans_a ? x->m : x->k, ldb = x->trans_b ? x->k : x->n;
    SthMatrix3 part = *x;

    part.m = block->rows;
    part.n = block->columns;
    sth_matrix_product(&part, (const guint8 *)a + (x->trans_a ? block->row : block->row * lda) * size, lda,
                       (const guint8 *)b + (x->trans_b ? block->column * ldb : block->column) * size, ldb,
                       (guint8 *)c + (block->row * x->n + block->column) * size, x->n);
}
