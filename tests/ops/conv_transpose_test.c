/* Transposed convolutions of random shapes against their definition; the same bits with one thread and with several. Numbers are whole, so that
 * sums are exact in any order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/memory.h"
#include "op-harness.h"

#define ROUNDS 300
#define MAX_AXES 3

typedef struct {
    guint n;                                         /* axes */
    gint64 batch, groups, in_channels, out_channels; /* of a group */
    gint64 in[MAX_AXES], out[MAX_AXES], kernel[MAX_AXES], stride[MAX_AXES], dilation[MAX_AXES], pads[2 * MAX_AXES], more[MAX_AXES];
    gboolean bias;
} Case;

static gint64 roll(gint64 from, gint64 to)
{
    return g_test_rand_int_range((gint32)from, (gint32)to + 1);
}

static void choose(Case *c)
{
    memset(c, 0, sizeof *c);
    c->n = (guint)roll(1, MAX_AXES);
    c->batch = roll(1, 2);
    c->groups = roll(0, 2) ? 1 : roll(2, 4);
    c->in_channels = roll(1, 6);
    c->out_channels = roll(1, c->n == 1 ? 150 : 8);
    c->bias = roll(0, 1) != 0;
    for (guint i = 0; i < c->n; i++) {
        do {
            c->in[i] = roll(1, c->n == 1 ? 400 : c->n == 2 ? 30 : 6);
            c->kernel[i] = roll(1, 4);
            c->stride[i] = roll(1, 4);
            c->dilation[i] = roll(1, 2);
            c->pads[i] = roll(0, 3);
            c->pads[i + c->n] = roll(0, 3);
            c->more[i] = roll(0, c->stride[i] - 1);
            c->out[i] = (c->in[i] - 1) * c->stride[i] + (c->kernel[i] - 1) * c->dilation[i] + 1 + c->more[i] - c->pads[i] - c->pads[i + c->n];
        } while (c->out[i] < 1);
    }
}

static SthShape shape_of(const Case *c, gint64 first, gint64 second, const gint64 *axes)
{
    SthShape shape = {.rank = 2 + c->n, .dims = {first, second}};
    memcpy(shape.dims + 2, axes, c->n * sizeof *axes);
    return shape;
}

/* Walks all positions of @axes. */
static gboolean next(const Case *c, gint64 *at, const gint64 *axes)
{
    for (guint i = c->n; i-- > 0;) {
        if (++at[i] < axes[i])
            return TRUE;
        at[i] = 0;
    }
    return FALSE;
}

static gint64 volume(const Case *c, const gint64 *axes)
{
    gint64 n = 1;
    for (guint i = 0; i < c->n; i++)
        n *= axes[i];
    return n;
}

/* out[in * stride + tap * dilation - pad] += x[in] * w[tap], for one pair of channels. */
static void add_channel(const Case *c, const float *x, const float *w, double *out)
{
    gint64 at[MAX_AXES] = {0};
    for (gint64 i = 0, more = TRUE; more; i++, more = next(c, at, c->in)) {
        gint64 tap[MAX_AXES] = {0};
        for (gint64 k = 0, taps = TRUE; taps; k++, taps = next(c, tap, c->kernel)) {
            gint64 index = 0;
            gboolean inside = TRUE;
            for (guint axis = 0; axis < c->n; axis++) {
                gint64 place = at[axis] * c->stride[axis] + tap[axis] * c->dilation[axis] - c->pads[axis];
                inside = inside && place >= 0 && place < c->out[axis];
                index = index * c->out[axis] + place;
            }
            if (inside)
                out[index] += (double)x[i] * (double)w[k];
        }
    }
}

static void check(const Case *c, const float *x, const float *w, const float *bias, const float *got)
{
    gint64 in = volume(c, c->in), out = volume(c, c->out), taps = volume(c, c->kernel), channels = c->groups * c->out_channels;
    double *want = g_new(double, (gsize)out);
    for (gint64 n = 0; n < c->batch; n++)
        for (gint64 m = 0; m < channels; m++) {
            gint64 group = m / c->out_channels;
            for (gint64 i = 0; i < out; i++)
                want[i] = bias ? (double)bias[m] : 0;
            for (gint64 k = 0; k < c->in_channels; k++)
                add_channel(c, x + ((n * c->groups + group) * c->in_channels + k) * in,
                            w + ((group * c->in_channels + k) * c->out_channels + m % c->out_channels) * taps, want);
            for (gint64 i = 0; i < out; i++)
                g_assert_cmpfloat((double)got[(n * channels + m) * out + i], ==, want[i]);
        }
    g_free(want);
}

static void test_random(void)
{
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        Case c;
        SthTensor out = {0}, again = {0};
        choose(&c);
        op_harness_init(&harness, "ConvTranspose", 11);
        SthShape in = shape_of(&c, c.batch, c.groups * c.in_channels, c.in);
        SthShape weight = shape_of(&c, c.groups * c.in_channels, c.out_channels, c.kernel);
        SthShape biases = {.rank = 1, .dims = {c.groups * c.out_channels}};
        const float *x = op_harness_random(&harness, &in)->tensor.data, *w = op_harness_random(&harness, &weight)->tensor.data;
        const float *b = c.bias ? op_harness_random(&harness, &biases)->tensor.data : NULL;
        sth_node_set_ints(harness.node, "strides", c.stride, c.n);
        sth_node_set_ints(harness.node, "dilations", c.dilation, c.n);
        sth_node_set_ints(harness.node, "pads", c.pads, 2 * c.n);
        sth_node_set_ints(harness.node, "output_padding", c.more, c.n);
        sth_node_set_int(harness.node, "group", c.groups);
        op_harness_run(&harness, 1, 1, &out);
        op_harness_run(&harness, 4, 1, &again);
        g_assert_cmpint(sth_shape_elements(&out.shape), ==, c.batch * c.groups * c.out_channels * volume(&c, c.out));
        check(&c, x, w, b, out.data);
        g_assert_cmpmem(out.data, sth_tensor_bytes(&out), again.data, sth_tensor_bytes(&again));
        sth_aligned_free(out.data);
        sth_aligned_free(again.data);
        op_harness_clear(&harness);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/conv-transpose/random", test_random);
    return g_test_run();
}
