/* Kernels on blocks of channels for 64-bit Arm: four vectors a block. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/neon.h"

#define ISA(name) sth_##name##_neon
#define LANES 4
#define PANEL_COLS 6 /* 24 sums, 4 vectors of weights and a number of B in 32 registers */
#define PAIR_COLS 0

typedef float32x4_t Vec;

STH_FORCE_INLINE Vec splat(float x)
{
    return vdupq_n_f32(x);
}

STH_FORCE_INLINE Vec load(const float *p)
{
    return vld1q_f32(p);
}

STH_FORCE_INLINE void store(float *p, Vec x)
{
    vst1q_f32(p, x);
}

STH_FORCE_INLINE Vec load_first(const float *p, unsigned n)
{
    return sth_load_first_4(p, n);
}

STH_FORCE_INLINE void store_first(float *p, Vec x, unsigned n)
{
    sth_store_first_4(p, x, n);
}

STH_FORCE_INLINE Vec madd(Vec a, Vec b, Vec c)
{
    return vfmaq_f32(c, a, b);
}

STH_FORCE_INLINE Vec clamp(Vec x, Vec min, Vec max)
{
    return sth_clamp_4(x, min, max);
}

STH_FORCE_INLINE Vec maximum(Vec x, Vec y)
{
    return vmaxq_f32(x, y);
}

STH_FORCE_INLINE void transpose(Vec row[LANES])
{
    const float32x4x2_t a = vtrnq_f32(row[0], row[1]), b = vtrnq_f32(row[2], row[3]);

    for (int i = 0; i < 2; i++) {
        row[i] = vcombine_f32(vget_low_f32(a.val[i]), vget_low_f32(b.val[i]));
        row[i + 2] = vcombine_f32(vget_high_f32(a.val[i]), vget_high_f32(b.val[i]));
    }
}

#include "kernels/blocked_body.h"
