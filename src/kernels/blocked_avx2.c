/* Kernels on blocks of channels for AVX2 with FMA: two vectors a block. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"

#define ISA(name) sth_##name##_avx2
#define LANES 8
#define PANEL_COLS 6
#define PAIR_COLS 0

typedef __m256 Vec;

STH_FORCE_INLINE Vec splat(float x)
{
    return _mm256_set1_ps(x);
}

STH_FORCE_INLINE Vec load(const float *p)
{
    return _mm256_loadu_ps(p);
}

STH_FORCE_INLINE void store(float *p, Vec x)
{
    _mm256_storeu_ps(p, x);
}

STH_FORCE_INLINE Vec load_first(const float *p, unsigned n)
{
    return _mm256_maskload_ps(p, sth_first_lanes_8(n));
}

STH_FORCE_INLINE void store_first(float *p, Vec x, unsigned n)
{
    _mm256_maskstore_ps(p, sth_first_lanes_8(n), x);
}

STH_FORCE_INLINE Vec madd(Vec a, Vec b, Vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

STH_FORCE_INLINE Vec clamp(Vec x, Vec min, Vec max)
{
    return sth_clamp_8(x, min, max);
}

STH_FORCE_INLINE Vec maximum(Vec x, Vec y)
{
    return sth_maximum_8(x, y);
}

STH_FORCE_INLINE void transpose(Vec row[LANES])
{
    Vec t[LANES], u[LANES];

    STH_UNROLL
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    STH_UNROLL
    for (int i = 0; i < LANES; i += 4) {
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    STH_UNROLL
    for (int i = 0; i < LANES / 2; i++) {
        row[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        row[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

#include "kernels/blocked_body.h"
