/* Gathers the inputs of convolutions. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_gather.h"

#include <string.h>

SthConvRow sth_conv_row(const SthConv *conv, guint32 index)
{
    const SthSliding *s = &conv->sliding;
    const gsize taps = sth_sliding_taps(s);
    gint64 tap = index % taps, w = tap % s->kernel[STH_W], h = tap / s->kernel[STH_W] % s->kernel[STH_H],
           t = tap / s->kernel[STH_W] / s->kernel[STH_H];

    return (SthConvRow){
        .channel = (guint32)(index / taps),
        .t = (gint32)(t * s->dilation[STH_T] - s->pad[STH_T]),
        .h = (gint32)(h * s->dilation[STH_H] - s->pad[STH_H]),
        .w = (gint32)(w * s->dilation[STH_W] - s->pad[STH_W]),
    };
}

/* Cuts the columns where a row of the output, or a panel, ends. */
void sth_conv_gather_init(SthConvGather *gather, gsize first_column, gsize columns)
{
    const SthSliding *s = &gather->conv->sliding;
    gsize at = 0;

    gather->n_spans = 0;
    while (at < columns) {
        gsize column = first_column + at, w = column % (gsize)s->out[STH_W], rest = column / (gsize)s->out[STH_W];
        gsize n = MIN(MIN((gsize)s->out[STH_W] - w, gather->panel - at % gather->panel), columns - at);

        gather->spans[gather->n_spans++] = (SthConvSpan){
            .panel = (guint32)(at / gather->panel),
            .column = (guint32)(at % gather->panel),
            .n = (guint32)n,
            .w = (gint32)((gint64)w * s->stride[STH_W]),
            .h = (gint32)((gint64)(rest % (gsize)s->out[STH_H]) * s->stride[STH_H]),
            .t = (gint32)((gint64)(rest / (gsize)s->out[STH_H] % (gsize)s->out[STH_T]) * s->stride[STH_T]),
            .image = (guint32)(rest / (gsize)s->out[STH_H] / (gsize)s->out[STH_T]),
        };
        at += n;
    }
}

/* out[i] = in[w + i], zero outside of 0…length-1. */
static inline void gather_neighbours(float *out, gint32 n, const float *in, gint32 length, gint32 w)
{
    gint32 first = CLAMP(-w, 0, n), end = CLAMP(length - w, first, n);

    for (gint32 i = 0; i < first; i++)
        out[i] = 0;
    memcpy(out + first, in + w + first, (gsize)(end - first) * sizeof *out);
    for (gint32 i = end; i < n; i++)
        out[i] = 0;
}

/* out[i] = in[w + i * stride], zero outside of 0…length-1. */
static void gather_strided(const SthKernels *k, float *out, gint32 n, const float *in, gint32 length, gint32 w, gint32 stride)
{
    gint32 first = w >= 0 ? 0 : MIN(n, (-w + stride - 1) / stride), end = w >= length ? 0 : MIN(n, (length - 1 - w) / stride + 1);

    end = MAX(first, end);
    for (gint32 i = 0; i < first; i++)
        out[i] = 0;
    if (stride == 2)
        k->every_second(out + first, in + w + 2 * first, (gsize)(end - first));
    else
        for (gint32 i = first; i < end; i++)
            out[i] = in[w + stride * i];
    for (gint32 i = end; i < n; i++)
        out[i] = 0;
}

void sth_conv_gather_rows(const SthConvGather *gather, const SthConvRow *rows, guint n_rows, float *b)
{
    const SthConv *conv = gather->conv;
    const SthSliding *s = &conv->sliding;
    const gsize size = sth_sliding_in(s), image_size = size * conv->in_channels * conv->groups;
    const gint32 frames = (gint32)s->in[STH_T], height = (gint32)s->in[STH_H], width = (gint32)s->in[STH_W], stride = (gint32)s->stride[STH_W];

    for (guint r = 0; r < n_rows; r++) {
        const SthConvRow *row = &rows[r];
        const float *channel = gather->in + row->channel * size;

        for (guint i = 0; i < gather->n_spans; i++) {
            const SthConvSpan *span = &gather->spans[i];
            const gint32 t = span->t + row->t, h = span->h + row->h, w = span->w + row->w;
            float *out = b + ((gsize)span->panel * n_rows + r) * gather->panel + span->column;
            const float *from;

            if (t < 0 || t >= frames || h < 0 || h >= height) {
                memset(out, 0, span->n * sizeof *out);
                continue;
            }
            from = channel + span->image * image_size + ((gsize)t * (gsize)height + (gsize)h) * (gsize)width;
            if (stride == 1)
                gather_neighbours(out, (gint32)span->n, from, width, w);
            else
                gather_strided(gather->kernels, out, (gint32)span->n, from, width, w, stride);
        }
    }
}
