/* The kernel table: the inner loops, by slot. A slot is one function type; its rows (kernels.inc) are variants for instruction sets.
 * The plain C row is the specification: every other row must give the same numbers within the bound that its checker states.
 * Kernels know nothing of graphs, tensors or threads.
 *
 * clamp(x) is x < min ? min : x > max ? max : x: NaN stays NaN in every row.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/cpu.h"

G_BEGIN_DECLS

/* The tile that `gemm` makes: so many rows of packed weights times so many columns. */
#define STH_GEMM_ROWS 8
#define STH_GEMM_COLS 48

/* Rows of B that follow each other. */
typedef struct {
    guint32 row, count;
} SthGemmRun;

/* One tile of a matrix product: C (m x n) = clamp(A * B + bias + residual). */
typedef struct {
    const float *a;         /* weights, packed: STH_GEMM_ROWS floats for each row of B in the order of the runs; rows from m on are zero */
    const SthGemmRun *runs; /* the rows of B that have weights: the others need not be multiplied */
    guint n_runs;           /* 0: the product is zero */
    const float *b;         /* row k at b + k * ldb, n floats are read */
    gsize ldb;
    const float
        *ahead; /* what will be read soon: for each row k of the runs the line at ahead + k * ldb may be fetched into the second cache; NULL */
    float *c;   /* row r at c + r * ldc */
    gsize ldc;
    guint m, n;            /* 1…STH_GEMM_ROWS, 1…STH_GEMM_COLS */
    gboolean accumulate;   /* C holds the sum so far (of earlier rows of B) instead of starting from 0 */
    const float *bias;     /* STH_GEMM_ROWS floats (those from m on are not used), or NULL */
    const float *residual; /* row r at residual + r * ldr, or NULL */
    gsize ldr;
    float min, max;
} SthGemmTile;

/* Each element is summed in the order of the runs, with fused multiply-adds where the level has them; then + bias, + residual, clamp. Convolutions
 * come down to this. */
typedef void SthGemm(const SthGemmTile *tile);

/* Channels of a block. A blocked image has the numbers of a block's channels at one position side by side: [block][position][STH_BLOCK]. */
#define STH_BLOCK 16

/* Rows of B that follow each other. */
typedef struct {
    gssize offset; /* of the first of them from the panel's b, floats */
    guint32 count;
} SthPanelRun;

/* A block of output channels at n positions: c[i][l] = clamp(bias[l] + sum over k of b[k][i] * a[k][l]), 0 <= i < n, 0 <= l < STH_BLOCK. */
typedef struct {
    const float *a;          /* weights: STH_BLOCK floats for each row of B in the order of the runs */
    const SthPanelRun *runs; /* the rows of B that have weights */
    guint n_runs;            /* 0: the sum is zero */
    const float *b;          /* row k of a run, position i: b[offset + k * row_step + i * step] */
    gssize row_step;
    gsize step; /* 1, 2 or STH_BLOCK */
    float *c;   /* n * STH_BLOCK floats */
    guint n;
    gboolean accumulate; /* c holds the sum so far, bias included */
    const float *bias;   /* STH_BLOCK floats, or NULL for zeros */
    const float *a2;     /* a second block of output channels that reads the same rows of B; NULL: there is none */
    float *c2;
    const float *bias2;
    const float *ahead; /* weights that will be read next, as many as these: may be fetched into the second cache; NULL */
    float min, max;
} SthPanel;

/* Sums in the order of the runs, from the bias or c on, with fused multiply-adds where the level has them. */
typedef void SthPanelSum(const SthPanel *panel);

/* out[i][l] = clamp(bias[l] + sum over k of weight[k][l] * tap[k][i * step + l]), 0 <= i < n, 0 <= l < STH_BLOCK: one row of a depthwise
 * convolution of a block. Sums in the order of k with fused multiply-adds where the level has them. */
typedef void SthDepthwise(float *out, gsize n, const float *const *tap, gsize step, const float *weight, guint n_taps, const float *bias, float min,
                          float max);

/* out[i][l] = the largest of tap[k][i * step + l], 0 <= i < n, 0 <= l < STH_BLOCK, but NaN where one of them is NaN: one row of a MaxPool of a block.
 * n_taps >= 1. */
typedef void SthBlockMaximum(float *out, gsize n, const float *const *tap, gsize step, guint n_taps);

/* out[i][l] = l < channels ? in[l * in_step + i] : 0, 0 <= i < n: rows of some planes to a row of a block. */
typedef void SthToBlocked(float *out, const float *in, gsize in_step, guint channels, gsize n);

/* out[l * out_step + i] = clamp(in[i][l] + residual[l * out_step + i]), l < channels, 0 <= i < n; residual may be NULL. */
typedef void SthFromBlocked(float *out, gsize out_step, const float *in, const float *residual, guint channels, gsize n, float min, float max);

/* Points of Winograd's F(4,3): 0, +-A, +-B and infinity. These make a third of the error of 0, +-1, +-2 (measured over random sums of 256 channels), and
 * the transforms' factors are exact in binary. */
#define STH_WINOGRAD_A 0.625f
#define STH_WINOGRAD_B 1.5f

/* Winograd's F(4x4, 3x3), for a block of channels. Input: the 6x6 positions of a tile, rows @pitch floats apart, to its 36 products' factors
 * v[(6 * i + j) * v_step + l]. Output: 36 sums of products to 4x4 results that are added to y. */
typedef void SthWinogradInput(float *v, gsize v_step, const float *x, gsize pitch);
typedef void SthWinogradOutput(float *y, gsize pitch, const float *m, gsize m_step);

/* rows x cols numbers: out[y][x] = clamp(bias + sum over k of weight[k] * tap[k][y][x]), rows out_pitch and in_pitch floats apart. Sums in the
 * order of k with fused multiply-adds where the level has them. Reads cols floats of a row, no more. Depthwise convolutions of any kernel,
 * stride and number of axes come down to this. */
typedef void SthTapSum(float *out, gsize rows, gsize cols, gsize out_pitch, const float *const *tap, gsize in_pitch, const float *weight,
                       guint n_taps, float bias, float min, float max);

/* out[i] = in[2 * i], 0 <= i < n: a row for a stride of two. Reads in[0…2n-2]. */
typedef void SthEverySecond(float *out, const float *in, gsize n);

/* Columns of one panel of B that lie side by side in a row of the image: @before zeros, @n numbers, @after zeros. */
typedef struct {
    gssize from;           /* of the first number, floats; may be negative */
    guint32 panel, column; /* where the columns begin */
    guint32 before, n, after;
} SthGatherPiece;

/* Rows of B that see neighbouring channels of an image through the same tap. */
typedef struct {
    float *out; /* of the first row; each next one out_step floats further */
    gsize out_step, panel_step;
    const float *in; /* of the first row's channel; each next one in_step floats further */
    gsize in_step;
    guint n_rows;
    const SthGatherPiece *pieces; /* of each row */
    guint n_pieces;
} SthGatherRows;

/* Each piece of a row goes to out + panel * panel_step + column and takes its numbers from in + from, @stride floats apart. Reads no others, and
 * writes nothing but the pieces. */
typedef void SthGather(const SthGatherRows *rows, gsize stride);

/* out[i] = a[i] + b[i], and clamp. out may be a or b. */
typedef void SthAddClamp(float *out, const float *a, const float *b, gsize n, float min, float max);

/* out[i] = clamp(a[i] * scale + shift), fused where the level has that. out may be a. */
typedef void SthScaleShift(float *out, const float *a, gsize n, float scale, float shift, float min, float max);

/* out[i] = b[i] > a[i] ? b[i] : a[i], but NaN where one of them is NaN. out may be a or b. */
typedef void SthMaximum(float *out, const float *a, const float *b, gsize n);

/* Sum of x[0…n-1]; 16 partial sums (of i mod 16) in every variant, added pairwise 8 apart, 4, 2, 1, so that they agree bit for bit. */
typedef float SthSum(const float *x, gsize n);

/* Resize, first step: out[i] = sum over k < n_taps of weight[k] * row[k * stride + i], 0 <= i < n: rows of bytes, stride bytes apart (may be
 * negative), in the order of k. n_taps >= 1. */
typedef void SthRowBlend(float *out, const guint8 *row, gssize stride, gsize n, const float *weight, guint n_taps);

/* Rows to columns: out[j * out_pitch + i] = in[i * in_pitch + j], 0 <= i < rows, 0 <= j < cols; pitches in floats. */
typedef void SthTranspose(float *out, gsize out_pitch, const float *in, gsize in_pitch, gsize rows, gsize cols);

/* So many rows are resampled at once: as columns they are the lanes of a vector, and no tap has to be gathered. */
#define STH_RESIZE_ROWS 8

/* Resize, second step, over [column][STH_RESIZE_ROWS]: out[i][r] = sum over k < n_taps of weight[i * n_taps + k] * in[offset[i] + k * step][r],
 * 0 <= i < n: one component of interleaved pixels (step = components a pixel), in the order of k. */
typedef void SthColumnResample(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step);

/* Last step: three components in, three normalised planes out: out[c][i] = m[c][0]*in[0][i] + m[c][1]*in[1][i] + m[c][2]*in[2][i] + m[c][3],
 * clamped to lo[c]…hi[c]. YUV to RGB, clipping to 0…255 and (x - mean) / std are one 3x4 matrix. */
typedef void SthColorMatrix(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3]);

/* One function a slot; chosen once for the process: first row whose level the CPU has. */
typedef struct {
#define STH_SLOT(slot, Type) Type *slot;
#define STH_KERNEL(slot, isa, level)
#include "kernels/kernels.inc"
} SthKernels;

const SthKernels *sth_kernels(void);
/* Name of the row ("avx2") that is in use for a slot, by the slot's name; NULL if there is no such slot. For `sth inspect`. */
const char *sth_kernels_chosen(const char *slot);

/* Every row: for tests and benchmarks. */
typedef struct {
    const char *slot, *isa, *name; /* "tap_sum", "avx2", "sth_tap_sum_avx2" */
    SthCpuLevel level;
    gsize offset;           /* of the slot in SthKernels */
    void (*function)(void); /* cast to the slot's type */
} SthKernelRow;
const SthKernelRow *sth_kernel_rows(guint *n);

/* The rows themselves. */
#define STH_SLOT(slot, Type) typedef Type SthSlot_##slot;
#define STH_KERNEL(slot, isa, level)
#include "kernels/kernels.inc"
#define STH_SLOT(slot, Type)
#define STH_KERNEL(slot, isa, level) SthSlot_##slot sth_##slot##_##isa;
#include "kernels/kernels.inc"

G_END_DECLS
