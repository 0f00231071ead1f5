/* row_blend, transpose, column_resample, color_matrix for 64-bit Arm. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/neon.h"
#include "kernels/scalar.h"

#define LANES 4
#define BYTES 16 /* of a vector of them */

/* Sixteen columns: all taps of them while the sums stay in registers. */
STH_FORCE_INLINE void blend_columns(float *out, const guint8 *row, gssize stride, const float *weight, guint n_taps)
{
    float32x4_t sum[BYTES / LANES];

    STH_UNROLL
    for (guint v = 0; v < BYTES / LANES; v++)
        sum[v] = vdupq_n_f32(0);
    for (guint k = 0; k < n_taps; k++, row += stride) {
        const uint8x16_t bytes = vld1q_u8(row);
        const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_high_u8(bytes);
        const float32x4_t x[] = {vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_high_u16(low)),
                                 vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))), vcvtq_f32_u32(vmovl_high_u16(high))};
        const float32x4_t w = vld1q_dup_f32(weight + k);

        STH_UNROLL
        for (guint v = 0; v < BYTES / LANES; v++)
            sum[v] = vfmaq_f32(sum[v], w, x[v]);
    }
    STH_UNROLL
    for (guint v = 0; v < BYTES / LANES; v++)
        vst1q_f32(out + v * LANES, sum[v]);
}

void sth_row_blend_neon(float *out, const guint8 *row, gssize stride, gsize n, const float *weight, guint n_taps)
{
    gsize i = 0;

    for (; i + BYTES <= n; i += BYTES)
        blend_columns(out + i, row + i, stride, weight, n_taps);
    for (; i < n; i++) {
        out[i] = weight[0] * row[i];
        for (guint k = 1; k < n_taps; k++)
            out[i] = sth_madd(weight[k], row[(gssize)k * stride + (gssize)i], out[i]);
    }
}

/* 4 x 4 numbers. */
STH_FORCE_INLINE void transpose_block(float *out, gsize out_pitch, const float *in, gsize in_pitch)
{
    const float32x4x2_t a = vtrnq_f32(vld1q_f32(in), vld1q_f32(in + in_pitch));
    const float32x4x2_t b = vtrnq_f32(vld1q_f32(in + 2 * in_pitch), vld1q_f32(in + 3 * in_pitch));

    STH_UNROLL
    for (guint i = 0; i < 2; i++) {
        vst1q_f32(out + i * out_pitch, vcombine_f32(vget_low_f32(a.val[i]), vget_low_f32(b.val[i])));
        vst1q_f32(out + (i + 2) * out_pitch, vcombine_f32(vget_high_f32(a.val[i]), vget_high_f32(b.val[i])));
    }
}

void sth_transpose_neon(float *out, gsize out_pitch, const float *in, gsize in_pitch, gsize rows, gsize cols)
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
    float32x4_t low[4], high[4];

    STH_UNROLL
    for (guint i = 0; i < together; i++)
        low[i] = high[i] = vdupq_n_f32(0);
    for (guint k = 0; k < n_taps; k++) {
        STH_UNROLL
        for (guint i = 0; i < together; i++) {
            const float *x = in + (offset[i] + (gsize)k * step) * STH_RESIZE_ROWS;
            const float32x4_t w = vld1q_dup_f32(weight + i * n_taps + k);

            low[i] = vfmaq_f32(low[i], w, vld1q_f32(x));
            high[i] = vfmaq_f32(high[i], w, vld1q_f32(x + LANES));
        }
    }
    STH_UNROLL
    for (guint i = 0; i < together; i++) {
        vst1q_f32(out + i * STH_RESIZE_ROWS, low[i]);
        vst1q_f32(out + i * STH_RESIZE_ROWS + LANES, high[i]);
    }
}

void sth_column_resample_neon(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step)
{
    gsize i = 0;

    G_STATIC_ASSERT(STH_RESIZE_ROWS == 2 * LANES);
    for (; i + 4 <= n; i += 4)
        resample_columns(out + i * STH_RESIZE_ROWS, in, offset + i, weight + i * n_taps, n_taps, step, 4);
    for (; i < n; i++)
        resample_columns(out + i * STH_RESIZE_ROWS, in, offset + i, weight + i * n_taps, n_taps, step, 1);
}

/* Component @c of the pixels whose components are @x. */
STH_FORCE_INLINE float32x4_t color_of(const float32x4_t x[3], const float m[3][4], const float lo[3], const float hi[3], const guint c)
{
    float32x4_t sum = vfmaq_f32(vdupq_n_f32(m[c][3]), vdupq_n_f32(m[c][0]), x[0]);

    sum = vfmaq_f32(sum, vdupq_n_f32(m[c][1]), x[1]);
    sum = vfmaq_f32(sum, vdupq_n_f32(m[c][2]), x[2]);
    return sth_clamp_4(sum, vdupq_n_f32(lo[c]), vdupq_n_f32(hi[c]));
}

void sth_color_matrix_neon(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3])
{
    gsize i = 0;

    for (; i + LANES <= n; i += LANES) {
        const float32x4_t x[3] = {vld1q_f32(in[0] + i), vld1q_f32(in[1] + i), vld1q_f32(in[2] + i)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            vst1q_f32(out[c] + i, color_of(x, m, lo, hi, c));
    }
    if (i < n) {
        const float32x4_t x[3] = {sth_load_first_4(in[0] + i, n - i), sth_load_first_4(in[1] + i, n - i), sth_load_first_4(in[2] + i, n - i)};

        STH_UNROLL
        for (guint c = 0; c < 3; c++)
            sth_store_first_4(out[c] + i, color_of(x, m, lo, hi, c), n - i);
    }
}
