/* gemm, tap_sum, every_second, gather for AVX2 with FMA.
 *
 * gemm makes its tile in blocks of 4 rows x 3 vectors: 12 sums, 3 vectors of B and a broadcast weight fill the 16 registers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2.h"
#include "kernels/kernels.h"

#define LANES 8
#define BLOCK_ROWS 4

/* Rows r0…r0+3, columns j0… of @vectors vectors, of which @last masks the last. */
STH_FORCE_INLINE void gemm_block(const SthGemmTile *tile, guint r0, guint j0, const guint vectors, const gboolean masked, __m256i last)
{
    const __m256 min = _mm256_set1_ps(tile->min), max = _mm256_set1_ps(tile->max);
    const float *a = tile->a + r0;
    __m256 sum[BLOCK_ROWS][3];

    STH_UNROLL
    for (guint r = 0; r < BLOCK_ROWS; r++) {
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            const float *c = tile->c + (r0 + r) * tile->ldc + j0 + v * LANES;

            sum[r][v] = _mm256_setzero_ps();
            if (tile->accumulate && r0 + r < tile->m)
                sum[r][v] = masked && v + 1 == vectors ? _mm256_maskload_ps(c, last) : _mm256_loadu_ps(c);
        }
    }
    for (guint i = 0; i < tile->n_runs; i++) {
        const float *b = tile->b + tile->runs[i].row * tile->ldb + j0;
        const float *ahead = tile->ahead && r0 + j0 == 0 ? tile->ahead + tile->runs[i].row * tile->ldb : NULL;

        for (guint k = tile->runs[i].count; k > 0; k--, a += STH_GEMM_ROWS, b += tile->ldb) {
            __m256 row[3];

            if (ahead) {
                __builtin_prefetch(ahead, 0, 2);
                ahead += tile->ldb;
            }
            STH_UNROLL
            for (guint v = 0; v < vectors; v++)
                row[v] = masked && v + 1 == vectors ? _mm256_maskload_ps(b + v * LANES, last) : _mm256_loadu_ps(b + v * LANES);
            STH_UNROLL
            for (guint r = 0; r < BLOCK_ROWS; r++) {
                const __m256 weight = _mm256_broadcast_ss(a + r);

                STH_UNROLL
                for (guint v = 0; v < vectors; v++)
                    sum[r][v] = _mm256_fmadd_ps(weight, row[v], sum[r][v]);
            }
        }
    }
    STH_UNROLL
    for (guint r = 0; r < BLOCK_ROWS; r++) {
        const guint i = r0 + r;

        if (i >= tile->m)
            continue; /* not break: clang would not unroll the loop and keep all sums in memory */
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            const gboolean part = masked && v + 1 == vectors;
            const gsize j = j0 + v * LANES;
            __m256 x = _mm256_add_ps(sum[r][v], _mm256_set1_ps(tile->bias ? tile->bias[i] : 0));

            if (tile->residual) {
                const float *residual = tile->residual + i * tile->ldr + j;

                x = _mm256_add_ps(x, part ? _mm256_maskload_ps(residual, last) : _mm256_loadu_ps(residual));
            }
            x = sth_clamp_8(x, min, max);
            if (part)
                _mm256_maskstore_ps(tile->c + i * tile->ldc + j, last, x);
            else
                _mm256_storeu_ps(tile->c + i * tile->ldc + j, x);
        }
    }
}

void sth_gemm_avx2(const SthGemmTile *tile)
{
    for (guint r = 0; r < tile->m; r += BLOCK_ROWS)
        for (guint j = 0; j < tile->n; j += 3 * LANES) {
            guint left = tile->n - j;

            if (left >= 3 * LANES)
                gemm_block(tile, r, j, 3, FALSE, _mm256_setzero_si256());
            else if (left > 2 * LANES)
                gemm_block(tile, r, j, 3, TRUE, sth_first_lanes_8(left - 2 * LANES));
            else if (left > LANES)
                gemm_block(tile, r, j, 2, TRUE, sth_first_lanes_8(left - LANES));
            else
                gemm_block(tile, r, j, 1, TRUE, sth_first_lanes_8(left));
        }
}

typedef struct {
    const float *const *tap;
    const float *weight;
    guint n_taps;
    gsize in_pitch, out_pitch;
    __m256 bias, min, max;
} TapSum;

/* @rows rows of one vector: as many chains of sums in flight. */
STH_FORCE_INLINE void tap_sum_block(const TapSum *s, float *out, gsize offset, gsize n, const guint rows)
{
    const __m256i mask = sth_first_lanes_8(MIN(n, LANES));
    const gboolean whole = n >= LANES;
    __m256 sum[4] = {s->bias, s->bias, s->bias, s->bias};

    for (guint k = 0; k < s->n_taps; k++) {
        const float *in = s->tap[k] + offset;
        const __m256 w = _mm256_broadcast_ss(s->weight + k);

        STH_UNROLL
        for (guint r = 0; r < rows; r++) {
            const float *row = in + r * s->in_pitch;

            sum[r] = _mm256_fmadd_ps(w, whole ? _mm256_loadu_ps(row) : _mm256_maskload_ps(row, mask), sum[r]);
        }
    }
    STH_UNROLL
    for (guint r = 0; r < rows; r++) {
        const __m256 x = sth_clamp_8(sum[r], s->min, s->max);

        if (whole)
            _mm256_storeu_ps(out + r * s->out_pitch, x);
        else
            _mm256_maskstore_ps(out + r * s->out_pitch, mask, x);
    }
}

void sth_tap_sum_avx2(float *out, gsize rows, gsize cols, gsize out_pitch, const float *const *tap, gsize in_pitch, const float *weight, guint n_taps,
                      float bias, float min, float max)
{
    const TapSum s = {tap, weight, n_taps, in_pitch, out_pitch, _mm256_set1_ps(bias), _mm256_set1_ps(min), _mm256_set1_ps(max)};
    gsize y = 0;

    for (; y + 4 <= rows; y += 4)
        for (gsize x = 0; x < cols; x += LANES)
            tap_sum_block(&s, out + y * out_pitch + x, y * in_pitch + x, cols - x, 4);
    for (; y < rows; y++)
        for (gsize x = 0; x < cols; x += LANES)
            tap_sum_block(&s, out + y * out_pitch + x, y * in_pitch + x, cols - x, 1);
}

STH_FORCE_INLINE void every_second(float *out, const float *in, gsize n)
{
    gsize i = 0;

    for (; i + LANES < n; i += LANES) { /* not the last: in[2n-1] must not be read */
        const __m256 mixed = _mm256_shuffle_ps(_mm256_loadu_ps(in + 2 * i), _mm256_loadu_ps(in + 2 * i + LANES), _MM_SHUFFLE(2, 0, 2, 0));

        _mm256_storeu_ps(out + i, _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0))));
    }
    for (; i < n; i++)
        out[i] = in[2 * i];
}

void sth_every_second_avx2(float *out, const float *in, gsize n)
{
    every_second(out, in, n);
}

STH_FORCE_INLINE void copy(float *out, const float *in, gsize n)
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(out + i, _mm256_loadu_ps(in + i));
    if (i < n)
        _mm256_maskstore_ps(out + i, sth_first_lanes_8(n - i), _mm256_maskload_ps(in + i, sth_first_lanes_8(n - i)));
}

#define GATHER sth_gather_avx2
#include "kernels/gather_body.h"
