/* gemm, tap_sum, every_second, gather for 64-bit Arm.
 *
 * gemm makes its tile in blocks of 8 rows x 3 vectors: 24 sums, 3 vectors of B and 2 of weights, which are multiplied by lane, of 32 registers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/neon.h"

#define LANES 4
#define VECTORS 3

G_STATIC_ASSERT(STH_GEMM_ROWS == 2 * LANES);

/* Columns j0… of @vectors vectors, of the last of which @last lanes count. */
STH_FORCE_INLINE void gemm_block(const SthGemmTile *tile, guint j0, const guint vectors, guint last)
{
    const float32x4_t min = vdupq_n_f32(tile->min), max = vdupq_n_f32(tile->max);
    const gboolean partial = last < LANES;
    const float *a = tile->a;
    float32x4_t sum[STH_GEMM_ROWS][VECTORS];

    STH_UNROLL
    for (guint r = 0; r < STH_GEMM_ROWS; r++) {
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            const float *c = tile->c + r * tile->ldc + j0 + v * LANES;

            sum[r][v] = vdupq_n_f32(0);
            if (tile->accumulate && r < tile->m)
                sum[r][v] = partial && v + 1 == vectors ? sth_load_first_4(c, last) : vld1q_f32(c);
        }
    }
    for (guint i = 0; i < tile->n_runs; i++) {
        const float *b = tile->b + tile->runs[i].row * tile->ldb + j0;

        for (guint k = tile->runs[i].count; k > 0; k--, a += STH_GEMM_ROWS, b += tile->ldb) {
            const float32x4_t low = vld1q_f32(a), high = vld1q_f32(a + LANES);

            STH_UNROLL
            for (guint v = 0; v < vectors; v++) {
                const float32x4_t x = partial && v + 1 == vectors ? sth_load_first_4(b + v * LANES, last) : vld1q_f32(b + v * LANES);

                sum[0][v] = vfmaq_laneq_f32(sum[0][v], x, low, 0);
                sum[1][v] = vfmaq_laneq_f32(sum[1][v], x, low, 1);
                sum[2][v] = vfmaq_laneq_f32(sum[2][v], x, low, 2);
                sum[3][v] = vfmaq_laneq_f32(sum[3][v], x, low, 3);
                sum[4][v] = vfmaq_laneq_f32(sum[4][v], x, high, 0);
                sum[5][v] = vfmaq_laneq_f32(sum[5][v], x, high, 1);
                sum[6][v] = vfmaq_laneq_f32(sum[6][v], x, high, 2);
                sum[7][v] = vfmaq_laneq_f32(sum[7][v], x, high, 3);
            }
        }
    }
    STH_UNROLL
    for (guint r = 0; r < STH_GEMM_ROWS; r++) {
        if (r >= tile->m)
            continue; /* not break: the sums would have to be in memory */
        STH_UNROLL
        for (guint v = 0; v < vectors; v++) {
            const gboolean part = partial && v + 1 == vectors;
            const gsize j = j0 + v * LANES;
            float32x4_t x = vaddq_f32(sum[r][v], vdupq_n_f32(tile->bias ? tile->bias[r] : 0));

            if (tile->residual) {
                const float *residual = tile->residual + r * tile->ldr + j;

                x = vaddq_f32(x, part ? sth_load_first_4(residual, last) : vld1q_f32(residual));
            }
            x = sth_clamp_4(x, min, max);
            if (part)
                sth_store_first_4(tile->c + r * tile->ldc + j, x, last);
            else
                vst1q_f32(tile->c + r * tile->ldc + j, x);
        }
    }
}

void sth_gemm_neon(const SthGemmTile *tile)
{
    for (guint j = 0; j < tile->n; j += VECTORS * LANES) {
        const guint left = tile->n - j, last = (left - 1) % LANES + 1;

        if (left >= VECTORS * LANES)
            gemm_block(tile, j, VECTORS, LANES);
        else if (left > 2 * LANES)
            gemm_block(tile, j, 3, last);
        else if (left > LANES)
            gemm_block(tile, j, 2, last);
        else
            gemm_block(tile, j, 1, last);
    }
}

typedef struct {
    const float *const *tap;
    const float *weight;
    guint n_taps;
    gsize in_pitch, out_pitch;
    float32x4_t bias, min, max;
} TapSum;

/* @rows rows of one vector: as many chains of sums in flight. */
STH_FORCE_INLINE void tap_sum_block(const TapSum *s, float *out, gsize offset, gsize n, const guint rows)
{
    const gboolean whole = n >= LANES;
    float32x4_t sum[4] = {s->bias, s->bias, s->bias, s->bias};

    for (guint k = 0; k < s->n_taps; k++) {
        const float *in = s->tap[k] + offset;
        const float32x4_t w = vld1q_dup_f32(s->weight + k);

        STH_UNROLL
        for (guint r = 0; r < rows; r++) {
            const float *row = in + r * s->in_pitch;

            sum[r] = vfmaq_f32(sum[r], w, whole ? vld1q_f32(row) : sth_load_first_4(row, n));
        }
    }
    STH_UNROLL
    for (guint r = 0; r < rows; r++) {
        const float32x4_t x = sth_clamp_4(sum[r], s->min, s->max);

        if (whole)
            vst1q_f32(out + r * s->out_pitch, x);
        else
            sth_store_first_4(out + r * s->out_pitch, x, n);
    }
}

void sth_tap_sum_neon(float *out, gsize rows, gsize cols, gsize out_pitch, const float *const *tap, gsize in_pitch, const float *weight, guint n_taps,
                      float bias, float min, float max)
{
    const TapSum s = {tap, weight, n_taps, in_pitch, out_pitch, vdupq_n_f32(bias), vdupq_n_f32(min), vdupq_n_f32(max)};
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

    for (; i + LANES < n; i += LANES) /* not the last: in[2n-1] must not be read */
        vst1q_f32(out + i, vld2q_f32(in + 2 * i).val[0]);
    for (; i < n; i++)
        out[i] = in[2 * i];
}

void sth_every_second_neon(float *out, const float *in, gsize n)
{
    every_second(out, in, n);
}

STH_FORCE_INLINE void copy(float *out, const float *in, gsize n)
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES)
        vst1q_f32(out + i, vld1q_f32(in + i));
    for (; i < n; i++)
        out[i] = in[i];
}

#define GATHER sth_gather_neon
#include "kernels/gather_body.h"
