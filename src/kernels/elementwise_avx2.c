/* add_clamp, scale_shift, maximum, sum for AVX2 with FMA. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define LANES 8

void sth_add_clamp_avx2(float *out, const float *a, const float *b, gsize n, float min, float max)
{
    const __m256 lo = _mm256_set1_ps(min), hi = _mm256_set1_ps(max);
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(out + i, sth_clamp_8(_mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)), lo, hi));
    for (; i < n; i++)
        out[i] = sth_clamp(a[i] + b[i], min, max);
}

void sth_scale_shift_avx2(float *out, const float *a, gsize n, float scale, float shift, float min, float max)
{
    const __m256 lo = _mm256_set1_ps(min), hi = _mm256_set1_ps(max), factor = _mm256_set1_ps(scale), summand = _mm256_set1_ps(shift);
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(out + i, sth_clamp_8(_mm256_fmadd_ps(_mm256_loadu_ps(a + i), factor, summand), lo, hi));
    for (; i < n; i++)
        out[i] = sth_clamp(sth_madd(a[i], scale, shift), min, max);
}

void sth_maximum_avx2(float *out, const float *a, const float *b, gsize n)
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(out + i, sth_maximum_8(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
    for (; i < n; i++)
        out[i] = sth_maximum(a[i], b[i]);
}

float sth_sum_avx2(const float *x, gsize n)
{
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    float partial[2 * LANES];
    gsize i = 0;

    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(x + i));
        high = _mm256_add_ps(high, _mm256_loadu_ps(x + i + LANES));
    }
    _mm256_storeu_ps(partial, low);
    _mm256_storeu_ps(partial + LANES, high);
    for (gsize lane = 0; i + lane < n; lane++)
        partial[lane] += x[i + lane];
    return sth_fold_16(partial);
}
