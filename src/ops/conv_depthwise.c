/* Depthwise convolution: each input channel has its own kernels.
 *
 * A result is a sum of shifted and weighted images. Each input image (one frame of a channel) is copied once, with its zero padding, into the
 * thread's memory; along a row the copy is split into `stride` phases, so that every tap reads consecutive numbers whatever the stride; a row's
 * stride is a pitch. Frames that the kernel spans stay in a ring. A kernel whose taps never leave the image (a temporal one) reads the input
 * itself. Zero taps are dropped when the model is opened.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/conv.h"

typedef struct {
    float weight;
    gint32 t;             /* frames from the output's first frame */
    gsize padded, direct; /* offset in a padded frame, in the input's frame */
} Tap;

typedef struct {
    guint first, n;      /* its taps */
    gint32 t_min, t_max; /* of them */
    gboolean direct;
    float bias;
} Filter;

typedef struct {
    SthConv conv;
    Filter *filters; /* one an output channel */
    GArray *taps;    /* of Tap */
    gsize phase;     /* floats of one phase of a padded row */
    gsize pitch;     /* floats of a padded row: all phases */
    gsize rows;      /* of a padded frame */
    gsize frame;     /* floats of a padded frame, a multiple of a cache line */
    gint64 ring;     /* padded frames kept */
} Depthwise;

/* One run. */
typedef struct {
    const Depthwise *d;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
} Job;

static gboolean takes(const SthConv *conv, const float *weight)
{
    return conv->in_channels == 1 && conv->groups > 1;
}

/* All outputs' rows and columns for this tap are inside of the input, and neighbours there. */
static gboolean tap_is_direct(const SthSliding *s, gint64 h, gint64 w)
{
    gint64 first, end;

    sth_sliding_range(s, STH_H, h, &first, &end);
    if (first != 0 || end != s->out[STH_H] || s->stride[STH_W] != 1)
        return FALSE;
    sth_sliding_range(s, STH_W, w, &first, &end);
    return first == 0 && end == s->out[STH_W];
}

static void add_tap(Depthwise *d, Filter *filter, float weight, gint64 t, gint64 h, gint64 w)
{
    const SthSliding *s = &d->conv.sliding;
    gint64 row = h * s->dilation[STH_H], column = w * s->dilation[STH_W];
    Tap tap = {.weight = weight, .t = (gint32)(t * s->dilation[STH_T])};

    tap.padded = (gsize)row * d->pitch + (gsize)(column % s->stride[STH_W]) * d->phase + (gsize)(column / s->stride[STH_W]);
    if (tap_is_direct(s, h, w))
        tap.direct = (gsize)((row - s->pad[STH_H]) * s->in[STH_W] + column - s->pad[STH_W]);
    else
        filter->direct = FALSE;
    filter->t_min = MIN(filter->t_min, tap.t);
    filter->t_max = MAX(filter->t_max, tap.t);
    filter->n++;
    g_array_append_val(d->taps, tap);
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    const SthSliding *s = &conv->sliding;
    Depthwise *d = g_new0(Depthwise, 1);
    gsize channels = conv->groups * conv->out_channels, taps = sth_sliding_taps(s);

    d->conv = *conv;
    d->filters = g_new0(Filter, channels);
    d->taps = g_array_new(FALSE, FALSE, sizeof(Tap));
    d->phase = (gsize)(s->out[STH_W] + (s->kernel[STH_W] - 1) * s->dilation[STH_W] / s->stride[STH_W]);
    d->pitch = d->phase * (gsize)s->stride[STH_W];
    d->rows = (gsize)((s->out[STH_H] - 1) * s->stride[STH_H] + (s->kernel[STH_H] - 1) * s->dilation[STH_H] + 1);
    d->frame = STH_ALIGN_UP(d->rows * d->pitch * sizeof(float)) / sizeof(float);
    d->ring = (s->kernel[STH_T] - 1) * s->dilation[STH_T] + 1;
    for (gsize c = 0; c < channels; c++) {
        Filter *filter = &d->filters[c];

        *filter = (Filter){.first = d->taps->len, .t_min = G_MAXINT32, .t_max = G_MININT32, .direct = TRUE, .bias = bias ? bias[c] : 0};
        for (gint64 t = 0; t < s->kernel[STH_T]; t++)
            for (gint64 h = 0; h < s->kernel[STH_H]; h++)
                for (gint64 w = 0; w < s->kernel[STH_W]; w++, weight++)
                    if (*weight != 0)
                        add_tap(d, filter, *weight, t, h, w);
    }
    node->prepared_bytes = channels * sizeof *d->filters + d->taps->len * sizeof(Tap);
    node->thread_scratch = d->frame * (gsize)d->ring * sizeof(float) + STH_ALIGN_UP(taps * sizeof(float *)) + STH_ALIGN_UP(taps * sizeof(float));
    return d;
}

/* One row of the input, in[0…n-1], to one padded row. */
static void pad_row(const Depthwise *d, const SthKernels *k, float *out, const float *in)
{
    const SthSliding *s = &d->conv.sliding;
    const gint64 stride = s->stride[STH_W], length = (gint64)d->phase;

    for (gint64 phase = 0; phase < stride; phase++, out += length) {
        /* out[i] = in[i * stride + offset] */
        gint64 offset = phase - s->pad[STH_W], last = s->in[STH_W] - 1 - offset;
        gint64 end = last < 0 ? 0 : MIN(length, last / stride + 1), first = MIN(end, offset >= 0 ? 0 : (-offset + stride - 1) / stride);

        memset(out, 0, (gsize)first * sizeof *out);
        if (stride == 1)
            memcpy(out + first, in + first + offset, (gsize)(end - first) * sizeof *out);
        else if (stride == 2)
            k->every_second(out + first, in + first * 2 + offset, (gsize)(end - first));
        else
            for (gint64 i = first; i < end; i++)
                out[i] = in[i * stride + offset];
        memset(out + end, 0, (gsize)(length - end) * sizeof *out);
    }
}

static void pad_frame(const Depthwise *d, const SthKernels *k, float *out, const float *in)
{
    const SthSliding *s = &d->conv.sliding;

    for (gsize i = 0; i < d->rows; i++, out += d->pitch) {
        gint64 row = (gint64)i - s->pad[STH_H];

        if (row < 0 || row >= s->in[STH_H])
            memset(out, 0, d->pitch * sizeof *out);
        else
            pad_row(d, k, out, in + row * s->in[STH_W]);
    }
}

/* Frame @t of the outputs of one filter. @image: the channel's input; @ring: its padded frames. */
static void run_frame(const Job *job, const Filter *filter, const float *image, const float *ring, gint64 t, gsize channel_offset)
{
    const Depthwise *d = job->d;
    const SthConv *conv = &d->conv;
    const SthSliding *s = &conv->sliding;
    const gsize area = (gsize)(s->out[STH_H] * s->out[STH_W]), in_area = (gsize)(s->in[STH_H] * s->in[STH_W]),
                offset = channel_offset + (gsize)t * area;
    const float **in = (const float **)(ring + d->frame * (gsize)d->ring);
    float *weights = (float *)((guint8 *)in + STH_ALIGN_UP(sth_sliding_taps(s) * sizeof *in));
    const float min = job->residual ? -INFINITY : conv->min, max = job->residual ? INFINITY : conv->max;
    guint n = 0;

    for (guint i = 0; i < filter->n; i++) {
        const Tap *tap = &g_array_index(d->taps, Tap, filter->first + i);
        const gint64 frame = t * s->stride[STH_T] - s->pad[STH_T] + tap->t;

        if (frame < 0 || frame >= s->in[STH_T])
            continue;
        in[n] = filter->direct ? image + (gsize)frame * in_area + tap->direct : ring + (gsize)(frame % d->ring) * d->frame + tap->padded;
        weights[n++] = tap->weight;
    }
    job->kernels->tap_sum(job->out + offset, (gsize)s->out[STH_H], (gsize)s->out[STH_W], (gsize)s->out[STH_W], in,
                          (gsize)s->stride[STH_H] * (filter->direct ? (gsize)s->in[STH_W] : d->pitch), weights, n, filter->bias, min, max);
    if (job->residual)
        job->kernels->add_clamp(job->out + offset, job->out + offset, job->residual + offset, area, conv->min, conv->max);
}

/* One channel of one image of the batch: @item = image * groups + channel. */
static void run_channel(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Depthwise *d = job->d;
    const SthConv *conv = &d->conv;
    const SthSliding *s = &conv->sliding;
    const Filter *filters = d->filters + item % conv->groups * conv->out_channels;
    const float *image = job->in + item * sth_sliding_in(s);
    const gsize in_area = (gsize)(s->in[STH_H] * s->in[STH_W]), out_size = sth_sliding_out(s);
    float *ring = (float *)(job->run->thread_scratch + thread * job->run->thread_stride);
    gint64 padded = 0; /* frames below this are in the ring or no longer needed */

    for (gint64 t = 0; t < s->out[STH_T]; t++) {
        gint64 first = t * s->stride[STH_T] - s->pad[STH_T];

        for (gsize i = 0; i < conv->out_channels; i++) {
            const Filter *filter = &filters[i];

            if (!filter->direct && filter->n > 0) {
                gint64 end = MIN(s->in[STH_T], first + filter->t_max + 1);

                for (padded = MAX(padded, first + (conv->out_channels == 1 ? filter->t_min : 0)); padded < end; padded++)
                    pad_frame(d, job->kernels, ring + (gsize)(padded % d->ring) * d->frame, image + (gsize)padded * in_area);
            }
            run_frame(job, filter, image, ring, t, (item * conv->out_channels + i) * out_size);
        }
    }
}

static void run_all(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const Depthwise *d = prepared;
    Job job = {d, run, sth_kernels(), in, residual, out};

    sth_op_parallel(run, run_channel, &job, (guint)(d->conv.batch * d->conv.groups));
}

static void release(gpointer prepared)
{
    Depthwise *d = prepared;

    g_array_unref(d->taps);
    g_free(d->filters);
    g_free(d);
}

const SthConvMethod sth_conv_depthwise = {"depthwise", takes, prepare, run_all, release, FALSE};
