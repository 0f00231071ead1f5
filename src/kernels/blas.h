/* Matrix products by OpenBLAS. The one place that knows cblas.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Loads the library's own copy of OpenBLAS with the right kernels for this CPU, single-threaded; any thread, once. FALSE with @error
 * (STH_ERROR_SYSTEM) if there is none. The host's copy, its threads and its choice of kernels stay as they are. */
gboolean sth_blas_load(GError **error);

/* C (m x n, row stride ldc) = A (m x k, row stride lda; transposed: k x m) * B (k x n; transposed: n x k) + beta * C. Row-major.
 * Needs a successful sth_blas_load(). Runs on the calling thread alone; any number of threads at once. */
void sth_blas_sgemm(gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b, gsize ldb, float beta,
                    float *c, gsize ldc);

/* Whether convolutions run by OpenBLAS: there is no row of `gemm` for this CPU but plain C, which is slower, plain C is not asked for
 * (sth_cpu_plain_c()), and there is an OpenBLAS, which this loads. */
gboolean sth_blas_runs_convolutions(void);

/* "OpenBLAS 0.3.21 SkylakeX"; never NULL. */
const char *sth_blas_describe(void);

G_END_DECLS
