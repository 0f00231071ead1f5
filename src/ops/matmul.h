/* numpy.matmul: batches of matrix products, for MatMul and its quantised kin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/matrix.h"

G_BEGIN_DECLS

/* Batches of matrices: all axes but the last two broadcast. */
typedef struct {
    SthMatrix3 matrix;
    guint rank; /* batch axes */
    gsize dims[STH_MAX_RANK];
    gsize a_step[STH_MAX_RANK], b_step[STH_MAX_RANK]; /* matrices, 0 where it broadcasts */
} SthMatMul;

/* The shape of input @a times input @b. */
gboolean sth_matmul_shape(SthNode *node, guint a, guint b, SthShape *shape, GError **error);
/* Plans it, of tensors of @dtype; sets node->macs. */
gboolean sth_matmul_init(SthMatMul *mul, SthNode *node, guint a, guint b, SthDType dtype, GError **error);
void sth_matmul_run(const SthOpRun *run, const SthMatMul *mul, gconstpointer a, gconstpointer b, gpointer c);

G_END_DECLS
