/* add_clamp, scale_shift, maximum, sum in plain C. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/scalar.h"

void sth_add_clamp_c(float *out, const float *a, const float *b, gsize n, float min, float max)
{
    for (gsize i = 0; i < n; i++)
        out[i] = sth_clamp(a[i] + b[i], min, max);
}

void sth_scale_shift_c(float *out, const float *a, gsize n, float scale, float shift, float min, float max)
{
    for (gsize i = 0; i < n; i++)
        out[i] = sth_clamp(sth_madd(a[i], scale, shift), min, max);
}

void sth_maximum_c(float *out, const float *a, const float *b, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] = sth_maximum(a[i], b[i]);
}

float sth_sum_c(const float *x, gsize n)
{
    float partial[16] = {0};
    gsize i = 0;

    for (; i + 16 <= n; i += 16)
        for (gsize lane = 0; lane < 16; lane++)
            partial[lane] += x[i + lane];
    for (gsize lane = 0; i + lane < n; lane++)
        partial[lane] += x[i + lane];
    return sth_fold_16(partial);
}
