/* add_clamp, scale_shift, maximum, sum for 64-bit Arm. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/neon.h"
#include "kernels/scalar.h"

#define LANES 4
#define PARTIAL 16 /* sums of `sum` */

void sth_add_clamp_neon(float *out, const float *a, const float *b, gsize n, float min, float max)
{
    const float32x4_t lo = vdupq_n_f32(min), hi = vdupq_n_f32(max);
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        vst1q_f32(out + i, sth_clamp_4(vaddq_f32(vld1q_f32(a + i), vld1q_f32(b + i)), lo, hi));
    for (; i < n; i++)
        out[i] = sth_clamp(a[i] + b[i], min, max);
}

void sth_scale_shift_neon(float *out, const float *a, gsize n, float scale, float shift, float min, float max)
{
    const float32x4_t lo = vdupq_n_f32(min), hi = vdupq_n_f32(max), factor = vdupq_n_f32(scale), summand = vdupq_n_f32(shift);
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        vst1q_f32(out + i, sth_clamp_4(vfmaq_f32(summand, vld1q_f32(a + i), factor), lo, hi));
    for (; i < n; i++)
        out[i] = sth_clamp(sth_madd(a[i], scale, shift), min, max);
}

void sth_maximum_neon(float *out, const float *a, const float *b, gsize n)
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        vst1q_f32(out + i, vmaxq_f32(vld1q_f32(a + i), vld1q_f32(b + i))); /* NaN where one of them is */
    for (; i < n; i++)
        out[i] = sth_maximum(a[i], b[i]);
}

float sth_sum_neon(const float *x, gsize n)
{
    float32x4_t sum[PARTIAL / LANES];
    float partial[PARTIAL];
    gsize i = 0;

    STH_UNROLL
    for (guint v = 0; v < PARTIAL / LANES; v++)
        sum[v] = vdupq_n_f32(0);
    for (; i + PARTIAL <= n; i += PARTIAL) {
        STH_UNROLL
        for (guint v = 0; v < PARTIAL / LANES; v++)
            sum[v] = vaddq_f32(sum[v], vld1q_f32(x + i + v * LANES));
    }
    STH_UNROLL
    for (guint v = 0; v < PARTIAL / LANES; v++)
        vst1q_f32(partial + v * LANES, sum[v]);
    for (gsize lane = 0; i + lane < n; lane++)
        partial[lane] += x[i + lane];
    return sth_fold_16(partial);
}
