/* row_accumulate, row_resample, color_matrix for AVX2 with FMA. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define LANES 8

void sth_row_accumulate_avx2(float *acc, const guint8 *row, gsize n, float weight, gboolean first)
{
    const __m256 w = _mm256_set1_ps(weight);
    gsize i = 0;

    for (; i + LANES <= n; i += LANES) {
        const __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(row + i))));

        _mm256_storeu_ps(acc + i, first ? _mm256_mul_ps(w, x) : _mm256_fmadd_ps(w, x, _mm256_loadu_ps(acc + i)));
    }
    for (; i < n; i++)
        acc[i] = first ? weight * row[i] : sth_madd(weight, row[i], acc[i]);
}

/* Every second of up to 15 numbers; reads only in[0], in[2], … of the first n results, and what lies between them. */
STH_FORCE_INLINE __m256 load_every_second(const float *in, guint n)
{
    const gsize floats = 2 * (gsize)n - 1;
    const __m256 low = _mm256_maskload_ps(in, sth_first_lanes_8(MIN(floats, 8)));
    const __m256 high = floats > 8 ? _mm256_maskload_ps(in + 8, sth_first_lanes_8(floats - 8)) : _mm256_setzero_ps();
    const __m256 mixed = _mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)); /* 0 2 | 8 10 | 4 6 | 12 14 */

    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0)));
}

/* in[0], in[step], …: n numbers, 1…8, zeros after them. */
STH_FORCE_INLINE __m256 load_strided(const float *in, guint step, guint n, __m256i mask, __m256i index)
{
    if (step == 1)
        return _mm256_maskload_ps(in, mask);
    if (step == 2)
        return load_every_second(in, n);
    return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), in, index, _mm256_castsi256_ps(mask), 4);
}

/* One output's products, summed over its taps in steps of 8: 8 partial sums. */
STH_FORCE_INLINE __m256 products(const float *in, const float *weight, guint n_taps, guint step, __m256i index)
{
    __m256 sum = _mm256_setzero_ps();

    for (guint k = 0; k < n_taps; k += LANES) {
        const guint n = MIN(n_taps - k, LANES);
        const __m256i mask = sth_first_lanes_8(n);

        sum = _mm256_fmadd_ps(_mm256_maskload_ps(weight + k, mask), load_strided(in + (gsize)k * step, step, n, mask, index), sum);
    }
    return sum;
}

/* Eight outputs at a time: their partial sums are added crosswise, so that no output pays for a horizontal sum of its own. */
STH_FORCE_INLINE void resample(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, const guint step)
{
    const __m256i index = _mm256_mullo_epi32(_mm256_set1_epi32((int)step), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));

    for (gsize i = 0; i < n; i += LANES) {
        const gsize m = MIN(n - i, LANES);
        __m256 p[LANES], low, high;

        STH_UNROLL
        for (gsize j = 0; j < LANES; j++)
            p[j] = j < m ? products(in + offset[i + j], weight + (i + j) * n_taps, n_taps, step, index) : _mm256_setzero_ps();
        low = _mm256_hadd_ps(_mm256_hadd_ps(p[0], p[1]), _mm256_hadd_ps(p[2], p[3]));
        high = _mm256_hadd_ps(_mm256_hadd_ps(p[4], p[5]), _mm256_hadd_ps(p[6], p[7]));
        _mm256_maskstore_ps(out + i, sth_first_lanes_8(m),
                            _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31)));
    }
}

void sth_row_resample_avx2(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step)
{
    if (step == 1)
        resample(out, n, in, offset, weight, n_taps, 1);
    else if (step == 2)
        resample(out, n, in, offset, weight, n_taps, 2);
    else
        resample(out, n, in, offset, weight, n_taps, step);
}

void sth_color_matrix_avx2(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3])
{
    for (gsize i = 0; i < n; i += LANES) {
        const __m256i mask = sth_first_lanes_8(MIN(n - i, LANES));
        const __m256 x0 = _mm256_maskload_ps(in[0] + i, mask), x1 = _mm256_maskload_ps(in[1] + i, mask), x2 = _mm256_maskload_ps(in[2] + i, mask);

        for (guint c = 0; c < 3; c++) {
            __m256 x = _mm256_fmadd_ps(_mm256_set1_ps(m[c][0]), x0, _mm256_set1_ps(m[c][3]));

            x = _mm256_fmadd_ps(_mm256_set1_ps(m[c][1]), x1, x);
            x = _mm256_fmadd_ps(_mm256_set1_ps(m[c][2]), x2, x);
            _mm256_maskstore_ps(out[c] + i, mask, sth_clamp_8(x, _mm256_set1_ps(lo[c]), _mm256_set1_ps(hi[c])));
        }
    }
}
