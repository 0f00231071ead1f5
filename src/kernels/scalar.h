/* What the plain C rows share, and what vector rows do with a last few elements.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <math.h>

/* a * b + c, fused where the compiler's target has an instruction for it: a call of fmaf() costs a hundred times as much. */
static inline float sth_madd(float a, float b, float c)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__riscv_flen)
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

static inline float sth_clamp(float x, float min, float max)
{
    return x < min ? min : x > max ? max : x;
}

static inline float sth_maximum(float a, float b)
{
    return b > a || b != b ? b : a;
}

/* 16 partial sums to one: in this order in every row of `sum`. Overwrites them. */
static inline float sth_fold_16(float *partial)
{
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            partial[i] += partial[i + half];
    return partial[0];
}
