/* Kernels on blocks of channels for AVX-512: one vector is one block. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512.h"

#define ISA(name) sth_##name##_avx512
#define LANES 16
#define PANEL_COLS 24
#define PAIR_COLS 14

typedef __m512 Vec;

STH_FORCE_INLINE Vec splat(float x)
{
    return _mm512_set1_ps(x);
}

STH_FORCE_INLINE Vec load(const float *p)
{
    return _mm512_loadu_ps(p);
}

STH_FORCE_INLINE void store(float *p, Vec x)
{
    _mm512_storeu_ps(p, x);
}

STH_FORCE_INLINE Vec load_first(const float *p, unsigned n)
{
    return _mm512_maskz_loadu_ps(sth_first_lanes_16(n), p);
}

STH_FORCE_INLINE void store_first(float *p, Vec x, unsigned n)
{
    _mm512_mask_storeu_ps(p, sth_first_lanes_16(n), x);
}

STH_FORCE_INLINE Vec madd(Vec a, Vec b, Vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

STH_FORCE_INLINE Vec clamp(Vec x, Vec min, Vec max)
{
    return sth_clamp_16(x, min, max);
}

STH_FORCE_INLINE Vec maximum(Vec x, Vec y)
{
    return sth_maximum_16(x, y);
}

/* Exchanges bit after bit of the two indices. */
STH_FORCE_INLINE void transpose(Vec row[LANES])
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    STH_UNROLL
    for (int bit = 1; bit < LANES; bit *= 2) {
        const __mmask16 set = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(bit));
        const __m512i low = _mm512_mask_add_epi32(lane, set, lane, _mm512_set1_epi32(LANES - bit)); /* second operand's lanes are 16… */
        const __m512i high = _mm512_mask_add_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(bit)), set, lane, _mm512_set1_epi32(LANES));

        STH_UNROLL
        for (int i = 0; i < LANES; i++) {
            if (i & bit)
                continue;
            const Vec a = row[i], b = row[i + bit];

            row[i] = _mm512_permutex2var_ps(a, low, b);
            row[i + bit] = _mm512_permutex2var_ps(a, high, b);
        }
    }
}

#include "kernels/blocked_body.h"
