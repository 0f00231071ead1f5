/* ConvTranspose: one to three axes, any kernel, stride, dilation, padding and number of groups.
 *
 * A convolution read backwards: its `out` is this one's input, its `in` this one's output. Of one group and image, A' (taps of all output
 * channels x input channels) times the input gives for each input position what each tap adds to the output; the sums are scattered (columns.c).
 * Some output channels are one part of work, whatever the number of threads, so that nobody else writes where they add.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/columns.h"
#include "ops/matrix.h"

#define TILE_BYTES (512 * 1024) /* of products, in a thread's memory: about the second cache */
#define MIN_COLS 32
#define MAX_COLS 2048
#define PART_ROWS 128 /* taps of all channels of a part: enough for OpenBLAS */
#define MIN_ITEMS 16  /* parts of work, so that a few threads share them evenly */

typedef struct {
    SthSliding sliding; /* of the convolution that this one reverses */
    gsize batch, groups;
    gsize in_channels, out_channels; /* of one group */
    gsize part, parts;               /* output channels of a part of work; parts of a group */
    gsize tile;                      /* input positions of a product */
} Transpose;

/* Pads that give the wanted size: the uneven one goes to the end for SAME_UPPER, else to the beginning. */
static void split_pads(SthSliding *s, guint axis, gint64 total, gboolean upper)
{
    total = MAX(0, total);
    s->pad[axis] = upper ? total / 2 : total - total / 2;
    s->pad_end[axis] = total - s->pad[axis];
}

/* Sets pads and the output's size. */
static gboolean set_sizes(SthSliding *s, SthNode *node, guint n, GError **error)
{
    const char *mode = sth_node_string(node, "auto_pad", "NOTSET");
    const gboolean upper = strcmp(mode, "SAME_UPPER") == 0, same = upper || strcmp(mode, "SAME_LOWER") == 0;
    gint64 more[STH_AXES] = {0}, wanted[STH_AXES] = {0};

    if (!same && strcmp(mode, "NOTSET") != 0 && strcmp(mode, "VALID") != 0)
        return sth_op_error(node, error, "auto_pad '%s' is not supported: use NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode);
    if (!sth_sliding_read_axes(node, "output_padding", n, 0, more, error) || !sth_sliding_read_axes(node, "output_shape", n, 1, wanted, error))
        return FALSE;
    if (strcmp(mode, "NOTSET") == 0 && !sth_sliding_read_pads(s, node, n, error))
        return FALSE;
    for (guint axis = STH_AXES - n; axis < STH_AXES; axis++) {
        const gint64 full = s->stride[axis] * (s->out[axis] - 1) + sth_sliding_span(s, axis) + more[axis];

        if (wanted[axis] == 0 && same)
            wanted[axis] = s->out[axis] * s->stride[axis];
        if (wanted[axis] > 0)
            split_pads(s, axis, full - wanted[axis], upper);
        s->in[axis] = wanted[axis] > 0 ? wanted[axis] : full - s->pad[axis] - s->pad_end[axis];
        if (s->in[axis] < 1 || s->in[axis] > G_MAXINT32)
            return sth_op_error(node, error, "the result would be %" G_GINT64_FORMAT " elements long", s->in[axis]);
    }
    return TRUE;
}

static gboolean init(Transpose *t, SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape, *weight = &sth_op_in(node, 1)->shape;
    const gint64 groups = sth_node_int(node, "group", 1);

    if (!sth_sliding_read(&t->sliding, node, weight, error))
        return FALSE;
    memcpy(t->sliding.out, t->sliding.in, sizeof t->sliding.out);
    if (groups < 1 || weight->dims[0] % groups || in->dims[1] != weight->dims[0] || weight->dims[1] > G_MAXINT32 / groups)
        return sth_op_error(node, error,
                            "%" G_GINT64_FORMAT " channels, weights for %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT " groups do not fit together",
                            in->dims[1], weight->dims[0], groups);
    t->batch = (gsize)in->dims[0];
    t->groups = (gsize)groups;
    t->in_channels = (gsize)(weight->dims[0] / groups);
    t->out_channels = (gsize)weight->dims[1];
    return set_sizes(&t->sliding, node, in->rank - 2, error);
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthValue *bias = sth_node_input(node, 2);
    SthShape shape = sth_op_in(node, 0)->shape;
    Transpose t;

    for (guint i = 0; i < (bias ? 3 : 2); i++)
        if (!sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
    if (!init(&t, node, error))
        return FALSE;
    shape.dims[1] = (gint64)(t.groups * t.out_channels);
    if (bias && (bias->tensor.shape.rank != 1 || bias->tensor.shape.dims[0] != shape.dims[1]))
        return sth_op_error(node, error, "the bias '%s' has not one number for each output channel", bias->name);
    for (guint i = 2; i < shape.rank; i++)
        shape.dims[i] = t.sliding.in[STH_AXES - shape.rank + i];
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

/* A product of @channels output channels' taps with @columns positions. */
static SthMatrix3 product_of(const Transpose *t, gsize channels, gsize columns)
{
    return (SthMatrix3){.dtype = STH_DTYPE_FLOAT, .trans_a = TRUE, .m = channels * sth_sliding_taps(&t->sliding), .n = columns, .k = t->in_channels};
}

static gboolean prepare(SthNode *node, GError **error)
{
    Transpose *t = g_new0(Transpose, 1);
    gsize taps, positions, items;

    node->prepared = t;
    if (!init(t, node, error))
        return FALSE;
    taps = sth_sliding_taps(&t->sliding);
    positions = sth_sliding_out(&t->sliding);
    const SthMatrix3 whole = product_of(t, t->out_channels, positions);
    if (!sth_matrix_check(&whole, node, error))
        return FALSE;
    t->part = CLAMP(PART_ROWS / taps, 1, MAX(1, t->out_channels));
    items = MAX(1, t->batch * t->groups * t->out_channels);
    t->part = MIN(t->part, MAX(1, items / MIN_ITEMS));
    t->parts = (t->out_channels + t->part - 1) / t->part;
    t->tile = MIN(CLAMP(TILE_BYTES / (t->part * taps * sizeof(float)), MIN_COLS, MAX_COLS), MAX(1, positions));
    node->thread_scratch = t->part * taps * t->tile * sizeof(float);
    node->macs = t->batch * t->groups * t->in_channels * t->out_channels * taps * positions;
    return TRUE;
}

/* @item = (image * groups + group) * parts + part. */
static void run_part(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Transpose *t = run->prepared;
    const gsize taps = sth_sliding_taps(&t->sliding), positions = sth_sliding_out(&t->sliding), size = sth_sliding_in(&t->sliding);
    const gsize index = item / t->parts, first = item % t->parts * t->part, channels = MIN(t->part, t->out_channels - first);
    const gsize channel = index % t->groups * t->out_channels + first;
    const float *in = (const float *)run->in[0].data + index * t->in_channels * positions;
    const float *weight = (const float *)run->in[1].data + (index % t->groups * t->in_channels * t->out_channels + first) * taps;
    const float *bias = run->n_in > 2 && run->in[2].dtype != STH_DTYPE_INVALID ? (const float *)run->in[2].data + channel : NULL;
    float *out = (float *)run->out[0].data + (index * t->out_channels + first) * size;
    float *products = (float *)(gpointer)(run->thread_scratch + thread * run->thread_stride);

    for (gsize c = 0; c < channels; c++)
        for (gsize i = 0; i < size; i++)
            out[c * size + i] = bias ? bias[c] : 0;
    for (gsize from = 0; from < positions; from += t->tile) {
        const SthMatrix3 product = product_of(t, channels, MIN(t->tile, positions - from));

        sth_matrix_product(&product, weight, t->out_channels * taps, in + from, positions, products, product.n);
        for (gsize c = 0; c < channels; c++)
            sth_columns_scatter(&t->sliding, products + c * taps * product.n, from, product.n, out + c * size);
    }
}

static void run(const SthOpRun *run)
{
    const Transpose *t = run->prepared;

    sth_op_parallel(run, run_part, (gpointer)run, (guint)(t->batch * t->groups * t->parts));
}

extern const SthOp sth_op_conv_transpose;
const SthOp sth_op_conv_transpose = {.name = "ConvTranspose", .since = 1, .min_in = 2, .max_in = 3, .infer = infer, .prepare = prepare, .run = run};
