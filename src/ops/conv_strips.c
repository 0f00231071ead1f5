/* Convolution on strips of the image: for few channels, as stems have, kernels with more than one tap, and strides up to two.
 *
 * A part of work is some rows of results of one frame. What they depend on is copied once with its zero padding, into a thread's memory:
 *
 *   x  [temporal tap][channel][row][column]
 *   y  results of one panel of STH_BLOCK channels   [row, column][STH_BLOCK]
 *   z  their maxima, where a MaxPool follows        [row, column][STH_BLOCK]
 *
 * A panel then reads its inputs where they lie, a tap being an offset: nothing is gathered. Rows of weights, a row being an input channel and a
 * tap, that are all zero in a panel are left out when they are packed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/conv_max_pool.h"

#define B STH_BLOCK
#define CACHE_BYTES (448 * 1024) /* of x: half of a small second cache */
#define LEAST_PARTS 16           /* of work, so that a few threads share it evenly */
#define MOST_CHANNELS 32         /* of the input: with more, weights come from far for the few results of a strip, and gathering costs less */

/* The rows of weights of one panel at one temporal tap. */
typedef struct {
    const float *weights;
    guint first_run, n_runs;
} Rows;

typedef struct {
    SthConv conv;
    const SthSliding *result; /* makes the results: the pool if there is one, else the convolution */
    guint n_panels;
    Rows *rows; /* [panel][temporal tap] */
    GArray *runs;
    float *weights, *bias;
    gsize bytes;                             /* of weights */
    gboolean by_channel;                     /* the rows of a run are channels, else columns of the kernel */
    gsize band_rows, bands;                  /* of the results of a frame */
    gsize y_rows;                            /* of the convolution, that a band of results depends on */
    gsize x_rows, x_pitch, x_channel, x_tap; /* rows and floats */
} Strips;

/* One run. */
typedef struct {
    const Strips *s;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
} Job;

/* Of one frame. */
static gsize plane_taps(const SthSliding *s)
{
    return (gsize)(s->kernel[STH_H] * s->kernel[STH_W]);
}

static gboolean takes(const SthConv *conv, const float *weight)
{
    const SthSliding *s = &conv->sliding;

    return conv->groups == 1 && conv->in_channels <= MOST_CHANNELS && s->stride[STH_W] <= 2 && plane_taps(s) > 1 && s->pad[STH_H] >= 0 &&
           s->pad[STH_W] >= 0;
}

/* Rows of @rows results, and x for them. */
static void set_sizes(Strips *strips, gsize rows)
{
    const SthSliding *s = &strips->conv.sliding, *pool = strips->conv.pool;

    strips->band_rows = rows;
    strips->y_rows = pool ? (rows - 1) * (gsize)pool->stride[STH_H] + (gsize)pool->kernel[STH_H] : rows;
    strips->x_rows = (strips->y_rows - 1) * (gsize)s->stride[STH_H] + (gsize)sth_sliding_span(s, STH_H);
    strips->x_pitch = ((gsize)s->out[STH_W] - 1) * (gsize)s->stride[STH_W] + (gsize)sth_sliding_span(s, STH_W);
    strips->x_channel = strips->x_rows * strips->x_pitch;
    strips->x_tap = strips->conv.in_channels * strips->x_channel;
}

static void choose_sizes(Strips *strips)
{
    const SthSliding *s = &strips->conv.sliding;
    const gsize height = (gsize)strips->result->out[STH_H], frames = strips->conv.batch * (gsize)s->out[STH_T];
    gsize bands = MIN(height, (LEAST_PARTS + frames - 1) / frames);

    do
        set_sizes(strips, (height + bands - 1) / bands);
    while (strips->x_tap * (gsize)s->kernel[STH_T] * sizeof(float) > CACHE_BYTES && bands++ < height);
    strips->bands = (height + strips->band_rows - 1) / strips->band_rows;
}

/* The weights of a row of a panel, a pair of input channel and tap, to @to; FALSE if all are zero. */
static gboolean read_row(const SthConv *conv, const float *weight, guint panel, gsize channel, gsize t, gsize tap, float *to)
{
    const gsize depth = (gsize)conv->sliding.kernel[STH_T], taps = plane_taps(&conv->sliding);
    gboolean used = FALSE;

    for (gsize l = 0; l < B && panel * B + l < conv->out_channels; l++) {
        to[l] = weight[(((panel * B + l) * conv->in_channels + channel) * depth + t) * taps + tap];
        used = used || to[l] != 0;
    }
    return used;
}

static gsize count_rows(const SthConv *conv, guint n_panels, const float *weight)
{
    const gsize depth = (gsize)conv->sliding.kernel[STH_T], taps = plane_taps(&conv->sliding);
    gsize n = 0;
    float row[B];

    for (guint panel = 0; panel < n_panels; panel++)
        for (gsize channel = 0; channel < conv->in_channels; channel++)
            for (gsize i = 0; i < depth * taps; i++)
                n += read_row(conv, weight, panel, channel, i / taps, i % taps, row);
    return n;
}

/* Appends a row to a panel's, unless all of its weights are zero; returns the place for the next one. */
static float *pack_row(Strips *strips, const float *weight, guint panel, gsize t, gsize tap, gsize channel, Rows *rows, float *to)
{
    const SthSliding *s = &strips->conv.sliding;
    const gsize h = tap / (gsize)s->kernel[STH_W] * (gsize)s->dilation[STH_H], w = tap % (gsize)s->kernel[STH_W] * (gsize)s->dilation[STH_W];
    const SthPanelRun run = {(gssize)(channel * strips->x_channel + h * strips->x_pitch + w), 1};
    const gsize step = strips->by_channel ? strips->x_channel : (gsize)s->dilation[STH_W];
    SthPanelRun *last = rows->n_runs ? &g_array_index(strips->runs, SthPanelRun, strips->runs->len - 1) : NULL;

    if (!read_row(&strips->conv, weight, panel, channel, t, tap, to))
        return to;
    if (last && last->offset + (gssize)(last->count * step) == run.offset) {
        last->count++;
    } else {
        if (rows->n_runs++ == 0)
            rows->first_run = strips->runs->len;
        g_array_append_val(strips->runs, run);
    }
    return to + B;
}

static void pack(Strips *strips, const float *weight, const float *bias)
{
    const SthConv *conv = &strips->conv;
    const gsize taps = plane_taps(&conv->sliding), depth = (gsize)conv->sliding.kernel[STH_T], rows = taps * conv->in_channels;
    float *to;

    strips->n_panels = (guint)((conv->out_channels + B - 1) / B);
    strips->by_channel = conv->in_channels >= (gsize)conv->sliding.kernel[STH_W];
    strips->rows = g_new0(Rows, strips->n_panels * depth);
    strips->runs = g_array_new(FALSE, FALSE, sizeof(SthPanelRun));
    strips->bias = g_new0(float, strips->n_panels *B);
    strips->bytes = (count_rows(conv, strips->n_panels, weight) + 1) * B * sizeof(float); /* a row more is tried */
    to = strips->weights = sth_aligned_alloc(strips->bytes);
    for (guint panel = 0; panel < strips->n_panels; panel++)
        for (gsize t = 0; t < depth; t++) {
            Rows *part = &strips->rows[panel * depth + t];

            part->weights = to;
            for (gsize i = 0; i < rows; i++)
                to = strips->by_channel ? pack_row(strips, weight, panel, t, i / conv->in_channels, i % conv->in_channels, part, to)
                                        : pack_row(strips, weight, panel, t, i % taps, i / taps, part, to);
        }
    if (bias)
        memcpy(strips->bias, bias, conv->out_channels * sizeof *bias);
}

static gsize x_bytes(const Strips *strips)
{
    return STH_ALIGN_UP(strips->x_tap * (gsize)strips->conv.sliding.kernel[STH_T] * sizeof(float));
}

static gsize y_bytes(const Strips *strips)
{
    return strips->y_rows * (gsize)strips->conv.sliding.out[STH_W] * B * sizeof(float);
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    Strips *strips = g_new0(Strips, 1);

    strips->conv = *conv;
    strips->result = conv->pool ? conv->pool : &strips->conv.sliding;
    choose_sizes(strips);
    pack(strips, weight, bias);
    node->prepared_bytes = strips->bytes;
    node->thread_scratch =
        x_bytes(strips) + y_bytes(strips) + (conv->pool ? strips->band_rows * (gsize)conv->pool->out[STH_W] * B * sizeof(float) : 0);
    return strips;
}

/* One channel of an input frame, from row @first on, with its padding. */
static void load_channel(const Strips *strips, float *x, const float *in, gint64 first, gsize rows)
{
    const SthSliding *s = &strips->conv.sliding;
    const gsize left = MIN((gsize)s->pad[STH_W], strips->x_pitch), end = MIN(left + (gsize)s->in[STH_W], strips->x_pitch);

    for (gsize i = 0; i < rows; i++, x += strips->x_pitch) {
        const gint64 row = first + (gint64)i;

        if (row < 0 || row >= s->in[STH_H]) {
            memset(x, 0, strips->x_pitch * sizeof *x);
            continue;
        }
        memset(x, 0, left * sizeof *x);
        memcpy(x + left, in + row * s->in[STH_W], (end - left) * sizeof *x);
        memset(x + end, 0, (strips->x_pitch - end) * sizeof *x);
    }
}

/* The results of one panel, @rows rows; @first_tap…@end_tap-1 are the temporal taps that are inside of the input. */
static void sum_panel(const Job *job, guint index, gsize rows, gsize first_tap, gsize end_tap, const float *x, float *y)
{
    const Strips *strips = job->s;
    const SthSliding *s = &strips->conv.sliding;
    const gsize width = (gsize)s->out[STH_W];
    SthPanel panel = {
        .row_step = strips->by_channel ? (gssize)strips->x_channel : (gssize)s->dilation[STH_W],
        .step = (gsize)s->stride[STH_W],
        .n = (guint)width,
        .bias = strips->bias + index * B,
        .min = -INFINITY,
        .max = INFINITY,
    };

    for (gsize t = first_tap; t < MAX(end_tap, first_tap + 1); t++) { /* once at least, for the bias */
        const Rows *part = &strips->rows[index * (gsize)s->kernel[STH_T] + MIN(t, (gsize)s->kernel[STH_T] - 1)];

        panel.a = part->weights;
        panel.n_runs = t < end_tap ? part->n_runs : 0;
        panel.runs = &g_array_index(strips->runs, SthPanelRun, part->first_run);
        for (gsize row = 0; row < rows && (panel.n_runs > 0 || !panel.accumulate); row++) {
            panel.b = x + t * strips->x_tap + row * (gsize)s->stride[STH_H] * strips->x_pitch;
            panel.c = y + row * width * B;
            job->kernels->panel(&panel);
        }
        panel.accumulate = TRUE;
    }
}

/* The maxima of a panel: a row of results from the convolution's rows in y, of which the first one is @first. */
static void pool_row(const Job *job, gint64 row, gint64 first, const float *y, float *z)
{
    const SthSliding *pool = job->s->conv.pool;
    const gint64 width = pool->in[STH_W], stride = pool->stride[STH_W], pad = pool->pad[STH_W], kernel = pool->kernel[STH_W];
    const gint64 inner = MIN(pool->out[STH_W], (pad + stride - 1) / stride), outer = MAX(inner, (width - kernel + pad) / stride + 1);
    const gint64 top = row * pool->stride[STH_H] - pool->pad[STH_H];

    for (gint64 x = 0, n; x < pool->out[STH_W]; x += n) {
        const gint64 left = x * stride - pad;
        const float *taps[STH_CONV_POOL_TAPS];
        guint n_taps = 0;

        for (gint64 h = MAX(top, 0); h < MIN(top + pool->kernel[STH_H], pool->in[STH_H]); h++)
            for (gint64 w = MAX(left, 0); w < MIN(left + kernel, width); w++)
                taps[n_taps++] = y + ((h - first) * width + w) * B;
        n = x == inner ? MIN(outer, pool->out[STH_W]) - inner : 1; /* those that have all taps at once */
        n = MAX(n, 1);
        job->kernels->block_maximum(z + x * B, (gsize)n, taps, (gsize)stride * B, n_taps);
    }
}

/* The convolution's rows that results depend on. */
static void find_rows(const Strips *strips, gsize first, gsize rows, gsize *first_y, gsize *y_rows)
{
    const SthSliding *pool = strips->conv.pool;
    gint64 from, end;

    *first_y = first;
    *y_rows = rows;
    if (!pool)
        return;
    from = (gint64)first * pool->stride[STH_H] - pool->pad[STH_H];
    end = from + (gint64)(rows - 1) * pool->stride[STH_H] + pool->kernel[STH_H];
    from = MAX(from, 0);
    *first_y = (gsize)from;
    *y_rows = (gsize)(MIN(end, pool->in[STH_H]) - from);
}

/* @item = frame * bands + band; frames count over the images of the batch. */
static void run_strip(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Strips *strips = job->s;
    const SthConv *conv = &strips->conv;
    const SthSliding *s = &conv->sliding, *result = strips->result;
    const gsize frame = item / strips->bands, image = frame / (gsize)s->out[STH_T], width = (gsize)result->out[STH_W],
                depth = (gsize)s->kernel[STH_T];
    const gsize first = item % strips->bands * strips->band_rows, rows = MIN(strips->band_rows, (gsize)result->out[STH_H] - first);
    const gsize in_plane = sth_sliding_in(s), out_plane = sth_sliding_out(result), t_out = frame % (gsize)s->out[STH_T];
    float *x = (float *)(job->run->thread_scratch + thread * job->run->thread_stride);
    float *y = (float *)((guint8 *)x + x_bytes(strips)), *z = conv->pool ? (float *)((guint8 *)y + y_bytes(strips)) : y;
    gsize first_tap = depth, end_tap = 0, first_y, y_rows;

    find_rows(strips, first, rows, &first_y, &y_rows);
    for (gsize tap = 0; tap < depth; tap++) {
        const gint64 t = (gint64)t_out * s->stride[STH_T] + (gint64)tap * s->dilation[STH_T] - s->pad[STH_T];
        const float *in = job->in + image * conv->in_channels * in_plane + (gsize)(MAX(t, 0) * s->in[STH_H] * s->in[STH_W]);

        if (t < 0 || t >= s->in[STH_T])
            continue;
        first_tap = MIN(first_tap, tap);
        end_tap = tap + 1;
        for (gsize c = 0; c < conv->in_channels; c++)
            load_channel(strips, x + tap * strips->x_tap + c * strips->x_channel, in + c * in_plane,
                         (gint64)first_y * s->stride[STH_H] - s->pad[STH_H],
                         (y_rows - 1) * (gsize)s->stride[STH_H] + (gsize)sth_sliding_span(s, STH_H));
    }
    for (guint i = 0; i < strips->n_panels; i++) {
        const gsize at = (image * conv->out_channels + i * B) * out_plane + (t_out * (gsize)result->out[STH_H] + first) * width;

        sum_panel(job, i, y_rows, first_tap, end_tap, x, y);
        for (gsize row = 0; row < rows && conv->pool; row++)
            pool_row(job, (gint64)(first + row), (gint64)first_y, y, z + row * width * B);
        job->kernels->from_blocked(job->out + at, out_plane, z, job->residual ? job->residual + at : NULL, (guint)MIN(B, conv->out_channels - i * B),
                                   rows * width, conv->min, conv->max);
    }
}

static void run_all(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const Strips *strips = prepared;
    Job job = {strips, run, sth_kernels(), in, residual, out};

    sth_op_parallel(run, run_strip, &job, (guint)(strips->conv.batch * (gsize)strips->conv.sliding.out[STH_T] * strips->bands));
}

static void release(gpointer prepared)
{
    Strips *strips = prepared;

    g_free(strips->rows);
    g_array_unref(strips->runs);
    g_free(strips->bias);
    sth_aligned_free(strips->weights);
    g_free(strips);
}

const SthConvMethod sth_conv_strips = {"strips", takes, prepare, run_all, release, TRUE};
