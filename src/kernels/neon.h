/* Vectors of four floats of 64-bit Arm, and what the last few lanes need, for which there are no masks.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <arm_neon.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/unroll.h"

/* The first n lanes, 0…4; the others are zero, or not written. */
STH_FORCE_INLINE float32x4_t sth_load_first_4(const float *p, gsize n)
{
    float lanes[4] = {0};

    memcpy(lanes, p, n * sizeof(float));
    return vld1q_f32(lanes);
}

STH_FORCE_INLINE void sth_store_first_4(float *p, float32x4_t x, gsize n)
{
    float lanes[4];

    vst1q_f32(lanes, x);
    memcpy(p, lanes, n * sizeof(float));
}

/* NaN stays NaN: both instructions give NaN if one operand is. */
STH_FORCE_INLINE float32x4_t sth_clamp_4(float32x4_t x, float32x4_t min, float32x4_t max)
{
    return vminq_f32(vmaxq_f32(x, min), max);
}
