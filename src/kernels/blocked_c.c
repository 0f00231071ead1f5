/* Kernels on blocks of channels in plain C. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/scalar.h"

#define B STH_BLOCK
#define P STH_WINOGRAD_A
#define Q STH_WINOGRAD_B

static void panel_block(const SthPanel *panel, const float *weights, const float *bias, float *c)
{
    for (gsize i = 0; i < panel->n; i++) {
        const float *a = weights;
        float sum[B];

        for (guint l = 0; l < B; l++)
            sum[l] = panel->accumulate ? c[i * B + l] : bias ? bias[l] : 0;
        for (guint r = 0; r < panel->n_runs; r++) {
            const float *b = panel->b + panel->runs[r].offset + i * panel->step;

            for (guint k = 0; k < panel->runs[r].count; k++, a += B, b += panel->row_step)
                for (guint l = 0; l < B; l++)
                    sum[l] = sth_madd(*b, a[l], sum[l]);
        }
        for (guint l = 0; l < B; l++)
            c[i * B + l] = sth_clamp(sum[l], panel->min, panel->max);
    }
}

void sth_panel_c(const SthPanel *panel)
{
    panel_block(panel, panel->a, panel->bias, panel->c);
    if (panel->a2)
        panel_block(panel, panel->a2, panel->bias2, panel->c2);
}

void sth_depthwise_c(float *out, gsize n, const float *const *tap, gsize step, const float *weight, guint n_taps, const float *bias, float min,
                     float max)
{
    for (gsize i = 0; i < n; i++) {
        float sum[B];

        for (guint l = 0; l < B; l++)
            sum[l] = bias[l];
        for (guint k = 0; k < n_taps; k++)
            for (guint l = 0; l < B; l++)
                sum[l] = sth_madd(weight[k * B + l], tap[k][i * step + l], sum[l]);
        for (guint l = 0; l < B; l++)
            out[i * B + l] = sth_clamp(sum[l], min, max);
    }
}

void sth_block_maximum_c(float *out, gsize n, const float *const *tap, gsize step, guint n_taps)
{
    for (gsize i = 0; i < n; i++)
        for (guint l = 0; l < B; l++) {
            float most = tap[0][i * step + l];

            for (guint k = 1; k < n_taps; k++)
                most = sth_maximum(most, tap[k][i * step + l]);
            out[i * B + l] = most;
        }
}

void sth_to_blocked_c(float *out, const float *in, gsize in_step, guint channels, gsize n)
{
    for (gsize i = 0; i < n; i++)
        for (guint l = 0; l < B; l++)
            out[i * B + l] = l < channels ? in[l * in_step + i] : 0;
}

void sth_from_blocked_c(float *out, gsize out_step, const float *in, const float *residual, guint channels, gsize n, float min, float max)
{
    for (guint l = 0; l < channels; l++)
        for (gsize i = 0; i < n; i++)
            out[l * out_step + i] = sth_clamp(in[i * B + l] + (residual ? residual[l * out_step + i] : 0), min, max);
}

/* y = B^T x, y and x with as many floats between their six numbers. */
static void transform_6(float *y, gsize y_step, const float *x, gsize x_step)
{
    static const float matrix[6][6] = {{P * P * Q * Q, 0, -(P * P + Q * Q), 0, 1, 0},
                                       {0, -P * Q * Q, -Q * Q, P, 1, 0},
                                       {0, P * Q * Q, -Q * Q, -P, 1, 0},
                                       {0, -Q * P * P, -P * P, Q, 1, 0},
                                       {0, Q * P * P, -P * P, -Q, 1, 0},
                                       {0, P * P * Q * Q, 0, -(P * P + Q * Q), 0, 1}};

    for (guint i = 0; i < 6; i++)
        for (guint l = 0; l < B; l++) {
            float sum = 0;

            for (guint k = 0; k < 6; k++)
                if (matrix[i][k] != 0) /* 0 times infinity is not meant */
                    sum = sth_madd(matrix[i][k], x[k * x_step + l], sum);
            y[i * y_step + l] = sum;
        }
}

void sth_winograd_input_c(float *v, gsize v_step, const float *x, gsize pitch)
{
    float t[6][6][B];

    for (guint j = 0; j < 6; j++)
        transform_6(t[0][j], 6 * B, x + j * B, pitch);
    for (guint i = 0; i < 6; i++)
        transform_6(v + 6 * i * v_step, v_step, t[i][0], B);
}

/* y += A^T x, or y = A^T x. */
static void transform_4(float *y, gsize y_step, const float *x, gsize x_step, gboolean add)
{
    static const float matrix[4][6] = {
        {1, 1, 1, 1, 1, 0}, {0, P, -P, Q, -Q, 0}, {0, P * P, P * P, Q * Q, Q * Q, 0}, {0, P * P * P, -P * P * P, Q * Q * Q, -Q * Q * Q, 1}};

    for (guint i = 0; i < 4; i++)
        for (guint l = 0; l < B; l++) {
            float sum = 0;

            for (guint k = 0; k < 6; k++)
                if (matrix[i][k] != 0)
                    sum = sth_madd(matrix[i][k], x[k * x_step + l], sum);
            y[i * y_step + l] = add ? y[i * y_step + l] + sum : sum;
        }
}

void sth_winograd_output_c(float *y, gsize pitch, const float *m, gsize m_step)
{
    float t[4][6][B];

    for (guint j = 0; j < 6; j++)
        transform_4(t[0][j], 6 * B, m + j * m_step, 6 * m_step, FALSE);
    for (guint i = 0; i < 4; i++)
        transform_4(y + i * pitch, B, t[i][0], B, TRUE);
}
