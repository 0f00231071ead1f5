/* Checkers of the kernels on blocks of channels. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "checks.h"

#define B STH_BLOCK

/* Two buffers with the same numbers: for the plain C row and for the one that is checked. */
static void make_pair(EdgeBuffer buffer[2], float *x[2], gsize n)
{
    x[0] = make(&buffer[0], n, FALSE);
    x[1] = make(&buffer[1], n, FALSE);
    memcpy(x[1], x[0], n * sizeof(float));
}

static void clear_pair(EdgeBuffer buffer[2])
{
    edge_buffer_check(&buffer[1]);
    edge_buffer_clear(&buffer[0]);
    edge_buffer_clear(&buffer[1]);
}

/* What the numbers that are summed for each result come to. */
static void add_magnitudes(const SthPanel *panel, const float *weights, double *magnitude)
{
    for (guint i = 0; i < panel->n; i++)
        for (guint l = 0; l < B; l++) {
            double *sum = &magnitude[i * B + l];

            *sum = 4;
            for (guint r = 0, k = 0; r < panel->n_runs; r++)
                for (guint j = 0; j < panel->runs[r].count; j++, k++)
                    *sum += fabs((double)weights[k * B + l] * panel->b[panel->runs[r].offset + j * panel->row_step + (gssize)(i * panel->step)]);
        }
}

/* @n positions @step apart, some runs of rows of B that are @row_step apart, one or two blocks of output channels. */
static void check_panel_of(const SthKernelRow *row, guint n, gsize step, gsize row_step, guint n_runs, guint blocks)
{
    const gsize rows_a_run = 1 + (gsize)g_rand_int_range(dice, 0, 6);
    const gsize run_size = (rows_a_run - 1) * row_step + (n - 1) * step + 1, b_size = n_runs * run_size;
    g_autofree SthPanelRun *runs = g_new(SthPanelRun, n_runs + 1);
    g_autofree double *magnitude = g_new0(double, n *B);
    EdgeBuffer a[2], b, bias[2], c[2][2];
    float *result[2][2];
    SthPanel panel = {.runs = runs, .n_runs = n_runs, .row_step = (gssize)row_step, .step = step, .n = n, .accumulate = g_rand_boolean(dice)};

    for (guint r = 0; r < n_runs; r++) /* the later ones first */
        runs[r] = (SthPanelRun){(gssize)((n_runs - 1 - r) * run_size), (guint32)rows_a_run};
    panel.a = make(&a[0], n_runs * rows_a_run * B, FALSE);
    panel.b = make(&b, b_size, g_rand_boolean(dice));
    panel.bias = make(&bias[0], B, FALSE);
    panel.bias = g_rand_boolean(dice) ? panel.bias : NULL;
    random_clamp(&panel.min, &panel.max);
    if (blocks > 1) {
        panel.a2 = make(&a[1], n_runs * rows_a_run * B, FALSE);
        panel.bias2 = make(&bias[1], B, FALSE);
        panel.bias2 = g_rand_boolean(dice) ? panel.bias2 : NULL;
    }
    for (guint block = 0; block < blocks; block++)
        make_pair(c[block], result[block], n * B);
    panel.c = result[0][0];
    panel.c2 = blocks > 1 ? result[1][0] : NULL;
    sth_panel_c(&panel);
    panel.c = result[0][1];
    panel.c2 = blocks > 1 ? result[1][1] : NULL;
    ((SthPanelSum *)row->function)(&panel);
    for (guint block = 0; block < blocks; block++) {
        add_magnitudes(&panel, block ? panel.a2 : panel.a, magnitude);
        assert_close(row, result[block][1], result[block][0], magnitude, n_runs * rows_a_run + 2, n * B);
        clear_pair(c[block]);
        edge_buffer_clear(&a[block]);
        edge_buffer_clear(&bias[block]);
    }
    edge_buffer_clear(&b);
}

void check_panel(const SthKernelRow *row)
{
    for (guint n = 1; n <= 65; n++)
        for (guint blocks = 1; blocks <= 2; blocks++) {
            check_panel_of(row, n, 1, (gsize)g_rand_int_range(dice, 1, 90), (guint)g_rand_int_range(dice, 0, 5), blocks);
            check_panel_of(row, n, 2, (gsize)g_rand_int_range(dice, 1, 90), (guint)g_rand_int_range(dice, 0, 5), blocks);
            check_panel_of(row, n, B, 1, (guint)g_rand_int_range(dice, 0, 5), blocks);
        }
}

void check_depthwise(const SthKernelRow *row)
{
    for (gsize n = 1; n <= 65; n++) {
        const gsize step = B * (gsize)g_rand_int_range(dice, 1, 3);
        const guint n_taps = (guint)g_rand_int_range(dice, 0, 12);
        EdgeBuffer in[12], weight, bias, out[2];
        const float *tap[G_N_ELEMENTS(in)], *w = make(&weight, n_taps * B, FALSE), *b = make(&bias, B, FALSE);
        g_autofree double *magnitude = g_new(double, n *B);
        float *y[2], min, max;

        random_clamp(&min, &max);
        for (gsize i = 0; i < n * B; i++)
            magnitude[i] = 2;
        for (guint k = 0; k < n_taps; k++) {
            tap[k] = make(&in[k], (n - 1) * step + B, n % 2);
            for (gsize i = 0; i < n * B; i++)
                magnitude[i] += fabs((double)w[k * B + i % B] * tap[k][i / B * step + i % B]);
        }
        make_pair(out, y, n * B);
        sth_depthwise_c(y[0], n, tap, step, w, n_taps, b, min, max);
        ((SthDepthwise *)row->function)(y[1], n, tap, step, w, n_taps, b, min, max);
        assert_close(row, y[1], y[0], magnitude, n_taps + 1, n * B);
        clear_pair(out);
        for (guint k = 0; k < n_taps; k++)
            edge_buffer_clear(&in[k]);
        edge_buffer_clear(&weight);
        edge_buffer_clear(&bias);
    }
}

void check_block_maximum(const SthKernelRow *row)
{
    for (gsize n = 0; n <= 65; n++) {
        const gsize step = B * (gsize)g_rand_int_range(dice, 1, 3);
        const guint n_taps = (guint)g_rand_int_range(dice, 1, 10);
        EdgeBuffer in[10], out[2];
        const float *tap[G_N_ELEMENTS(in)];
        float *y[2];

        for (guint k = 0; k < n_taps; k++)
            tap[k] = make(&in[k], n ? (n - 1) * step + B : 0, TRUE);
        make_pair(out, y, n * B);
        sth_block_maximum_c(y[0], n, tap, step, n_taps);
        ((SthBlockMaximum *)row->function)(y[1], n, tap, step, n_taps);
        assert_same(row, y[1], y[0], n * B);
        clear_pair(out);
        for (guint k = 0; k < n_taps; k++)
            edge_buffer_clear(&in[k]);
    }
}

void check_to_blocked(const SthKernelRow *row)
{
    for (gsize n = 1; n <= 65; n++)
        for (guint channels = 1; channels <= B; channels++) {
            const gsize step = n + (gsize)g_rand_int_range(dice, 0, 4);
            EdgeBuffer in, out[2];
            const float *x = make(&in, (channels - 1) * step + n, TRUE);
            float *y[2];

            make_pair(out, y, n * B);
            sth_to_blocked_c(y[0], x, step, channels, n);
            ((SthToBlocked *)row->function)(y[1], x, step, channels, n);
            assert_same(row, y[1], y[0], n * B);
            clear_pair(out);
            edge_buffer_clear(&in);
        }
}

void check_from_blocked(const SthKernelRow *row)
{
    for (gsize n = 1; n <= 65; n++)
        for (guint channels = 1; channels <= B; channels++) {
            const gsize step = n + (gsize)g_rand_int_range(dice, 0, 4), size = (channels - 1) * step + n;
            EdgeBuffer in, residual, out[2];
            const float *x = make(&in, n * B, TRUE), *add = make(&residual, size, TRUE);
            float *y[2], min, max;

            add = g_rand_boolean(dice) ? add : NULL;
            random_clamp(&min, &max);
            make_pair(out, y, size);
            sth_from_blocked_c(y[0], step, x, add, channels, n, min, max);
            ((SthFromBlocked *)row->function)(y[1], step, x, add, channels, n, min, max);
            assert_same(row, y[1], y[0], size); /* between the rows as well: nothing is written there */
            clear_pair(out);
            edge_buffer_clear(&in);
            edge_buffer_clear(&residual);
        }
}

void check_winograd_input(const SthKernelRow *row)
{
    for (guint i = 0; i < 50; i++) {
        const gsize pitch = (6 + (gsize)g_rand_int_range(dice, 0, 5)) * B, step = B * (gsize)g_rand_int_range(dice, 1, 4);
        EdgeBuffer in, out[2];
        const float *x = make(&in, 5 * pitch + 6 * B, FALSE);
        g_autofree double *magnitude = g_new(double, 35 * step + B);
        float *v[2];

        for (gsize k = 0; k < 35 * step + B; k++)
            magnitude[k] = 2 * 49; /* the factors of a row add up to less than 7 */
        make_pair(out, v, 35 * step + B);
        sth_winograd_input_c(v[0], step, x, pitch);
        ((SthWinogradInput *)row->function)(v[1], step, x, pitch);
        assert_close(row, v[1], v[0], magnitude, 2, 35 * step + B);
        clear_pair(out);
        edge_buffer_clear(&in);
    }
}

void check_winograd_output(const SthKernelRow *row)
{
    for (guint i = 0; i < 50; i++) {
        const gsize pitch = (4 + (gsize)g_rand_int_range(dice, 0, 5)) * B, step = B * (gsize)g_rand_int_range(dice, 1, 4);
        EdgeBuffer in, out[2];
        const float *m = make(&in, 35 * step + B, FALSE);
        g_autofree double *magnitude = g_new(double, 3 * pitch + 4 * B);
        float *y[2];

        for (gsize k = 0; k < 3 * pitch + 4 * B; k++)
            magnitude[k] = 2 * 81; /* the factors of a row add up to less than 9 */
        make_pair(out, y, 3 * pitch + 4 * B);
        sth_winograd_output_c(y[0], pitch, m, step);
        ((SthWinogradOutput *)row->function)(y[1], pitch, m, step);
        assert_close(row, y[1], y[0], magnitude, 2, 3 * pitch + 4 * B);
        clear_pair(out);
        edge_buffer_clear(&in);
    }
}
