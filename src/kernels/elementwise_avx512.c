/* add_clamp, scale_shift, maximum, sum for AVX-512. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define LANES 16

void sth_add_clamp_avx512(float *out, const float *a, const float *b, gsize n, float min, float max)
{
    const __m512 lo = _mm512_set1_ps(min), hi = _mm512_set1_ps(max);

    for (gsize i = 0; i < n; i += LANES) {
        const __mmask16 mask = sth_first_lanes_16(n - i);
        const __m512 x = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));

        _mm512_mask_storeu_ps(out + i, mask, sth_clamp_16(x, lo, hi));
    }
}

void sth_scale_shift_avx512(float *out, const float *a, gsize n, float scale, float shift, float min, float max)
{
    const __m512 lo = _mm512_set1_ps(min), hi = _mm512_set1_ps(max), factor = _mm512_set1_ps(scale), summand = _mm512_set1_ps(shift);

    for (gsize i = 0; i < n; i += LANES) {
        const __mmask16 mask = sth_first_lanes_16(n - i);
        const __m512 x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), factor, summand);

        _mm512_mask_storeu_ps(out + i, mask, sth_clamp_16(x, lo, hi));
    }
}

void sth_maximum_avx512(float *out, const float *a, const float *b, gsize n)
{
    for (gsize i = 0; i < n; i += LANES) {
        const __mmask16 mask = sth_first_lanes_16(n - i);

        _mm512_mask_storeu_ps(out + i, mask, sth_maximum_16(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i)));
    }
}

float sth_sum_avx512(const float *x, gsize n)
{
    __m512 sum = _mm512_setzero_ps();
    float partial[LANES];

    for (gsize i = 0; i < n; i += LANES)
        sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(sth_first_lanes_16(n - i), x + i));
    _mm512_storeu_ps(partial, sum);
    return sth_fold_16(partial);
}
