/* Gathers the inputs of convolutions. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_gather.h"

#include <string.h>

#include "base/memory.h"

SthConvRow sth_conv_row(const SthConv *conv, guint32 index)
{
    const guint32 taps = (guint32)sth_sliding_taps(&conv->sliding);

    return (SthConvRow){index / taps, index % taps};
}

/* A tile's columns are cut where a row of the output, or a panel, ends. */
static gsize most_spans(const SthConv *conv, gsize columns, gsize panel)
{
    return columns / (gsize)MAX(1, conv->sliding.out[STH_W]) + columns / panel + 4;
}

gsize sth_conv_gather_bytes(const SthConv *conv, gsize columns, gsize panel)
{
    const gsize spans = most_spans(conv, columns, panel);

    return STH_ALIGN_UP(spans * sizeof(SthConvSpan)) + spans * sth_sliding_taps(&conv->sliding) * sizeof(SthConvPiece);
}

/* What a tap sees along one axis of the output position @at. */
static gint64 input_at(const SthSliding *s, guint axis, gint64 at, gint64 tap)
{
    return at * s->stride[axis] + tap * s->dilation[axis] - s->pad[axis];
}

/* What all taps see of the @n columns from output position (@t, @h, @w) of an image on. */
static void find_pieces(SthConvGather *gather, guint span, gsize image, gint64 t, gint64 h, gint64 w, gint64 n)
{
    const SthConv *conv = gather->conv;
    const SthSliding *s = &conv->sliding;
    const gint64 image_size = (gint64)(sth_sliding_in(s) * conv->in_channels * conv->groups);
    SthConvPiece *piece = gather->pieces + span;

    for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++)
        for (gint64 kh = 0; kh < s->kernel[STH_H]; kh++)
            for (gint64 kw = 0; kw < s->kernel[STH_W]; kw++, piece += gather->n_spans) {
                const gint64 frame = input_at(s, STH_T, t, kt), row = input_at(s, STH_H, h, kh), col = input_at(s, STH_W, w, kw);
                const gint64 stride = s->stride[STH_W], width = s->in[STH_W];
                const gint64 first = col >= 0 ? 0 : MIN(n, (-col + stride - 1) / stride);
                const gint64 end = col >= width ? 0 : MIN(n, (width - 1 - col) / stride + 1);

                *piece = (SthConvPiece){0, 0, 0};
                if (frame < 0 || frame >= s->in[STH_T] || row < 0 || row >= s->in[STH_H] || first >= end)
                    continue;
                *piece = (SthConvPiece){
                    .from = (gssize)((gint64)image * image_size + (frame * s->in[STH_H] + row) * width + col + first * stride),
                    .first = (guint32)first,
                    .n = (guint32)(end - first),
                };
            }
}

void sth_conv_gather_init(SthConvGather *gather, gpointer memory, gsize first_column, gsize columns)
{
    const SthSliding *s = &gather->conv->sliding;
    const gsize width = (gsize)s->out[STH_W], height = (gsize)s->out[STH_H], frames = (gsize)s->out[STH_T];

    gather->spans = memory;
    gather->pieces = (SthConvPiece *)((guint8 *)memory + STH_ALIGN_UP(most_spans(gather->conv, columns, gather->panel) * sizeof(SthConvSpan)));
    gather->n_spans = 0;
    for (gsize at = 0; at < columns; at += gather->spans[gather->n_spans++].n)
        gather->spans[gather->n_spans] = (SthConvSpan){
            .panel = (guint32)(at / gather->panel),
            .column = (guint32)(at % gather->panel),
            .n = (guint32)MIN(MIN(width - (first_column + at) % width, gather->panel - at % gather->panel), columns - at),
        };
    for (guint i = 0; i < gather->n_spans; i++) {
        const SthConvSpan *span = &gather->spans[i];
        const gsize column = first_column + span->panel * gather->panel + span->column, row = column / width, frame = row / height;

        find_pieces(gather, i, frame / frames, (gint64)(frame % frames), (gint64)(row % height), (gint64)(column % width), span->n);
    }
}

static void gather_piece(const SthConvGather *gather, const SthConvPiece *piece, const float *channel, guint32 n, float *out)
{
    const gsize stride = (gsize)gather->conv->sliding.stride[STH_W];
    const float *in = channel + piece->from;

    for (guint32 i = 0; i < piece->first; i++)
        out[i] = 0;
    out += piece->first;
    if (stride == 1)
        memcpy(out, in, piece->n * sizeof *out);
    else if (stride == 2)
        gather->kernels->every_second(out, in, piece->n);
    else
        for (guint32 i = 0; i < piece->n; i++)
            out[i] = in[stride * i];
    for (guint32 i = piece->n; i < n - piece->first; i++)
        out[i] = 0;
}

void sth_conv_gather_rows(const SthConvGather *gather, const SthConvRow *rows, guint n_rows, float *b)
{
    const gsize size = sth_sliding_in(&gather->conv->sliding);

    for (guint r = 0; r < n_rows; r++) {
        const float *channel = gather->in + rows[r].channel * size;
        const SthConvPiece *pieces = gather->pieces + (gsize)rows[r].tap * gather->n_spans;

        for (guint i = 0; i < gather->n_spans; i++) {
            const SthConvSpan *span = &gather->spans[i];

            gather_piece(gather, &pieces[i], channel, span->n, b + ((gsize)span->panel * n_rows + r) * gather->panel + span->column);
        }
    }
}
