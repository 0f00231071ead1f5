/* Pools of random windows against their definition, element by element; the same bits with one thread and with several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "op-harness.h"

#define ROUNDS 150
#define MAX_AXES 3

/* What a case chose; axes are the input's last ones. */
typedef struct {
    guint n;
    gint64 in[MAX_AXES], kernel[MAX_AXES], stride[MAX_AXES], dilation[MAX_AXES], pads[2 * MAX_AXES];
    gboolean ceil_mode, option; /* count_include_pad, or storage_order */
    gint64 p;
} Window;

/* One output from the elements of its window; taps beyond the padded input are not among n_padded. */
typedef struct {
    const double *inside;
    guint n_inside, n_padded, n_taps;
} Taps;

static double average(const Window *window, const Taps *taps)
{
    double sum = 0;
    guint n = window->option ? taps->n_padded : taps->n_inside;
    for (guint i = 0; i < taps->n_inside; i++)
        sum += taps->inside[i];
    return n > 0 ? sum / n : 0;
}

static double average_of_all(const Window *window, const Taps *taps)
{
    Taps all = *taps;
    all.n_padded = taps->n_taps;
    return average(window, &all);
}

static double maximum(const Window *window, const Taps *taps)
{
    double most = -INFINITY;
    for (guint i = 0; i < taps->n_inside; i++)
        most = MAX(most, taps->inside[i]);
    return most;
}

static double norm(const Window *window, const Taps *taps)
{
    double sum = 0;
    for (guint i = 0; i < taps->n_inside; i++)
        sum += pow(fabs(taps->inside[i]), (double)window->p);
    return pow(sum, 1.0 / (double)window->p);
}

typedef struct {
    const char *op;
    gint opset;
    const char *option; /* name of the attribute */
    gboolean global;    /* no window: it is the whole input */
    double (*expect)(const Window *window, const Taps *taps);
} Row;

static const Row rows[] = {
    {"AveragePool", 11, "count_include_pad", FALSE, average},
    {"AveragePool", 19, "count_include_pad", FALSE, average_of_all},
    {"MaxPool", 12, "storage_order", FALSE, maximum},
    {"LpPool", 18, NULL, FALSE, norm},
    {"GlobalAveragePool", 1, NULL, TRUE, average},
    {"GlobalLpPool", 2, NULL, TRUE, norm},
    {"GlobalMaxPool", 1, NULL, TRUE, maximum},
};

static gint64 roll(gint64 from, gint64 to)
{
    return g_test_rand_int_range((gint32)from, (gint32)to + 1);
}

static void choose(Window *window, const Row *row, SthShape *shape)
{
    memset(window, 0, sizeof *window);
    window->n = (guint)roll(1, MAX_AXES);
    window->p = roll(1, 3);
    window->option = row->option && roll(0, 1);
    window->ceil_mode = !row->global && roll(0, 1);
    *shape = (SthShape){.rank = 2 + window->n, .dims = {roll(1, 2), roll(1, 5)}};
    for (guint i = 0; i < window->n; i++) {
        window->in[i] = shape->dims[2 + i] = roll(1, window->n == 1 ? 200 : 20);
        window->kernel[i] = row->global ? window->in[i] : roll(1, 4);
        window->stride[i] = row->global ? 1 : roll(1, 3);
        window->dilation[i] = row->global ? 1 : roll(1, 3);
        window->pads[i] = row->global ? 0 : roll(0, window->kernel[i] - 1);
        window->pads[i + window->n] = row->global ? 0 : roll(0, window->kernel[i] - 1);
        /* The window must fit. */
        if ((window->kernel[i] - 1) * window->dilation[i] >= window->in[i] + window->pads[i] + window->pads[i + window->n])
            window->kernel[i] = 1, window->pads[i] = window->pads[i + window->n] = 0;
    }
}

static void set_attributes(SthNode *node, const Row *row, const Window *window)
{
    if (strstr(row->op, "Lp"))
        sth_node_set_int(node, "p", window->p);
    if (row->global)
        return;
    sth_node_set_ints(node, "kernel_shape", window->kernel, window->n);
    sth_node_set_ints(node, "strides", window->stride, window->n);
    sth_node_set_ints(node, "dilations", window->dilation, window->n);
    sth_node_set_ints(node, "pads", window->pads, 2 * window->n);
    sth_node_set_int(node, "ceil_mode", window->ceil_mode);
    if (row->option)
        sth_node_set_int(node, row->option, window->option);
}

/* The elements under the window at output @at of one plane. */
static void gather(const Window *window, const float *plane, const gint64 *at, double *inside, Taps *taps)
{
    *taps = (Taps){.inside = inside, .n_taps = 1};
    for (guint i = 0; i < window->n; i++)
        taps->n_taps *= (guint)window->kernel[i];
    for (guint tap = 0; tap < taps->n_taps; tap++) {
        gboolean in = TRUE, padded = TRUE;
        gint64 index = 0, rest = tap, place[MAX_AXES];
        for (guint i = window->n; i-- > 0; rest /= window->kernel[i])
            place[i] = at[i] * window->stride[i] + rest % window->kernel[i] * window->dilation[i] - window->pads[i];
        for (guint i = 0; i < window->n; i++) {
            in = in && place[i] >= 0 && place[i] < window->in[i];
            padded = padded && place[i] < window->in[i] + window->pads[i + window->n];
            index = index * window->in[i] + place[i];
        }
        taps->n_padded += padded;
        if (in)
            inside[taps->n_inside++] = plane[index];
    }
}

static void check_positions(const Window *window, const SthTensor *in, const SthTensor *out, const SthTensor *positions)
{
    gint64 size = sth_shape_elements(&in->shape) / (in->shape.dims[0] * in->shape.dims[1]);
    for (gint64 i = 0; i < sth_shape_elements(&out->shape); i++) {
        gint64 at = ((const gint64 *)positions->data)[i], rest = at % size, from = 0, stride = 1;
        float value = ((const float *)out->data)[i];
        g_assert_cmpint(at < 0, ==, isinf(value) != 0);
        if (at < 0)
            continue;
        /* With storage_order the first axis is the fastest. */
        for (guint axis = window->n; axis-- > 0 && window->option;)
            stride *= window->in[axis];
        for (guint axis = window->n; axis-- > 0 && window->option;) {
            stride /= window->in[axis];
            gint64 after = 1;
            for (guint later = axis + 1; later < window->n; later++)
                after *= window->in[later];
            from += rest / stride * after;
            rest %= stride;
        }
        g_assert_cmpfloat(((const float *)in->data)[window->option ? at - at % size + from : at], ==, value);
    }
}

static void check(const Row *row, const Window *window, const SthTensor *in, const SthTensor *out)
{
    gint64 planes = in->shape.dims[0] * in->shape.dims[1], size = sth_shape_elements(&in->shape) / planes;
    gint64 n = sth_shape_elements(&out->shape) / planes;
    double *inside = g_new(double, MAX(size, 64));
    for (gint64 i = 0; i < planes * n; i++) {
        gint64 at[MAX_AXES], rest = i % n;
        Taps taps;
        for (guint axis = window->n; axis-- > 0; rest /= out->shape.dims[2 + axis])
            at[axis] = rest % out->shape.dims[2 + axis];
        gather(window, (const float *)in->data + i / n * size, at, inside, &taps);
        double want = row->expect(window, &taps), got = ((const float *)out->data)[i];
        if (got != want && !(fabs(got - want) <= 1e-5 * fabs(want) + 1e-4))
            g_error("%s: element %" G_GINT64_FORMAT " is %g, it should be %g", row->op, i, got, want);
    }
    g_free(inside);
}

static void test_row(gconstpointer data)
{
    const Row *row = data;
    const guint n_out = strcmp(row->op, "MaxPool") == 0 ? 2 : 1;
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        Window window;
        SthShape shape;
        SthTensor out[2] = {0}, again[2] = {0};
        choose(&window, row, &shape);
        op_harness_init(&harness, row->op, row->opset);
        const SthTensor *in = &op_harness_random(&harness, &shape)->tensor;
        set_attributes(harness.node, row, &window);
        op_harness_run(&harness, 1, n_out, out);
        op_harness_run(&harness, 4, n_out, again);
        check(row, &window, in, &out[0]);
        if (n_out > 1)
            check_positions(&window, in, &out[0], &out[1]);
        for (guint i = 0; i < n_out; i++) {
            g_assert_cmpmem(out[i].data, sth_tensor_bytes(&out[i]), again[i].data, sth_tensor_bytes(&again[i]));
            sth_aligned_free(out[i].data);
            sth_aligned_free(again[i].data);
        }
        op_harness_clear(&harness);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *path = g_strdup_printf("/ops/pooling/%s-%d", rows[i].op, rows[i].opset);
        g_test_add_data_func(path, &rows[i], test_row);
        g_free(path);
    }
    return g_test_run();
}
