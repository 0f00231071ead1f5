/* row_blend, transpose, column_resample, color_matrix in plain C. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/scalar.h"

void sth_row_blend_c(float *out, const guint8 *row, gssize stride, gsize n, const float *weight, guint n_taps)
{
    for (gsize i = 0; i < n; i++)
        out[i] = weight[0] * row[i];
    for (guint k = 1; k < n_taps; k++)
        for (gsize i = 0; i < n; i++)
            out[i] = sth_madd(weight[k], row[(gssize)k * stride + (gssize)i], out[i]);
}

void sth_transpose_c(float *out, gsize out_pitch, const float *in, gsize in_pitch, gsize rows, gsize cols)
{
    for (gsize i = 0; i < rows; i++)
        for (gsize j = 0; j < cols; j++)
            out[j * out_pitch + i] = in[i * in_pitch + j];
}

void sth_column_resample_c(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step)
{
    for (gsize i = 0; i < n; i++) {
        float sum[STH_RESIZE_ROWS] = {0};

        for (guint k = 0; k < n_taps; k++)
            for (guint r = 0; r < STH_RESIZE_ROWS; r++)
                sum[r] = sth_madd(weight[i * n_taps + k], in[(offset[i] + (gsize)k * step) * STH_RESIZE_ROWS + r], sum[r]);
        for (guint r = 0; r < STH_RESIZE_ROWS; r++)
            out[i * STH_RESIZE_ROWS + r] = sum[r];
    }
}

void sth_color_matrix_c(float *const out[3], const float *const in[3], gsize n, const float m[3][4], const float lo[3], const float hi[3])
{
    for (guint c = 0; c < 3; c++)
        for (gsize i = 0; i < n; i++) {
            float x = sth_madd(m[c][2], in[2][i], sth_madd(m[c][1], in[1][i], sth_madd(m[c][0], in[0][i], m[c][3])));

            out[c][i] = sth_clamp(x, lo[c], hi[c]);
        }
}
