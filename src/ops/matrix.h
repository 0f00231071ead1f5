/* Matrix products that Gemm and MatMul share: cut into blocks that do not depend on the number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

G_BEGIN_DECLS

/* C (m x n) = A (m x k; transposed: k x m) * B (k x n; transposed: n x k), all dense and row-major. */
typedef struct {
    gboolean trans_a, trans_b;
    gsize m, n, k;
} SthMatrix3;

/* One of sth_matrix_blocks() parts of C. */
typedef struct {
    gsize row, rows, column, columns;
} SthMatrixBlock;

/* FALSE with @error if a size is too large for OpenBLAS (2^31 - 1). */
gboolean sth_matrix_check(const SthMatrix3 *matrix, const SthNode *node, GError **error);
gsize sth_matrix_blocks(const SthMatrix3 *matrix);
SthMatrixBlock sth_matrix_block(const SthMatrix3 *matrix, gsize index);
/* Computes one part of C. */
void sth_matrix_multiply(const SthMatrix3 *matrix, const SthMatrixBlock *block, const float *a, const float *b, float *c);

G_END_DECLS
