/* Matrix products of all types that ONNX multiplies: float32 by OpenBLAS, the others by plain loops. Gemm and MatMul share how they are cut into
 * blocks that do not depend on the number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

/* Types that can be multiplied. Integers wrap around. */
#define STH_TYPES_MATRIX (STH_TYPES_REAL | STH_TYPES_INDEX | STH_TYPE(UINT32) | STH_TYPE(UINT64))

/* C (m x n) = A (m x k; transposed: k x m) * B (k x n; transposed: n x k), all dense and row-major. */
typedef struct {
    SthDType dtype;
    gboolean trans_a, trans_b;
    gsize m, n, k;
} SthMatrix3;

/* One of sth_matrix_blocks() parts of C. */
typedef struct {
    gsize row, rows, column, columns;
} SthMatrixBlock;

/* To be called when the node is prepared. FALSE with @error if a size is too large for OpenBLAS (2^31 - 1), or there is no OpenBLAS. */
gboolean sth_matrix_check(const SthMatrix3 *matrix, const SthNode *node, GError **error);
gsize sth_matrix_blocks(const SthMatrix3 *matrix);
SthMatrixBlock sth_matrix_block(const SthMatrix3 *matrix, gsize index);
/* Computes one part of C. */
void sth_matrix_multiply(const SthMatrix3 *matrix, const SthMatrixBlock *block, gconstpointer a, gconstpointer b, gpointer c);

/* The product alone, of parts of matrices whose rows are lda, ldb, ldc elements apart; k may be 0. */
void sth_matrix_product(const SthMatrix3 *matrix, gconstpointer a, gsize lda, gconstpointer b, gsize ldb, gpointer c, gsize ldc);

G_END_DECLS
