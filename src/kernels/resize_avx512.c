/* row_blend, transpose, color_matrix for AVX-512. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/avx512.h"
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
        blend_columns(out + i, row + i, stride, weight, n_taps, 1, sth_first_lanes_16(n - i));
}

/* Eight rows of up to sixteen numbers; @n of them, as @mask says, exist. */
STH_FORCE_INLINE void transpose_block(float *out, gsize out_pitch, const float *in, gsize in_pitch, const guint n, __mmask16 mask)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    __m512 a[8], b[8];

    STH_UNROLL
    for (guint i = 0; i < 8; i++)
        a[i] = _mm512_maskz_loadu_ps(mask, in + i * in_pitch);
    STH_UNROLL
    for (guint i = 0; i < 8; i += 2) { /* pairs of rows: columns 0 and 1 of each four, 2 and 3 */
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    STH_UNROLL
    for (guint i = 0; i < 8; i += 4) { /* a[i + c]: rows i to i + 3 of column c of each four */
        a[i] = _mm512_shuffle_ps(b[i], b[i + 2], _MM_SHUFFLE(1, 0, 1, 0));
        a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], _MM_SHUFFLE(3, 2, 3, 2));
        a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], _MM_SHUFFLE(1, 0, 1, 0));
        a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], _MM_SHUFFLE(3, 2, 3, 2));
    }
    STH_UNROLL
    for (guint c = 0; c < 4; c++) { /* all rows of columns c and 4 + c, 8 + c and 12 + c */
        const __m512d rows_0 = _mm512_castps_pd(a[c]), rows_4 = _mm512_castps_pd(a[4 + c]);
        const __m512d x = _mm512_permutex2var_pd(rows_0, low, rows_4), y = _mm512_permutex2var_pd(rows_0, high, rows_4);

        if (c < n)
            _mm256_storeu_ps(out + c * out_pitch, _mm256_castpd_ps(_mm512_castpd512_pd256(x)));
        if (4 + c < n)
            _mm256_storeu_ps(out + (4 + c) * out_pitch, _mm256_castpd_ps(_mm512_extractf64x4_pd(x, 1)));
        if (8 + c < n)
            _mm256_storeu_ps(out + (8 + c) * out_pitch, _mm256_castpd_ps(_mm512_castpd512_pd256(y)));
        if (12 + c < n)
            _mm256_storeu_ps(out + (12 + c) * out_pitch, _mm256_castpd_ps(_mm512_extractf64x4_pd(y, 1)));
    }
}

/* Sixteen rows of eight numbers that follow each other. */
STH_FORCE_INLINE void transpose_16x8(float *out, gsize out_pitch, const float *in)
{
    const __m512i left = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    const __m512i right = _mm512_add_epi32(left, _mm512_set1_epi32(4));
    __m512 a[8], b[8];

    STH_UNROLL
    for (guint i = 0; i < 4; i++) { /* a[i]: columns 0 to 3 of four rows, a[4 + i]: columns 4 to 7 */
        const __m512 x = _mm512_loadu_ps(in + i * 32), y = _mm512_loadu_ps(in + i * 32 + 16);

        a[i] = _mm512_permutex2var_ps(x, left, y);
        a[4 + i] = _mm512_permutex2var_ps(x, right, y);
    }
    STH_UNROLL
    for (guint i = 0; i < 8; i += 4) { /* columns i and i + 1, i + 2 and i + 3, of eight rows */
        b[i] = _mm512_shuffle_f32x4(a[i], a[i + 1], 0x44);
        b[i + 1] = _mm512_shuffle_f32x4(a[i + 2], a[i + 3], 0x44);
        b[i + 2] = _mm512_shuffle_f32x4(a[i], a[i + 1], 0xee);
        b[i + 3] = _mm512_shuffle_f32x4(a[i + 2], a[i + 3], 0xee);
    }
    STH_UNROLL
    for (guint c = 0; c < 8; c += 2) {
        _mm512_storeu_ps(out + c * out_pitch, _mm512_shuffle_f32x4(b[c], b[c + 1], 0x88));
        _mm512_storeu_ps(out + (c + 1) * out_pitch, _mm512_shuffle_f32x4(b[c], b[c + 1], 0xdd));
    }
}

void sth_transpose_avx512(float *out, gsize out_pitch, const float *in, gsize in_pitch, gsize rows, gsize cols)
{
    gsize i = 0;

    if (cols == 8 && in_pitch == 8)
        for (; i + LANES <= rows; i += LANES)
            transpose_16x8(out + i, out_pitch, in + i * in_pitch);
    for (; i + 8 <= rows; i += 8) {
        gsize j = 0;

        for (; j + LANES <= cols; j += LANES)
            transpose_block(out + j * out_pitch + i, out_pitch, in + i * in_pitch + j, in_pitch, LANES, 0xffff);
        if (j < cols)
            transpose_block(out + j * out_pitch + i, out_pitch, in + i * in_pitch + j, in_pitch, (guint)(cols - j), sth_first_lanes_16(cols - j));
    }
    for (; i < rows; i++)
        for (gsize j = 0; j < cols; j++)
            out[j * out_pitch + i] = in[i * in_pitch + j];
}

/* Component @c of the pixels whose components are @x. */
STH_FORCE_INLINE __m512 color_of(const __m512 x[3], const float m[3][4], const float lo[3], const float hi[3], const guint c)
{
    __m512 sum = _mm512_fmadd_ps(_mm512_set1_ps(m[c][0]), x[0], _mm512_set1_ps(m[c][3]));

    sum = _mm512_fmadd_ps(_mm512_set1_ps(m[c][1]), x[1], sum);
    sum = _mm512_fmadd_ps(_mm512_set1_ps(m[c][2]), x[2], sum);
    return _mm512_min_ps(_mm512_set1_ps(hi[c]), _mm512_max_ps(_mm512_set1_ps(lo[c]), sum));
}

void sth_color_matrix_avx512(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3])
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES) {
        const __m512 x[3] = {_mm512_loadu_ps(in[0] + i), _mm512_loadu_ps(in[1] + i), _mm512_loadu_ps(in[2] + i)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            _mm512_storeu_ps(out[c] + i, color_of(x, m, lo, hi, c));
    }
    if (i < n) {
        const __mmask16 mask = sth_first_lanes_16(n - i);
        const __m512 x[3] = {_mm512_maskz_loadu_ps(mask, in[0] + i), _mm512_maskz_loadu_ps(mask, in[1] + i), _mm512_maskz_loadu_ps(mask, in[2] + i)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            _mm512_mask_storeu_ps(out[c] + i, mask, color_of(x, m, lo, hi, c));
    }
}
