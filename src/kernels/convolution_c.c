/* gemm, tap_sum, every_second in plain C. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define BLOCK_ROWS 4
#define BLOCK_COLS 8

/* Rows r0…r0+3 of columns j0…j0+n-1, n <= 8. With n a constant the compiler keeps sums in registers. */
static inline void gemm_block(const SthGemmTile *tile, guint r0, guint j0, guint n)
{
    float sum[BLOCK_ROWS][BLOCK_COLS] = {{0}};
    const float *a = tile->a + r0;
    guint m = MIN(BLOCK_ROWS, tile->m - r0);

    if (tile->accumulate)
        for (guint r = 0; r < m; r++)
            for (guint j = 0; j < n; j++)
                sum[r][j] = tile->c[(r0 + r) * tile->ldc + j0 + j];
    for (guint i = 0; i < tile->n_runs; i++) {
        const float *b = tile->b + tile->runs[i].row * tile->ldb + j0;

        for (guint k = 0; k < tile->runs[i].count; k++, a += STH_GEMM_ROWS, b += tile->ldb)
            for (guint r = 0; r < BLOCK_ROWS; r++)
                for (guint j = 0; j < n; j++)
                    sum[r][j] = sth_madd(a[r], b[j], sum[r][j]);
    }
    for (guint r = 0; r < m; r++) {
        float bias = tile->bias ? tile->bias[r0 + r] : 0;
        const float *residual = tile->residual ? tile->residual + (r0 + r) * tile->ldr + j0 : NULL;

        for (guint j = 0; j < n; j++) {
            float x = sum[r][j] + bias;

            tile->c[(r0 + r) * tile->ldc + j0 + j] = sth_clamp(residual ? x + residual[j] : x, tile->min, tile->max);
        }
    }
}

void sth_gemm_c(const SthGemmTile *tile)
{
    for (guint r = 0; r < tile->m; r += BLOCK_ROWS)
        for (guint j = 0; j < tile->n; j += BLOCK_COLS) {
            if (tile->n - j >= BLOCK_COLS)
                gemm_block(tile, r, j, BLOCK_COLS);
            else
                gemm_block(tile, r, j, tile->n - j);
        }
}

void sth_tap_sum_c(float *out, gsize rows, gsize cols, gsize out_pitch, const float *const *tap, gsize in_pitch, const float *weight, guint n_taps,
                   float bias, float min, float max)
{
    for (gsize y = 0; y < rows; y++) {
        float *row = out + y * out_pitch;

        for (gsize x = 0; x < cols; x++)
            row[x] = bias;
        for (guint k = 0; k < n_taps; k++) {
            const float *in = tap[k] + y * in_pitch;

            for (gsize x = 0; x < cols; x++)
                row[x] = sth_madd(weight[k], in[x], row[x]);
        }
        for (gsize x = 0; x < cols; x++)
            row[x] = sth_clamp(row[x], min, max);
    }
}

void sth_every_second_c(float *out, const float *in, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] = in[2 * i];
}

void sth_gather_c(const SthGatherRows *rows, gsize stride)
{
    for (guint r = 0; r < rows->n_rows; r++)
        for (guint k = 0; k < rows->n_pieces; k++) {
            const SthGatherPiece *piece = &rows->pieces[k];
            const float *from = rows->in + r * rows->in_step + piece->from;
            float *to = rows->out + r * rows->out_step + piece->panel * rows->panel_step + piece->column;

            for (guint32 i = 0; i < piece->before + piece->n + piece->after; i++)
                to[i] = i >= piece->before && i < piece->before + piece->n ? from[(i - piece->before) * stride] : 0;
        }
}
