/* The kernel table: the inner loops, by slot. A slot is one function type; its rows (kernels.inc) are variants for instruction sets.
 * The plain C row is the specification: every other row must give the same numbers within the bound that its checker states.
 * Kernels know nothing of graphs, tensors or threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/cpu.h"

G_BEGIN_DECLS

/* out[i] = clamp(bias + sum over k of weight[k] * tap[k][i]), 0 <= i < n. Sums in the order of k with fused multiply-adds where the
 * level has them. Taps may be read up to 64 bytes past n. Depthwise convolutions of any kernel, stride and number of axes come down to this. */
typedef void SthTapSum(float *out, gsize n, const float *const *tap, const float *weight, guint n_taps, float bias, float min, float max);

/* x[i] = clamp(x[i] + bias + (residual ? residual[i] : 0)): what follows a GEMM. */
typedef void SthEpilogue(float *x, gsize n, float bias, const float *residual, float min, float max);

/* out[i] = a[i] + b[i], and clamp. out may be a or b. */
typedef void SthAddClamp(float *out, const float *a, const float *b, gsize n, float min, float max);

/* out[i] = clamp(a[i] * scale + shift). out may be a. */
typedef void SthScaleShift(float *out, const float *a, gsize n, float scale, float shift, float min, float max);

/* Sum of x[0…n-1]; 16 partial sums in every variant, so that they agree bit for bit. */
typedef float SthSum(const float *x, gsize n);

/* Resize, first step: acc[i] (+)= weight * row[i] over n bytes; `first` sets instead of adding. */
typedef void SthRowAccumulate(float *acc, const guint8 *row, gsize n, float weight, gboolean first);

/* Resize, second step: out[i] = sum over k < n_taps of weight[i * n_taps + k] * in[offset[i] + k * step], 0 <= i < n: one component of an
 * interleaved row (step = components a pixel). */
typedef void SthRowResample(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step);

/* Last step: three rows in, three normalised planes out: out[c][i] = m[c][0]*in[0][i] + m[c][1]*in[1][i] + m[c][2]*in[2][i] + m[c][3], first
 * clamped to `lo`[c]…`hi`[c]. YUV to RGB, clipping to 0…255 and (x - mean) / std are one 3x4 matrix. */
typedef void SthColorMatrix(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3]);

/* One function a slot; chosen once for the process: first row whose level the CPU has. */
typedef struct {
#define STH_SLOT(slot, Type) Type *slot;
#define STH_KERNEL(slot, isa, level)
#include "kernels/kernels.inc"
} SthKernels;

const SthKernels *sth_kernels(void);
/* Level of the row that is in use for a slot, by the slot's name; for `sth inspect`. */
const char *sth_kernels_chosen(const char *slot);

/* Every row: for tests and benchmarks. */
typedef struct {
    const char *slot, *isa, *name; /* "tap_sum", "avx2", "sth_tap_sum_avx2" */
    SthCpuLevel level;
    void (*function)(void); /* cast to the slot's type */
} SthKernelRow;
const SthKernelRow *sth_kernel_rows(guint *n);

G_END_DECLS
