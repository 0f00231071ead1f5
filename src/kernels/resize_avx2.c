/* row_blend, transpose, column_resample, color_matrix for AVX2 with FMA. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define LANES 8

/* Eight bytes as numbers. */
STH_FORCE_INLINE __m256 load_bytes(const guint8 *bytes)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes)));
}

/* @vectors times eight columns: all taps of them while the sums stay in registers. */
STH_FORCE_INLINE void blend_columns(float *out, const guint8 *row, gssize stride, const float *weight, guint n_taps, const guint vectors)
{
    __m256 sum[4];

    STH_UNROLL
    for (guint v = 0; v < vectors; v++)
        sum[v] = _mm256_mul_ps(_mm256_set1_ps(weight[0]), load_bytes(row + v * LANES));
    for (guint k = 1; k < n_taps; k++) {
        const __m256 w = _mm256_set1_ps(weight[k]);

        row += stride;
        STH_UNROLL
        for (guint v = 0; v < vectors; v++)
            sum[v] = _mm256_fmadd_ps(w, load_bytes(row + v * LANES), sum[v]);
    }
    STH_UNROLL
    for (guint v = 0; v < vectors; v++)
        _mm256_storeu_ps(out + v * LANES, sum[v]);
}

void sth_row_blend_avx2(float *out, const guint8 *row, gssize stride, gsize n, const float *weight, guint n_taps)
{
    gsize i = 0;

    for (; i + 4 * LANES <= n; i += 4 * LANES)
        blend_columns(out + i, row + i, stride, weight, n_taps, 4);
    for (; i + LANES <= n; i += LANES)
        blend_columns(out + i, row + i, stride, weight, n_taps, 1);
    for (; i < n; i++) {
        out[i] = weight[0] * row[i];
        for (guint k = 1; k < n_taps; k++)
            out[i] = sth_madd(weight[k], row[(gssize)k * stride + (gssize)i], out[i]);
    }
}

/* 8 x 8 numbers. */
STH_FORCE_INLINE void transpose_block(float *out, gsize out_pitch, const float *in, gsize in_pitch)
{
    __m256 a[LANES], b[LANES];

    STH_UNROLL
    for (guint i = 0; i < LANES; i++)
        a[i] = _mm256_loadu_ps(in + i * in_pitch);
    STH_UNROLL
    for (guint i = 0; i < LANES; i += 2) { /* pairs: 00 10 01 11 | 04 14 05 15, 02 12 03 13 | 06 16 07 17 */
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    STH_UNROLL
    for (guint i = 0; i < LANES; i += 4) { /* fours: column 0 | 4, 1 | 5, 2 | 6, 3 | 7 of rows i…i+3 */
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], _MM_SHUFFLE(1, 0, 1, 0));
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], _MM_SHUFFLE(3, 2, 3, 2));
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], _MM_SHUFFLE(1, 0, 1, 0));
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], _MM_SHUFFLE(3, 2, 3, 2));
    }
    STH_UNROLL
    for (guint i = 0; i < 4; i++) {
        _mm256_storeu_ps(out + i * out_pitch, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(out + (i + 4) * out_pitch, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

void sth_transpose_avx2(float *out, gsize out_pitch, const float *in, gsize in_pitch, gsize rows, gsize cols)
{
    const gsize whole_rows = rows - rows % LANES, whole_cols = cols - cols % LANES;

    for (gsize i = 0; i < whole_rows; i += LANES)
        for (gsize j = 0; j < whole_cols; j += LANES)
            transpose_block(out + j * out_pitch + i, out_pitch, in + i * in_pitch + j, in_pitch);
    for (gsize i = 0; i < rows; i++)
        for (gsize j = i < whole_rows ? whole_cols : 0; j < cols; j++)
            out[j * out_pitch + i] = in[i * in_pitch + j];
}

/* @together outputs, so that their sums do not wait for one another. */
STH_FORCE_INLINE void resample_columns(float *out, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step,
                                       const guint together)
{
    __m256 sum[4];

    STH_UNROLL
    for (guint i = 0; i < together; i++)
        sum[i] = _mm256_setzero_ps();
    for (guint k = 0; k < n_taps; k++) {
        STH_UNROLL
        for (guint i = 0; i < together; i++)
            sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(weight[i * n_taps + k]), _mm256_loadu_ps(in + (offset[i] + (gsize)k * step) * LANES), sum[i]);
    }
    STH_UNROLL
    for (guint i = 0; i < together; i++)
        _mm256_storeu_ps(out + i * LANES, sum[i]);
}

void sth_column_resample_avx2(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step)
{
    gsize i = 0;

    G_STATIC_ASSERT(STH_RESIZE_ROWS == LANES);
    for (; i + 4 <= n; i += 4)
        resample_columns(out + i * LANES, in, offset + i, weight + i * n_taps, n_taps, step, 4);
    for (; i < n; i++)
        resample_columns(out + i * LANES, in, offset + i, weight + i * n_taps, n_taps, step, 1);
}

/* Component @c of the pixels whose components are @x. */
STH_FORCE_INLINE __m256 color_of(const __m256 x[3], const float m[3][4], const float lo[3], const float hi[3], const guint c)
{
    __m256 sum = _mm256_fmadd_ps(_mm256_set1_ps(m[c][0]), x[0], _mm256_set1_ps(m[c][3]));

    sum = _mm256_fmadd_ps(_mm256_set1_ps(m[c][1]), x[1], sum);
    sum = _mm256_fmadd_ps(_mm256_set1_ps(m[c][2]), x[2], sum);
    return sth_clamp_8(sum, _mm256_set1_ps(lo[c]), _mm256_set1_ps(hi[c]));
}

/* Masked stores take ten times as long as others on some CPUs (AMD's): only the last pixels are stored so. */
void sth_color_matrix_avx2(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3])
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES) {
        const __m256 x[3] = {_mm256_loadu_ps(in[0] + i), _mm256_loadu_ps(in[1] + i), _mm256_loadu_ps(in[2] + i)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            _mm256_storeu_ps(out[c] + i, color_of(x, m, lo, hi, c));
    }
    if (i < n) {
        const __m256i mask = sth_first_lanes_8(n - i);
        const __m256 x[3] = {_mm256_maskload_ps(in[0] + i, mask), _mm256_maskload_ps(in[1] + i, mask), _mm256_maskload_ps(in[2] + i, mask)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            _mm256_maskstore_ps(out[c] + i, mask, color_of(x, m, lo, hi, c));
    }
}
