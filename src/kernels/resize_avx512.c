/* row_blend for AVX-512. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/kernels.h"

#define LANES 16

STH_FORCE_INLINE __m512 load_bytes(const guint8 *bytes, __mmask16 mask)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, bytes)));
}

/* @vectors times sixteen columns, those of the last one by @mask: all taps of them while the sums stay in registers. */
STH_FORCE_INLINE void blend_columns(float *out, const guint8 *row, gssize stride, const float *weight, guint n_taps, const guint vectors,
                                    __mmask16 mask)
{
    __m512 sum[4];

    STH_UNROLL
    for (guint v = 0; v < vectors; v++)
        sum[v] = _mm512_mul_ps(_mm512_set1_ps(weight[0]), load_bytes(row + v * LANES, mask));
    for (guint k = 1; k < n_taps; k++) {
        const __m512 w = _mm512_set1_ps(weight[k]);

        row += stride;
        STH_UNROLL
        for (guint v = 0; v < vectors; v++)
            sum[v] = _mm512_fmadd_ps(w, load_bytes(row + v * LANES, mask), sum[v]);
    }
    STH_UNROLL
    for (guint v = 0; v < vectors; v++)
        _mm512_mask_storeu_ps(out + v * LANES, mask, sum[v]);
}

void sth_row_blend_avx512(float *out, const guint8 *row, gssize stride, gsize n, const float *weight, guint n_taps)
{
    gsize i = 0;

    for (; i + 4 * LANES <= n; i += 4 * LANES)
        blend_columns(out + i, row + i, stride, weight, n_taps, 4, 0xffff);
    for (; i < n; i += LANES)
        blend_columns(out + i, row + i, stride, weight, n_taps, 1, n - i >= LANES ? 0xffff : (__mmask16)((1u << (n - i)) - 1));
}
