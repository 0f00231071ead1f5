/* Every row of the kernel table against the plain C row: lengths 0 to 130, every alignment, random and extreme numbers, memory with edges. What has
 * no sum must agree bit for bit.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "checks.h"

/* One tile of @m x @n from @rows rows of B, some of them without weights. */
static void check_gemm_tile(const SthKernelRow *row, guint m, guint n, guint rows)
{
    EdgeBuffer a, b, c[2], bias, residual;
    SthGemmRun *runs = g_new0(SthGemmRun, rows + 1);
    double magnitude[STH_GEMM_ROWS * (STH_GEMM_COLS + 3)];
    guint pitch = n + (guint)g_rand_int_range(dice, 0, 4), used = 0;
    SthGemmTile tile = {.runs = runs, .ldb = pitch, .ldc = pitch, .ldr = pitch, .m = m, .n = n, .accumulate = g_rand_boolean(dice)};
    gboolean extreme = g_rand_boolean(dice);
    const float *out[2];

    for (guint i = 0; i < rows; i++) {
        if (g_rand_int_range(dice, 0, 4) == 0)
            continue;
        if (tile.n_runs > 0 && runs[tile.n_runs - 1].row + runs[tile.n_runs - 1].count == i)
            runs[tile.n_runs - 1].count++;
        else
            runs[tile.n_runs++] = (SthGemmRun){i, 1};
        used++;
    }
    tile.a = make(&a, used * STH_GEMM_ROWS, FALSE);
    tile.b = make(&b, rows ? (rows - 1) * pitch + n : 0, extreme);
    tile.ahead = g_rand_boolean(dice) ? tile.b : NULL;
    tile.bias = make(&bias, STH_GEMM_ROWS, FALSE);
    tile.residual = make(&residual, (m - 1) * pitch + n, FALSE);
    tile.bias = g_rand_boolean(dice) ? tile.bias : NULL;
    tile.residual = g_rand_boolean(dice) ? tile.residual : NULL;
    random_clamp(&tile.min, &tile.max);
    for (guint i = 0; i < 2; i++) {
        float *start = make(&c[i], (m - 1) * pitch + n, FALSE);

        if (i == 1)
            memcpy(start, c[0].data, c[0].bytes);
        out[i] = start;
    }
    for (guint i = 0; i < m * pitch; i++)
        magnitude[i] = 8;
    for (guint r = 0; r < m; r++)
        for (guint j = 0; j < n; j++)
            for (guint i = 0, k = 0; i < tile.n_runs; i++)
                for (guint l = 0; l < runs[i].count; l++, k++)
                    magnitude[r * pitch + j] += fabs((double)tile.a[k * STH_GEMM_ROWS + r] * tile.b[(runs[i].row + l) * pitch + j]);
    tile.c = (float *)c[0].data;
    sth_gemm_c(&tile);
    tile.c = (float *)c[1].data;
    ((SthGemm *)row->function)(&tile);
    for (guint r = 0; r < m; r++) {
        assert_close(row, out[1] + r * pitch, out[0] + r * pitch, magnitude + r * pitch, rows + 3, n);
        if (r + 1 < m) /* between the rows nothing is written */
            g_assert_cmpmem(out[1] + r * pitch + n, (pitch - n) * sizeof(float), out[0] + r * pitch + n, (pitch - n) * sizeof(float));
    }
    edge_buffer_check(&c[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&c[i]);
    edge_buffer_clear(&a);
    edge_buffer_clear(&b);
    edge_buffer_clear(&bias);
    edge_buffer_clear(&residual);
    g_free(runs);
}

void check_gemm(const SthKernelRow *row)
{
    for (guint n = 1; n <= STH_GEMM_COLS; n++)
        for (guint m = 1; m <= STH_GEMM_ROWS; m++)
            check_gemm_tile(row, m, n, (guint)g_rand_int_range(dice, 0, 40));
    for (guint rows = 0; rows <= MAX_LENGTH; rows++)
        check_gemm_tile(row, STH_GEMM_ROWS, STH_GEMM_COLS, rows);
}

static void check_tap_sum_of(const SthKernelRow *row, gsize rows, gsize cols, guint n_taps)
{
    EdgeBuffer in[12], weight, out[2];
    const float *tap[G_N_ELEMENTS(in)];
    gsize in_pitch = cols + (gsize)g_rand_int_range(dice, 0, 5), out_pitch = cols + (gsize)g_rand_int_range(dice, 0, 3);
    gsize in_size = rows ? (rows - 1) * in_pitch + cols : 0, out_size = rows ? (rows - 1) * out_pitch + cols : 0;
    const float *w = make(&weight, n_taps, FALSE);
    gboolean extreme = g_rand_boolean(dice);
    float *result[2], bias = random_float(FALSE), min, max;
    double *magnitude = g_new(double, cols + 1);

    random_clamp(&min, &max);
    for (guint k = 0; k < n_taps; k++)
        tap[k] = make(&in[k], in_size, extreme);
    for (guint i = 0; i < 2; i++) {
        result[i] = make(&out[i], out_size, FALSE);
        fill(result[i], out_size, -77);
    }
    sth_tap_sum_c(result[0], rows, cols, out_pitch, tap, in_pitch, w, n_taps, bias, min, max);
    ((SthTapSum *)row->function)(result[1], rows, cols, out_pitch, tap, in_pitch, w, n_taps, bias, min, max);
    for (gsize y = 0; y < rows; y++) {
        for (gsize x = 0; x < cols; x++) {
            magnitude[x] = fabs((double)bias);
            for (guint k = 0; k < n_taps; k++)
                magnitude[x] += fabs((double)w[k] * tap[k][y * in_pitch + x]);
        }
        assert_close(row, result[1] + y * out_pitch, result[0] + y * out_pitch, magnitude, n_taps + 1, cols);
        for (gsize x = cols; x < out_pitch && y + 1 < rows; x++)
            g_assert_cmpfloat(result[1][y * out_pitch + x], ==, -77);
    }
    edge_buffer_check(&out[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&out[i]);
    for (guint k = 0; k < n_taps; k++)
        edge_buffer_clear(&in[k]);
    edge_buffer_clear(&weight);
    g_free(magnitude);
}

void check_tap_sum(const SthKernelRow *row)
{
    for (gsize cols = 0; cols <= MAX_LENGTH; cols++)
        for (gsize rows = 0; rows <= 9; rows += (gsize)g_rand_int_range(dice, 1, 4))
            check_tap_sum_of(row, rows, cols, (guint)g_rand_int_range(dice, 0, 12));
}

void check_every_second(const SthKernelRow *row)
{
    for (gsize n = 0; n <= MAX_LENGTH; n++) {
        EdgeBuffer in, out[2];
        const float *x = make(&in, n ? 2 * n - 1 : 0, TRUE);
        float *result[2];

        for (guint i = 0; i < 2; i++)
            result[i] = make(&out[i], n, FALSE);
        sth_every_second_c(result[0], x, n);
        ((SthEverySecond *)row->function)(result[1], x, n);
        g_assert_cmpmem(result[1], n * sizeof *x, result[0], n * sizeof *x);
        edge_buffer_check(&out[1]);
        for (guint i = 0; i < 2; i++)
            edge_buffer_clear(&out[i]);
        edge_buffer_clear(&in);
    }
}

/* Some rows' pieces of panels, with zeros around and gaps between them that stay as they are. */
static void check_gather_of(const SthKernelRow *row, gsize length, gsize stride)
{
    const guint n_pieces = 3, n_rows = (guint)g_rand_int_range(dice, 1, 4), panel = (guint)length + 9;
    const gsize out_size = (gsize)n_pieces * n_rows * panel, span = length ? (length - 1) * stride + 1 : 0;
    const gsize first = (gsize)g_rand_int_range(dice, 0, 5), in_step = (gsize)g_rand_int_range(dice, 0, 9);
    SthGatherPiece pieces[3];
    EdgeBuffer in, out[2];
    const float *x = make(&in, first + span + (n_rows - 1) * in_step, TRUE);
    float *result[2];

    for (guint i = 0; i < n_pieces; i++) {
        const guint32 before = (guint32)g_rand_int_range(dice, 0, 4),
                      n = i == 0 ? (guint32)length : (guint32)g_rand_int_range(dice, 0, (gint)length + 1);

        pieces[i] = (SthGatherPiece){.from = (gssize)first, .panel = n_pieces - 1 - i, .column = 2, .before = before, .n = n, .after = 4 - before};
    }
    for (guint i = 0; i < 2; i++) {
        result[i] = make(&out[i], out_size, FALSE);
        for (gsize k = 0; k < out_size; k++)
            result[i][k] = -77;
    }
    for (guint i = 0; i < 2; i++) {
        const SthGatherRows rows = {result[i], panel, n_rows * panel, x, in_step, n_rows, pieces, n_pieces};

        (i ? (SthGather *)row->function : sth_gather_c)(&rows, stride);
    }
    g_assert_cmpmem(result[1], out_size * sizeof *x, result[0], out_size * sizeof *x);
    edge_buffer_check(&out[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&out[i]);
    edge_buffer_clear(&in);
}

void check_gather(const SthKernelRow *row)
{
    for (gsize length = 0; length <= MAX_LENGTH; length++)
        for (gsize stride = 1; stride <= 3; stride++)
            check_gather_of(row, length, stride);
}

/* A kernel of two inputs, with bounds where it has some. */
typedef void RunPair(void (*function)(void), float *out, const float *a, const float *b, gsize n, float min, float max);

static void check_pairs(const SthKernelRow *row, RunPair *run, void (*plain)(void))
{
    for (gsize n = 0; n <= MAX_LENGTH; n++) {
        EdgeBuffer buffer[4];
        float *x[4], min, max;

        for (guint i = 0; i < 4; i++)
            x[i] = make(&buffer[i], n, TRUE);
        random_clamp(&min, &max);
        run(plain, x[2], x[0], x[1], n, min, max);
        run(row->function, x[3], x[0], x[1], n, min, max);
        assert_same(row, x[3], x[2], n);
        run(row->function, x[1], x[0], x[1], n, min, max); /* in place */
        assert_same(row, x[1], x[2], n);
        for (guint i = 0; i < 4; i++) {
            edge_buffer_check(&buffer[i]);
            edge_buffer_clear(&buffer[i]);
        }
    }
}

static void run_add_clamp(void (*function)(void), float *out, const float *a, const float *b, gsize n, float min, float max)
{
    ((SthAddClamp *)function)(out, a, b, n, min, max);
}

void check_add_clamp(const SthKernelRow *row)
{
    check_pairs(row, run_add_clamp, (void (*)(void))sth_add_clamp_c);
}

static void run_maximum(void (*function)(void), float *out, const float *a, const float *b, gsize n, float min, float max)
{
    ((SthMaximum *)function)(out, a, b, n);
}

void check_maximum(const SthKernelRow *row)
{
    check_pairs(row, run_maximum, (void (*)(void))sth_maximum_c);
}

void check_scale_shift(const SthKernelRow *row)
{
    for (gsize n = 0; n <= MAX_LENGTH; n++) {
        EdgeBuffer buffer[3];
        float *x[3], min, max, scale = random_float(FALSE), shift = random_float(FALSE);
        double magnitude[MAX_LENGTH];

        for (guint i = 0; i < 3; i++)
            x[i] = make(&buffer[i], n, TRUE);
        for (gsize i = 0; i < n; i++)
            magnitude[i] = fabs((double)x[0][i] * scale) + fabs((double)shift);
        random_clamp(&min, &max);
        sth_scale_shift_c(x[1], x[0], n, scale, shift, min, max);
        ((SthScaleShift *)row->function)(x[2], x[0], n, scale, shift, min, max);
        assert_close(row, x[2], x[1], magnitude, 2, n);
        ((SthScaleShift *)row->function)(x[0], x[0], n, scale, shift, min, max); /* in place */
        assert_same(row, x[0], x[2], n);
        for (guint i = 0; i < 3; i++) {
            edge_buffer_check(&buffer[i]);
            edge_buffer_clear(&buffer[i]);
        }
    }
}

void check_sum(const SthKernelRow *row)
{
    for (gsize n = 0; n <= MAX_LENGTH; n++)
        for (guint extreme = 0; extreme < 2; extreme++) {
            EdgeBuffer buffer;
            const float *x = make(&buffer, n, extreme);
            float c = sth_sum_c(x, n), result = ((SthSum *)row->function)(x, n);

            assert_same(row, &result, &c, 1);
            edge_buffer_clear(&buffer);
        }
}

static void check_row_blend_of(const SthKernelRow *row, gsize n, guint n_taps, gboolean upwards)
{
    const gsize stride = n + 3;
    EdgeBuffer bytes, weight, out[2];
    const float *w = make(&weight, n_taps, FALSE);
    float *result[2];
    double magnitude[MAX_LENGTH + 1] = {0};
    const guint8 *first;

    edge_buffer_init(&bytes, (n_taps - 1) * stride + n);
    for (gsize i = 0; i < (n_taps - 1) * stride + n; i++)
        bytes.data[i] = (guint8)g_rand_int_range(dice, 0, 256);
    first = upwards ? bytes.data + (n_taps - 1) * stride : bytes.data;
    for (gsize i = 0; i < n; i++)
        for (guint k = 0; k < n_taps; k++)
            magnitude[i] += 255 * fabs((double)w[k]);
    for (guint i = 0; i < 2; i++)
        result[i] = make(&out[i], n, FALSE);
    sth_row_blend_c(result[0], first, upwards ? -(gssize)stride : (gssize)stride, n, w, n_taps);
    ((SthRowBlend *)row->function)(result[1], first, upwards ? -(gssize)stride : (gssize)stride, n, w, n_taps);
    assert_close(row, result[1], result[0], magnitude, n_taps, n);
    edge_buffer_check(&out[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&out[i]);
    edge_buffer_clear(&bytes);
    edge_buffer_clear(&weight);
}

void check_row_blend(const SthKernelRow *row)
{
    for (gsize n = 0; n <= MAX_LENGTH; n++)
        for (guint n_taps = 1; n_taps <= 5; n_taps++)
            check_row_blend_of(row, n, n_taps, n_taps % 2 == 0);
}

static void check_transpose_of(const SthKernelRow *row, gsize rows, gsize cols, gsize in_pitch)
{
    EdgeBuffer in, out[2];
    const float *x = make(&in, rows * in_pitch, FALSE);
    float *result[2];

    for (guint i = 0; i < 2; i++) {
        result[i] = make(&out[i], cols * (rows + 1), FALSE);
        memset(result[i], 0, cols * (rows + 1) * sizeof(float)); /* what lies between the rows must stay */
    }
    sth_transpose_c(result[0], rows + 1, x, in_pitch, rows, cols);
    ((SthTranspose *)row->function)(result[1], rows + 1, x, in_pitch, rows, cols);
    assert_same(row, result[1], result[0], cols * (rows + 1));
    edge_buffer_check(&out[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&out[i]);
    edge_buffer_clear(&in);
}

void check_transpose(const SthKernelRow *row)
{
    for (gsize rows = 0; rows <= 35; rows++)
        for (gsize cols = 0; cols <= 37; cols++) {
            check_transpose_of(row, rows, cols, cols);
            check_transpose_of(row, rows, cols, cols + 2);
        }
}

static void check_column_resample_of(const SthKernelRow *row, gsize n, guint n_taps, guint step)
{
    EdgeBuffer in, weight, out[2], offset;
    gsize pixels = n_taps + 40, size = ((pixels - 1) * step + 1) * STH_RESIZE_ROWS; /* the last pixel's other components are not there */
    const float *x = make(&in, size, FALSE), *w = make(&weight, n * n_taps, FALSE);
    float *result[2];
    double *magnitude = g_new0(double, n *STH_RESIZE_ROWS + 1);
    guint32 *at;

    edge_buffer_init(&offset, n * sizeof *at);
    at = (guint32 *)(gpointer)offset.data;
    for (gsize i = 0; i < n; i++) {
        at[i] = (guint32)(g_rand_int_range(dice, 0, 41) * (gint)step);
        for (guint k = 0; k < n_taps; k++)
            for (guint r = 0; r < STH_RESIZE_ROWS; r++)
                magnitude[i * STH_RESIZE_ROWS + r] += fabs((double)w[i * n_taps + k] * x[(at[i] + (gsize)k * step) * STH_RESIZE_ROWS + r]);
    }
    for (guint i = 0; i < 2; i++)
        result[i] = make(&out[i], n * STH_RESIZE_ROWS, FALSE);
    sth_column_resample_c(result[0], n, x, at, w, n_taps, step);
    ((SthColumnResample *)row->function)(result[1], n, x, at, w, n_taps, step);
    assert_close(row, result[1], result[0], magnitude, n_taps, n * STH_RESIZE_ROWS);
    edge_buffer_check(&out[1]);
    for (guint i = 0; i < 2; i++)
        edge_buffer_clear(&out[i]);
    edge_buffer_clear(&in);
    edge_buffer_clear(&weight);
    edge_buffer_clear(&offset);
    g_free(magnitude);
}

void check_column_resample(const SthKernelRow *row)
{
    for (gsize n = 0; n <= 21; n++)
        for (guint step = 1; step <= 4; step++)
            check_column_resample_of(row, n, (guint)g_rand_int_range(dice, 1, 30), step);
}

void check_color_matrix(const SthKernelRow *row)
{
    for (gsize n = 0; n <= MAX_LENGTH; n++) {
        EdgeBuffer in[3], out[2][3];
        const float *x[3];
        float *result[2][3], m[3][4], lo[3], hi[3];
        double magnitude[MAX_LENGTH];

        for (guint c = 0; c < 3; c++) {
            x[c] = make(&in[c], n, FALSE);
            random_clamp(&lo[c], &hi[c]);
            for (guint i = 0; i < 4; i++)
                m[c][i] = random_float(FALSE);
            for (guint i = 0; i < 2; i++)
                result[i][c] = make(&out[i][c], n, FALSE);
        }
        for (gsize i = 0; i < n; i++)
            magnitude[i] = 2 * (fabs((double)x[0][i]) + fabs((double)x[1][i]) + fabs((double)x[2][i]) + 1);
        sth_color_matrix_c(result[0], x, n, (const float(*)[4])m, lo, hi);
        ((SthColorMatrix *)row->function)(result[1], x, n, (const float(*)[4])m, lo, hi);
        for (guint c = 0; c < 3; c++) {
            assert_close(row, result[1][c], result[0][c], magnitude, 4, n);
            edge_buffer_check(&out[1][c]);
            edge_buffer_clear(&in[c]);
            edge_buffer_clear(&out[0][c]);
            edge_buffer_clear(&out[1][c]);
        }
    }
}

static SthChecker *const checkers[] = {
#define STH_SLOT(slot, Type)
#define STH_KERNEL(slot, isa, level) check_##slot,
#include "kernels/kernels.inc"
};

static void test_row(gconstpointer data)
{
    const SthKernelRow *row = data, *first = sth_kernel_rows(&(guint){0});

    if (row->level > sth_cpu_level()) {
        g_test_skip("this processor has no such instructions");
        return;
    }
    dice = g_rand_new_with_seed(7);
    checkers[row - first](row);
    g_rand_free(dice);
}

/* Each slot has a C row, and it is the last; the best row that the CPU has is in use. */
static void test_choice(void)
{
    const SthKernels *kernels = sth_kernels();
    guint n;
    const SthKernelRow *rows = sth_kernel_rows(&n);

    for (guint i = 0; i < n; i++) {
        gboolean last = i + 1 == n || strcmp(rows[i].slot, rows[i + 1].slot) != 0;
        void (*function)(void);

        g_assert_cmpint(last, ==, strcmp(rows[i].isa, "c") == 0);
        g_assert_true(last || rows[i].level > rows[i + 1].level);
        memcpy(&function, (const guint8 *)kernels + rows[i].offset, sizeof function);
        g_assert_true((function == rows[i].function) == (strcmp(sth_kernels_chosen(rows[i].slot), rows[i].isa) == 0));
    }
    g_assert_null(sth_kernels_chosen("no such slot"));
}

int main(int argc, char **argv)
{
    guint n;
    const SthKernelRow *rows = sth_kernel_rows(&n);

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernels/choice", test_choice);
    for (guint i = 0; i < n; i++) {
        char *path = g_strdup_printf("/kernels/%s/%s", rows[i].slot, rows[i].isa);

        g_test_add_data_func(path, &rows[i], test_row);
        g_free(path);
    }
    return g_test_run();
}
