/* row_accumulate, row_resample, color_matrix in plain C. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/scalar.h"

void sth_row_accumulate_c(float *acc, const guint8 *row, gsize n, float weight, gboolean first)
{
    if (first)
        for (gsize i = 0; i < n; i++)
            acc[i] = weight * row[i];
    else
        for (gsize i = 0; i < n; i++)
            acc[i] = sth_madd(weight, row[i], acc[i]);
}

void sth_row_resample_c(float *out, gsize n, const float *in, const guint32 *offset, const float *weight, guint n_taps, guint step)
{
    for (gsize i = 0; i < n; i++) {
        float sum = 0;

        for (guint k = 0; k < n_taps; k++)
            sum = sth_madd(weight[i * n_taps + k], in[offset[i] + (gsize)k * step], sum);
        out[i] = sum;
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
