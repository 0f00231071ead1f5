/* gemm, tap_sum, every_second, gather for AVX-512.
 *
 * gemm keeps 8 rows x 3 vectors of sums in 24 of the 32 registers; each row of B costs 3 loads and 8 broadcasts for 24 multiply-adds.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512.h"
#include "kernels/kernels.h"

#define LANES 16

/* The tile with @vectors vectors a row; @last masks the last one. */
STH_FORCE_INLINE void gemm_tile(const SthGemmTile *in, const guint vectors, const __mmask16 last)
{
    const SthGemmTile t = *in, *tile = &t; /* so that stores to C cannot change it */
    const __m512 min = _mm512_set1_ps(tile->min), max = _mm512_set1_ps(tile->max);
    const float *a = tile->a;
    __m512 sum[STH_GEMM_ROWS][3];

    STH_UNROLL
    for (guint r = 0; r < STH_GEMM_ROWS; r++) {
        STH_UNROLL
        for (guint v = 0; v < vectors; v++)
            sum[r][v] = _mm512_setzero_ps();
    }
    for (guint r = 0; r < tile->m; r++) { /* what the end needs comes while the sums are made */
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            __builtin_prefetch(tile->c + r * tile->ldc + v * LANES, 1);
            if (tile->residual)
                __builtin_prefetch(tile->residual + r * tile->ldr + v * LANES);
        }
    }
    if (tile->accumulate) {
        STH_UNROLL
        for (guint r = 0; r < STH_GEMM_ROWS; r++) {
            STH_UNROLL
            for (guint v = 0; v < vectors; v++)
                sum[r][v] = _mm512_maskz_loadu_ps(r >= tile->m ? 0 : v + 1 == vectors ? last : 0xffff, tile->c + r * tile->ldc + v * LANES);
        }
    }
    for (guint i = 0; i < tile->n_runs; i++) {
        const float *b = tile->b + tile->runs[i].row * tile->ldb, *ahead = tile->ahead ? tile->ahead + tile->runs[i].row * tile->ldb : NULL;

        for (guint k = tile->runs[i].count; k > 0; k--, a += STH_GEMM_ROWS, b += tile->ldb) {
            __m512 row[3];

            __builtin_prefetch(a + 1024);
            if (ahead) {
                __builtin_prefetch(ahead, 0, 2);
                ahead += tile->ldb;
            }
            STH_UNROLL
            for (guint v = 0; v < vectors; v++)
                row[v] = v + 1 == vectors ? _mm512_maskz_loadu_ps(last, b + v * LANES) : _mm512_loadu_ps(b + v * LANES);
            STH_UNROLL
            for (guint r = 0; r < STH_GEMM_ROWS; r++) {
                const __m512 weight = _mm512_set1_ps(a[r]);

                STH_UNROLL
                for (guint v = 0; v < vectors; v++)
                    sum[r][v] = _mm512_fmadd_ps(weight, row[v], sum[r][v]);
            }
        }
    }
    STH_UNROLL
    for (guint r = 0; r < STH_GEMM_ROWS; r++) {
        const __m512 bias = _mm512_set1_ps(tile->bias ? tile->bias[r] : 0);

        if (r >= tile->m)
            continue; /* not break: clang would not unroll the loop and keep all sums in memory */
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            const __mmask16 mask = v + 1 == vectors ? last : 0xffff;
            __m512 x = _mm512_add_ps(sum[r][v], bias);

            if (tile->residual)
                x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(mask, tile->residual + r * tile->ldr + v * LANES));
            _mm512_mask_storeu_ps(tile->c + r * tile->ldc + v * LANES, mask, sth_clamp_16(x, min, max));
        }
    }
}

void sth_gemm_avx512(const SthGemmTile *tile)
{
    if (tile->n == STH_GEMM_COLS)
        gemm_tile(tile, 3, 0xffff);
    else if (tile->n > 2 * LANES)
        gemm_tile(tile, 3, sth_first_lanes_16(tile->n - 2 * LANES));
    else if (tile->n > LANES)
        gemm_tile(tile, 2, sth_first_lanes_16(tile->n - LANES));
    else
        gemm_tile(tile, 1, sth_first_lanes_16(tile->n));
}

/* @rows rows of one vector: as many chains of sums in flight. */
STH_FORCE_INLINE void tap_sum_block(float *out, gsize out_pitch, const float *const *tap, gsize offset, gsize in_pitch, const float *weight,
                                    guint n_taps, __m512 bias, __m512 min, __m512 max, __mmask16 mask, const guint rows)
{
    __m512 sum[4] = {bias, bias, bias, bias};

    for (guint k = 0; k < n_taps; k++) {
        const float *in = tap[k] + offset;
        const __m512 w = _mm512_set1_ps(weight[k]);

        STH_UNROLL
        for (guint r = 0; r < rows; r++)
            sum[r] = _mm512_fmadd_ps(w, _mm512_maskz_loadu_ps(mask, in + r * in_pitch), sum[r]);
    }
    STH_UNROLL
    for (guint r = 0; r < rows; r++)
        _mm512_mask_storeu_ps(out + r * out_pitch, mask, sth_clamp_16(sum[r], min, max));
}

void sth_tap_sum_avx512(float *out, gsize rows, gsize cols, gsize out_pitch, const float *const *tap, gsize in_pitch, const float *weight,
                        guint n_taps, float bias, float min, float max)
{
    const __m512 b = _mm512_set1_ps(bias), lo = _mm512_set1_ps(min), hi = _mm512_set1_ps(max);
    gsize y = 0;

    for (; y + 4 <= rows; y += 4)
        for (gsize x = 0; x < cols; x += LANES)
            tap_sum_block(out + y * out_pitch + x, out_pitch, tap, y * in_pitch + x, in_pitch, weight, n_taps, b, lo, hi,
                          sth_first_lanes_16(cols - x), 4);
    for (; y < rows; y++)
        for (gsize x = 0; x < cols; x += LANES)
            tap_sum_block(out + y * out_pitch + x, out_pitch, tap, y * in_pitch + x, in_pitch, weight, n_taps, b, lo, hi,
                          sth_first_lanes_16(cols - x), 1);
}

STH_FORCE_INLINE void every_second(float *out, const float *in, gsize n)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    gsize i = 0;

    for (; i + LANES < n; i += LANES) /* not the last: in[2n-1] must not be read */
        _mm512_storeu_ps(out + i, _mm512_permutex2var_ps(_mm512_loadu_ps(in + 2 * i), even, _mm512_loadu_ps(in + 2 * i + LANES)));
    if (i < n) {
        const gsize left = 2 * (n - i) - 1; /* floats, 1…31 */
        const __m512 low = _mm512_maskz_loadu_ps(sth_first_lanes_16(left), in + 2 * i);
        const __m512 high = _mm512_maskz_loadu_ps(sth_first_lanes_16(left > LANES ? left - LANES : 0), in + 2 * i + LANES);

        _mm512_mask_storeu_ps(out + i, sth_first_lanes_16(n - i), _mm512_permutex2var_ps(low, even, high));
    }
}

void sth_every_second_avx512(float *out, const float *in, gsize n)
{
    every_second(out, in, n);
}

/* Each of the lowest eight bits to twice its place. */
STH_FORCE_INLINE __mmask16 spread(guint bits)
{
    bits = (bits | bits << 4) & 0x0f0f;
    bits = (bits | bits << 2) & 0x3333;
    return (__mmask16)((bits | bits << 1) & 0x5555);
}

/* Sixteen columns of a piece, @at from its beginning on, of all rows: numbers where @numbers has bits, else zeros; @stride is 1 or 2, known when
 * compiling. */
STH_FORCE_INLINE void gather_lanes(const SthGatherRows *rows, const gsize stride, const SthGatherPiece *piece, guint32 at, __mmask16 lanes,
                                   __mmask16 numbers)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const float *from = rows->in + piece->from + ((gssize)at - (gssize)piece->before) * (gssize)stride;
    float *to = rows->out + piece->panel * rows->panel_step + piece->column + at;
    const __mmask16 low = spread(numbers & 0xffu), high = spread(numbers >> 8);

    for (guint r = 0; r < rows->n_rows; r++, from += rows->in_step, to += rows->out_step)
        if (stride == 1)
            _mm512_mask_storeu_ps(to, lanes, _mm512_maskz_loadu_ps(numbers, from));
        else
            _mm512_mask_storeu_ps(to, lanes,
                                  _mm512_permutex2var_ps(_mm512_maskz_loadu_ps(low, from), even, _mm512_maskz_loadu_ps(high, from + LANES)));
}

STH_FORCE_INLINE void gather_piece(const SthGatherRows *rows, const gsize stride, const SthGatherPiece *piece)
{
    const guint32 end = piece->before + piece->n, width = end + piece->after;

    for (guint32 at = 0; at < width; at += LANES) {
        const __mmask16 before = sth_first_lanes_16(piece->before > at ? piece->before - at : 0);

        gather_lanes(rows, stride, piece, at, sth_first_lanes_16(width - at), sth_first_lanes_16(end > at ? end - at : 0) & (__mmask16)~before);
    }
}

void sth_gather_avx512(const SthGatherRows *rows, gsize stride)
{
    if (stride > 2) {
        sth_gather_c(rows, stride);
        return;
    }
    for (guint k = 0; k < rows->n_pieces; k++)
        if (stride == 1)
            gather_piece(rows, 1, &rows->pieces[k]);
        else
            gather_piece(rows, 2, &rows->pieces[k]);
}
