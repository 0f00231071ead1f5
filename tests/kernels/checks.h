/* What the checkers of kernels share. The bound for sums is that of summation in any order with or without fused multiply-adds: n * 2^-23 of the
 * sum of magnitudes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "edge-buffer.h"
#include "kernels/kernels.h"

#define MAX_LENGTH 130

/* Compares one row with the plain C row of its slot. */
typedef void SthChecker(const SthKernelRow *row);

extern GRand *dice; /* seeded anew for each row */

/* -2…2; now and then zeros, denormals, large and infinite numbers and NaN if @extreme. */
float random_float(gboolean extreme);
/* Random bounds, or none. */
void random_clamp(float *min, float *max);
/* @n random floats at an edge. */
float *make(EdgeBuffer *buffer, gsize n, gboolean extreme);
void fill(float *x, gsize n, float value);

/* Bit for bit, but for the sign of zero where a clamp may choose, and NaN's payload. */
void assert_same(const SthKernelRow *row, const float *a, const float *b, gsize n);
/* Sums of so many @terms, whose magnitudes add up to @magnitude[i]. */
void assert_close(const SthKernelRow *row, const float *a, const float *b, const double *magnitude, gsize terms, gsize n);

/* A row whose slot has no checker does not compile. */
#define STH_SLOT(slot, Type) SthChecker check_##slot;
#define STH_KERNEL(slot, isa, level)
#include "kernels/kernels.inc"
