/* What the checkers of kernels share. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "checks.h"

#define EPSILON 1.2e-7

GRand *dice;

float random_float(gboolean extreme)
{
    static const float extremes[] = {0, -0.f, 1e-40f, -1e-40f, 1e15f, -1e15f, 1e-20f, INFINITY, -INFINITY, NAN};

    if (extreme && g_rand_int_range(dice, 0, 8) == 0)
        return extremes[g_rand_int_range(dice, 0, G_N_ELEMENTS(extremes))];
    return (float)g_rand_double_range(dice, -2, 2);
}

float *make(EdgeBuffer *buffer, gsize n, gboolean extreme)
{
    edge_buffer_init(buffer, n * sizeof(float));
    for (gsize i = 0; i < n; i++)
        ((float *)buffer->data)[i] = random_float(extreme);
    return (float *)buffer->data;
}

void fill(float *x, gsize n, float value)
{
    for (gsize i = 0; i < n; i++)
        x[i] = value;
}

static gboolean close_enough(float a, float b, double magnitude, gsize terms)
{
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
        return (isnan(a) && isnan(b)) || a == b;
    return fabs((double)a - b) <= (double)terms * EPSILON * magnitude + 1e-37;
}

void assert_same(const SthKernelRow *row, const float *a, const float *b, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (!close_enough(a[i], b[i], 0, 0) || (a[i] != b[i] && !isnan(a[i])))
            g_error("%s: [%" G_GSIZE_FORMAT "] of %" G_GSIZE_FORMAT " is %.9g, not %.9g", row->name, i, n, (double)a[i], (double)b[i]);
}

void assert_close(const SthKernelRow *row, const float *a, const float *b, const double *magnitude, gsize terms, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (!close_enough(a[i], b[i], magnitude[i], terms))
            g_error("%s: [%" G_GSIZE_FORMAT "] of %" G_GSIZE_FORMAT " is %.9g, not %.9g", row->name, i, n, (double)a[i], (double)b[i]);
}

void random_clamp(float *min, float *max)
{
    gboolean open = g_rand_boolean(dice);

    *min = open ? -INFINITY : (float)g_rand_double_range(dice, -3, 0);
    *max = open ? INFINITY : (float)g_rand_double_range(dice, 0, 3);
}
