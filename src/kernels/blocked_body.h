/* Kernels on blocks of STH_BLOCK channels, for any vector length: the body of blocked_<isa>.c, which defines before it
 *
 *   ISA(name)             the function's name: sth_<name>_<isa>
 *   LANES, Vec            floats of a vector; the vector type, on which +, - and * work
 *   PANEL_COLS            positions that `panel` sums at a time: as many as there are registers for; `depthwise` sums half as many
 *   PAIR_COLS             the same for two blocks of channels at once; 0: one after the other, where there are no registers for several vectors
 *   splat, load, store    one number in all lanes; unaligned memory
 *   load_first, store_first  the first n lanes, 0 <= n < LANES: the others are zero, or not written
 *   madd(a, b, c)         a * b + c, fused where the level has that
 *   clamp(x, min, max)    NaN stays NaN
 *   maximum(x, y)         NaN where one of them is
 *   transpose(Vec[LANES])
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "kernels/unroll.h"

#define VECS (STH_BLOCK / LANES)

/* @n positions from position @at on, for @blocks blocks of channels; both are numbers that are known when compiling, and so is @step. Fetches a line at
 * *ahead for each row, and moves it on; NULL: does not. */
STH_FORCE_INLINE void panel_tile(const SthPanel *in, const gsize at, const guint n, const guint blocks, const gsize step, const float **ahead)
{
    const SthPanel p = *in; /* so that stores to c cannot change it */
    const float *weights[2] = {p.a, p.a2}, *bias[2] = {p.bias, p.bias2};
    float *c[2] = {p.c + at * STH_BLOCK, blocks > 1 ? p.c2 + at * STH_BLOCK : NULL};
    Vec sum[2][PANEL_COLS][VECS];

    STH_UNROLL
    for (guint g = 0; g < blocks; g++) {
        STH_UNROLL
        for (guint i = 0; i < n; i++) {
            STH_UNROLL
            for (guint v = 0; v < VECS; v++)
                sum[g][i][v] = p.accumulate ? load(c[g] + i * STH_BLOCK + v * LANES) : bias[g] ? load(bias[g] + v * LANES) : splat(0);
        }
    }
    for (guint r = 0; r < p.n_runs; r++) {
        const float *b = p.b + at * step + p.runs[r].offset;

        for (guint k = p.runs[r].count; k > 0; k--, b += p.row_step) {
            Vec weight[2][VECS];

            if (ahead) {
                __builtin_prefetch(*ahead, 0, 2);
                *ahead += STH_BLOCK;
            }
            STH_UNROLL
            for (guint g = 0; g < blocks; g++) {
                STH_UNROLL
                for (guint v = 0; v < VECS; v++)
                    weight[g][v] = load(weights[g] + v * LANES);
                weights[g] += STH_BLOCK;
            }
            STH_UNROLL
            for (guint i = 0; i < n; i++) {
                const Vec x = splat(b[i * step]);

                STH_UNROLL
                for (guint g = 0; g < blocks; g++) {
                    STH_UNROLL
                    for (guint v = 0; v < VECS; v++)
                        sum[g][i][v] = madd(x, weight[g][v], sum[g][i][v]);
                }
            }
        }
    }
    STH_UNROLL
    for (guint g = 0; g < blocks; g++) {
        STH_UNROLL
        for (guint i = 0; i < n; i++) {
            STH_UNROLL
            for (guint v = 0; v < VECS; v++)
                store(c[g] + i * STH_BLOCK + v * LANES, clamp(sum[g][i][v], splat(p.min), splat(p.max)));
        }
    }
}

/* The numbers of positions for which there is code, most first: each costs time to compile. */
#define SIZES SIZE(24) SIZE(20) SIZE(16) SIZE(14) SIZE(12) SIZE(8) SIZE(7) SIZE(6) SIZE(4) SIZE(2) SIZE(1)

/* How many of @n positions to do next, @most at a time: a part that goes into it evenly, else the largest there is. Few positions keep too few sums
 * in flight. */
STH_FORCE_INLINE guint next_size(guint n, const guint most)
{
#define SIZE(size)                                                                                                                                   \
    if (size <= most && 2 * size >= most && n % size == 0)                                                                                           \
        return size;
    SIZES
#undef SIZE
#define SIZE(size)                                                                                                                                   \
    if (size <= most && size <= n)                                                                                                                   \
        return size;
    SIZES
#undef SIZE
    return 0;
}

/* While the first positions are summed their weights come, from wherever they are; for the next ones they are in the cache, and there is time to
 * fetch those ahead. */
STH_FORCE_INLINE void panel_tiles(const SthPanel *p, const guint most, const guint blocks, const gsize step)
{
    const float *next = p->ahead;

    for (guint i = 0, n, tile = 0; i < p->n; i += n, tile++) {
        const float **ahead = next && tile >= 1 && tile <= blocks ? &next : NULL;

        n = next_size(p->n - i, most);
        switch (n) {
#define SIZE(size)                                                                                                                                   \
    case size:                                                                                                                                       \
        if (size <= most)                                                                                                                            \
            panel_tile(p, i, MIN(size, most), blocks, step, ahead);                                                                                  \
        break;
            SIZES
#undef SIZE
        }
    }
}

STH_FORCE_INLINE void panel_steps(const SthPanel *p, const guint most, const guint blocks)
{
    if (p->step == 1)
        panel_tiles(p, most, blocks, 1);
    else if (p->step == 2)
        panel_tiles(p, most, blocks, 2);
    else
        panel_tiles(p, most, blocks, STH_BLOCK);
}

void ISA(panel)(const SthPanel *p)
{
    SthPanel one = *p;

    if (p->a2 && PAIR_COLS > 0) {
        panel_steps(p, PAIR_COLS, 2);
        return;
    }
    panel_steps(&one, PANEL_COLS, 1);
    if (!p->a2)
        return;
    one.a = p->a2;
    one.c = p->c2;
    one.bias = p->bias2;
    panel_steps(&one, PANEL_COLS, 1);
}

/* @n positions, a number that is known when compiling. */
STH_FORCE_INLINE void depthwise_part(float *out, const float *const *tap, gsize offset, gsize step, const float *weight, guint n_taps,
                                     const float *bias, Vec min, Vec max, const guint n)
{
    Vec sum[PANEL_COLS / 2][VECS];

    STH_UNROLL
    for (guint i = 0; i < n; i++) {
        STH_UNROLL
        for (guint v = 0; v < VECS; v++)
            sum[i][v] = load(bias + v * LANES);
    }
    for (guint k = 0; k < n_taps; k++) {
        const float *in = tap[k] + offset;

        STH_UNROLL
        for (guint v = 0; v < VECS; v++) {
            const Vec w = load(weight + k * STH_BLOCK + v * LANES);

            STH_UNROLL
            for (guint i = 0; i < n; i++)
                sum[i][v] = madd(w, load(in + i * step + v * LANES), sum[i][v]);
        }
    }
    STH_UNROLL
    for (guint i = 0; i < n; i++) {
        STH_UNROLL
        for (guint v = 0; v < VECS; v++)
            store(out + i * STH_BLOCK + v * LANES, clamp(sum[i][v], min, max));
    }
}

void ISA(depthwise)(float *out, gsize n, const float *const *tap, gsize step, const float *weight, guint n_taps, const float *bias, float min,
                    float max)
{
    const Vec lo = splat(min), hi = splat(max);
    gsize i = 0;

    for (; i + PANEL_COLS / 2 <= n; i += PANEL_COLS / 2)
        depthwise_part(out + i * STH_BLOCK, tap, i * step, step, weight, n_taps, bias, lo, hi, PANEL_COLS / 2);
    for (; PANEL_COLS > 14 && i + 7 <= n; i += 7)
        depthwise_part(out + i * STH_BLOCK, tap, i * step, step, weight, n_taps, bias, lo, hi, MIN(7, PANEL_COLS / 2));
    for (; PANEL_COLS > 6 && i + 4 <= n; i += 4)
        depthwise_part(out + i * STH_BLOCK, tap, i * step, step, weight, n_taps, bias, lo, hi, MIN(4, PANEL_COLS / 2));
    for (; i < n; i++)
        depthwise_part(out + i * STH_BLOCK, tap, i * step, step, weight, n_taps, bias, lo, hi, 1);
}

void ISA(block_maximum)(float *out, gsize n, const float *const *tap, gsize step, guint n_taps)
{
    for (gsize i = 0; i < n; i++) {
        STH_UNROLL
        for (guint v = 0; v < VECS; v++) {
            Vec most = load(tap[0] + i * step + v * LANES);

            for (guint k = 1; k < n_taps; k++)
                most = maximum(most, load(tap[k] + i * step + v * LANES));
            store(out + i * STH_BLOCK + v * LANES, most);
        }
    }
}

/* @count channels from @l0 on, of n <= LANES positions. */
STH_FORCE_INLINE void block_part(float *out, const float *in, gsize in_step, guint l0, guint count, guint n)
{
    Vec row[LANES];

    for (guint l = 0; l < LANES; l++)
        row[l] = l >= count ? splat(0) : n == LANES ? load(in + (l0 + l) * in_step) : load_first(in + (l0 + l) * in_step, n);
    transpose(row);
    for (guint i = 0; i < n; i++)
        store(out + i * STH_BLOCK + l0, row[i]);
}

void ISA(to_blocked)(float *out, const float *in, gsize in_step, guint channels, gsize n)
{
    for (guint l0 = 0; l0 < STH_BLOCK; l0 += LANES) {
        const guint count = channels > l0 ? MIN(LANES, channels - l0) : 0;
        gsize i = 0;

        for (; i + LANES <= n; i += LANES)
            block_part(out + i * STH_BLOCK, in + i, in_step, l0, count, LANES);
        if (i < n)
            block_part(out + i * STH_BLOCK, in + i, in_step, l0, count, (guint)(n - i));
    }
}

/* @count channels from @l0 on, of n <= LANES positions. */
STH_FORCE_INLINE void unblock_part(float *out, gsize out_step, const float *in, const float *residual, guint l0, guint count, guint n, Vec min,
                                   Vec max)
{
    Vec row[LANES];

    for (guint i = 0; i < LANES; i++)
        row[i] = i < n ? load(in + i * STH_BLOCK + l0) : splat(0);
    transpose(row);
    for (guint l = 0; l < count; l++) {
        float *to = out + (l0 + l) * out_step;

        if (residual)
            row[l] = row[l] + (n == LANES ? load(residual + (l0 + l) * out_step) : load_first(residual + (l0 + l) * out_step, n));
        row[l] = clamp(row[l], min, max);
        if (n == LANES)
            store(to, row[l]);
        else
            store_first(to, row[l], n);
    }
}

void ISA(from_blocked)(float *out, gsize out_step, const float *in, const float *residual, guint channels, gsize n, float min, float max)
{
    for (guint l0 = 0; l0 < channels; l0 += LANES) {
        const guint count = MIN(LANES, channels - l0);
        gsize i = 0;

        for (; i + LANES <= n; i += LANES)
            unblock_part(out + i, out_step, in + i * STH_BLOCK, residual ? residual + i : NULL, l0, count, LANES, splat(min), splat(max));
        if (i < n)
            unblock_part(out + i, out_step, in + i * STH_BLOCK, residual ? residual + i : NULL, l0, count, (guint)(n - i), splat(min), splat(max));
    }
}

/* y = B^T x. */
STH_FORCE_INLINE void transform_6(Vec *y, const Vec *x)
{
    const float a = STH_WINOGRAD_A, b = STH_WINOGRAD_B;
    const Vec even_1 = madd(splat(-b * b), x[2], x[4]), odd_1 = madd(splat(-b * b), x[1], x[3]);
    const Vec even_2 = madd(splat(-a * a), x[2], x[4]), odd_2 = madd(splat(-a * a), x[1], x[3]);
    const Vec product = splat(a * a * b * b), minus_sum = splat(-(a * a + b * b));

    y[0] = madd(product, x[0], madd(minus_sum, x[2], x[4]));
    y[1] = madd(splat(a), odd_1, even_1);
    y[2] = madd(splat(-a), odd_1, even_1);
    y[3] = madd(splat(b), odd_2, even_2);
    y[4] = madd(splat(-b), odd_2, even_2);
    y[5] = madd(product, x[1], madd(minus_sum, x[3], x[5]));
}

void ISA(winograd_input)(float *v, gsize v_step, const float *x, gsize pitch)
{
    for (guint l = 0; l < STH_BLOCK; l += LANES) {
        Vec t[6][6]; /* columns transformed: t[column][row] */

        STH_UNROLL
        for (guint j = 0; j < 6; j++) {
            Vec column[6];

            STH_UNROLL
            for (guint i = 0; i < 6; i++)
                column[i] = load(x + i * pitch + j * STH_BLOCK + l);
            transform_6(t[j], column);
        }
        STH_UNROLL
        for (guint i = 0; i < 6; i++) {
            Vec row[6], y[6];

            STH_UNROLL
            for (guint j = 0; j < 6; j++)
                row[j] = t[j][i];
            transform_6(y, row);
            STH_UNROLL
            for (guint j = 0; j < 6; j++)
                store(v + (6 * i + j) * v_step + l, y[j]);
        }
    }
}

/* y = A^T x. */
STH_FORCE_INLINE void transform_4(Vec *y, const Vec *x)
{
    const float a = STH_WINOGRAD_A, b = STH_WINOGRAD_B;
    const Vec sum_1 = x[1] + x[2], difference_1 = x[1] - x[2], sum_2 = x[3] + x[4], difference_2 = x[3] - x[4];

    y[0] = x[0] + sum_1 + sum_2;
    y[1] = madd(splat(b), difference_2, splat(a) * difference_1);
    y[2] = madd(splat(b * b), sum_2, splat(a * a) * sum_1);
    y[3] = madd(splat(b * b * b), difference_2, madd(splat(a * a * a), difference_1, x[5]));
}

void ISA(winograd_output)(float *y, gsize pitch, const float *m, gsize m_step)
{
    for (guint l = 0; l < STH_BLOCK; l += LANES) {
        Vec t[6][4]; /* columns transformed: t[column][row] */

        STH_UNROLL
        for (guint j = 0; j < 6; j++) {
            Vec column[6];

            STH_UNROLL
            for (guint i = 0; i < 6; i++)
                column[i] = load(m + (6 * i + j) * m_step + l);
            transform_4(t[j], column);
        }
        STH_UNROLL
        for (guint i = 0; i < 4; i++) {
            Vec row[6], out[4];

            STH_UNROLL
            for (guint j = 0; j < 6; j++)
                row[j] = t[j][i];
            transform_4(out, row);
            STH_UNROLL
            for (guint j = 0; j < 4; j++) {
                float *to = y + i * pitch + j * STH_BLOCK + l;

                store(to, load(to) + out[j]);
            }
        }
    }
}
