/* Gathers the inputs of convolutions. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_gather.h"

SthConvRow sth_conv_row(const SthConv *conv, guint32 index)
{
    const guint32 taps = (guint32)sth_sliding_taps(&conv->sliding);

    return (SthConvRow){index / taps, index % taps};
}

gsize sth_conv_gather_bytes(const SthConv *conv, gsize columns, gsize panel)
{
    /* Columns are cut where a row of the output, or a panel, ends. */
    const gsize spans = columns / (gsize)MAX(1, conv->sliding.out[STH_W]) + columns / panel + 4;

    return spans * sth_sliding_taps(&conv->sliding) * sizeof(SthGatherPiece);
}

/* What a tap sees along one axis of the output position @at. */
static gint64 input_at(const SthSliding *s, guint axis, gint64 at, gint64 tap)
{
    return at * s->stride[axis] + tap * s->dilation[axis] - s->pad[axis];
}

/* Columns of a tile that are neighbours. */
typedef struct {
    gsize at, n;          /* in the tile */
    gint64 image;         /* of the batch */
    gint64 pos[STH_AXES]; /* output position of the first one */
} Span;

static gsize span_length(const SthConvGather *gather, gsize first_column, gsize at, gsize columns)
{
    const gsize width = (gsize)gather->conv->sliding.out[STH_W];

    return MIN(MIN(width - (first_column + at) % width, gather->panel - at % gather->panel), columns - at);
}

/* What a tap, at (@kt, @kh, @kw) of the kernel, sees of a span. */
static SthGatherPiece find_piece(const SthConvGather *gather, const Span *span, gint64 kt, gint64 kh, gint64 kw)
{
    const SthConv *conv = gather->conv;
    const SthSliding *s = &conv->sliding;
    const gint64 image_size = (gint64)(sth_sliding_in(s) * conv->in_channels * conv->groups), n = (gint64)span->n;
    const gint64 frame = input_at(s, STH_T, span->pos[STH_T], kt), row = input_at(s, STH_H, span->pos[STH_H], kh);
    const gint64 col = input_at(s, STH_W, span->pos[STH_W], kw), stride = s->stride[STH_W], width = s->in[STH_W];
    const gint64 first = col >= 0 ? 0 : MIN(n, (-col + stride - 1) / stride), end = col >= width ? 0 : MIN(n, (width - 1 - col) / stride + 1);
    SthGatherPiece piece = {.panel = (guint32)(span->at / gather->panel), .column = (guint32)(span->at % gather->panel), .before = (guint32)n};

    if (frame < 0 || frame >= s->in[STH_T] || row < 0 || row >= s->in[STH_H] || first >= end)
        return piece;
    piece.from = (gssize)(span->image * image_size + (frame * s->in[STH_H] + row) * width + col + first * stride);
    piece.before = (guint32)first;
    piece.n = (guint32)(end - first);
    piece.after = (guint32)(n - end);
    return piece;
}

void sth_conv_gather_init(SthConvGather *gather, gpointer memory, gsize first_column, gsize columns)
{
    const SthSliding *s = &gather->conv->sliding;
    const gsize width = (gsize)s->out[STH_W], height = (gsize)s->out[STH_H], frames = (gsize)s->out[STH_T];
    guint index = 0;

    gather->pieces = memory;
    gather->n_spans = 0;
    for (gsize at = 0; at < columns; at += span_length(gather, first_column, at, columns))
        gather->n_spans++;
    for (Span span = {0}; span.at < columns; span.at += span.n, index++) {
        const gsize column = first_column + span.at, row = column / width, frame = row / height;
        SthGatherPiece *piece = gather->pieces + index;

        span.n = span_length(gather, first_column, span.at, columns);
        span.image = (gint64)(frame / frames);
        span.pos[STH_T] = (gint64)(frame % frames);
        span.pos[STH_H] = (gint64)(row % height);
        span.pos[STH_W] = (gint64)(column % width);
        for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++)
            for (gint64 kh = 0; kh < s->kernel[STH_H]; kh++)
                for (gint64 kw = 0; kw < s->kernel[STH_W]; kw++, piece += gather->n_spans)
                    *piece = find_piece(gather, &span, kt, kh, kw);
    }
}

void sth_conv_gather_rows(const SthConvGather *gather, const SthConvRow *rows, guint n_rows, float *b)
{
    const SthSliding *s = &gather->conv->sliding;
    const gsize size = sth_sliding_in(s);

    for (guint first = 0, n; first < n_rows; first += n) {
        SthGatherRows some = {
            .out = b + first * gather->panel,
            .out_step = gather->panel,
            .panel_step = n_rows * gather->panel,
            .in = gather->in + rows[first].channel * size,
            .in_step = size,
            .pieces = gather->pieces + (gsize)rows[first].tap * gather->n_spans,
            .n_pieces = gather->n_spans,
        };

        for (n = 1; first + n < n_rows && rows[first + n].tap == rows[first].tap && rows[first + n].channel == rows[first].channel + n; n++)
            ;
        some.n_rows = n;
        gather->kernels->gather(&some, (gsize)s->stride[STH_W]);
    }
}
