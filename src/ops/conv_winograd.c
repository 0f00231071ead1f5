/* Convolution by Winograd's algorithm F(4x4, 3x3): Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
 *
 * In the plane of a frame a tile of 4x4 results costs 36 multiply-adds a pair of channels in place of 144. Kernels that have only their centre,
 * as the temporal ones of an STH convolution do, cost 16 as they are: they are summed straight from the input into the same results.
 *
 * A part of work is some rows of tiles, of one or several frames. In a thread's memory, all in blocks of STH_BLOCK channels:
 *
 *   x  one block of the input, with its zero padding      [row][column]
 *   v  the transformed input                              [product][source][tile]
 *   m  products of a group of panels of output channels   [panel][product][tile]
 *   y  results of one panel                               [row][column]
 *
 * A number that is not finite spreads over its tile's results.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/winograd_pack.h"

#define B STH_BLOCK
#define OUT STH_WINOGRAD_OUT
#define IN STH_WINOGRAD_IN
#define PRODUCTS STH_WINOGRAD_PRODUCTS

/* Tiles of a part of work: enough for weights to be used often once they are there, and v within the second cache where that is possible; all that
 * there are, nearly, where weights are more than a second cache holds and come from farther away for each part. */
#define LEAST_TILES 48
#define MOST_TILES 96
#define TILES_OF_MANY_WEIGHTS 128
#define MANY_WEIGHTS (4 * 1024 * 1024) /* bytes */
#define V_BYTES (512 * 1024)
#define PARTS_A_THREAD 4 /* for an even share */

typedef struct {
    SthConv conv;
    SthWinogradPack pack;
    gsize frames;               /* output frames of all images */
    gsize tile_rows, tile_cols; /* of a frame */
    gsize chunk_rows, chunks;   /* rows of tiles a part of work */
    gsize tiles;                /* of a full part */
    gsize x_pitch, y_pitch;     /* positions a row */
    gsize v_step;               /* floats of v a product */
    gsize x_bytes, v_bytes, m_bytes, y_bytes;
    guint groups; /* of panels */
} Winograd;

/* One run. */
typedef struct {
    const Winograd *w;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
    guint shares; /* the groups of panels are divided among so many parts of work */
} Job;

/* What a thread's v holds: behind y in its memory. */
typedef struct {
    gsize chunk;
} Loaded;
#define NO_CHUNK G_MAXSIZE

/* One part of work. */
typedef struct {
    const Job *job;
    gsize first_row, rows; /* of tiles, counted over all frames */
    gsize tiles;
    float *x, *v, *m, *y;
} Chunk;

/* Rows of tiles of one frame. */
typedef struct {
    gsize image;
    gint64 t;
    gsize first, rows; /* rows of tiles */
    gsize from;        /* the first one's place in the chunk */
} Segment;

static gboolean takes(const SthConv *conv, const float *weight)
{
    SthWinogradCost cost;

    if (!sth_winograd_fits(conv))
        return FALSE;
    cost = sth_winograd_cost(conv, weight);
    return cost.winograd < cost.direct;
}

static gsize div_up(gsize a, gsize b)
{
    return (a + b - 1) / b;
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    const SthSliding *s = &conv->sliding;
    const gsize blocks = div_up(conv->in_channels, B);
    Winograd *w = g_new0(Winograd, 1);
    gsize tiles = CLAMP(V_BYTES / (PRODUCTS * blocks * B * sizeof(float)), LEAST_TILES, MOST_TILES);

    if (PRODUCTS * conv->in_channels * conv->out_channels * sizeof(float) > MANY_WEIGHTS)
        tiles = TILES_OF_MANY_WEIGHTS;
    w->conv = *conv;
    w->frames = conv->batch * (gsize)s->out[STH_T];
    w->tile_rows = div_up((gsize)s->out[STH_H], OUT);
    w->tile_cols = div_up((gsize)s->out[STH_W], OUT);
    w->chunks = div_up(w->frames * w->tile_rows, MAX(1, tiles / w->tile_cols));
    w->chunk_rows = div_up(w->frames * w->tile_rows, w->chunks);
    w->chunks = div_up(w->frames * w->tile_rows, w->chunk_rows);
    w->tiles = w->chunk_rows * w->tile_cols;
    w->x_pitch = w->tile_cols * OUT + IN - OUT;
    w->y_pitch = w->tile_cols * OUT;
    sth_winograd_pack_init(&w->pack, conv, weight, bias, w->tiles * B);
    w->groups = (guint)div_up(w->pack.n_panels, STH_WINOGRAD_GROUP);
    w->v_step = w->pack.n_sources * w->tiles * B;
    w->x_bytes = (MIN(w->chunk_rows, w->tile_rows) * OUT + IN - OUT) * w->x_pitch * B * sizeof(float);
    w->v_bytes = PRODUCTS * w->v_step * sizeof(float);
    w->m_bytes = MIN(STH_WINOGRAD_GROUP, w->pack.n_panels) * PRODUCTS * w->tiles * B * sizeof(float);
    node->prepared_bytes = w->pack.bytes;
    w->y_bytes = w->chunk_rows * OUT * w->y_pitch * B * sizeof(float);
    node->thread_scratch = w->x_bytes + w->v_bytes + w->m_bytes + w->y_bytes + sizeof(Loaded);
    return w;
}

/* The next frame's part of the chunk, from the @from-th of its rows of tiles on. */
static Segment segment_at(const Chunk *chunk, gsize from)
{
    const Winograd *w = chunk->job->w;
    const gsize row = chunk->first_row + from, frame = row / w->tile_rows, frames = (gsize)w->conv.sliding.out[STH_T];
    const gsize first = row % w->tile_rows;

    return (Segment){
        .image = frame / frames, .t = (gint64)(frame % frames), .first = first, .rows = MIN(w->tile_rows - first, chunk->rows - from), .from = from};
}

/* The input frame that a temporal tap sees; -1: padding. */
static gint64 frame_of(const SthSliding *s, gint64 t, gsize tap)
{
    const gint64 frame = t + (gint64)tap * s->dilation[STH_T] - s->pad[STH_T];

    return frame >= 0 && frame < s->in[STH_T] ? frame : -1;
}

/* One block of one input frame, padded, as far as the segment needs it. */
static void load_block(const Chunk *chunk, const Segment *segment, gsize block, gint64 frame)
{
    const Winograd *w = chunk->job->w;
    const SthSliding *s = &w->conv.sliding;
    const gsize plane = sth_sliding_in(s), height = (gsize)s->in[STH_H], width = (gsize)s->in[STH_W], left = (gsize)s->pad[STH_W];
    const gsize channels = MIN(B, w->conv.in_channels - block * B), end = MIN(width, w->x_pitch > left ? w->x_pitch - left : 0);
    const float *in = chunk->job->in + (segment->image * w->conv.in_channels + block * B) * plane + (gsize)frame * height * width;
    float *x = chunk->x;

    for (gsize i = 0; i < segment->rows * OUT + IN - OUT; i++, x += w->x_pitch * B) {
        const gint64 row = (gint64)(segment->first * OUT + i) - s->pad[STH_H];

        if (row < 0 || row >= s->in[STH_H] || end == 0) {
            memset(x, 0, w->x_pitch * B * sizeof *x);
            continue;
        }
        memset(x, 0, left * B * sizeof *x);
        chunk->job->kernels->to_blocked(x + left * B, in + (gsize)row * width, plane, (guint)channels, end);
        memset(x + (left + end) * B, 0, (w->x_pitch - left - end) * B * sizeof *x);
    }
}

static void transform_segment(const Chunk *chunk, const Segment *segment)
{
    const Winograd *w = chunk->job->w;

    for (guint i = 0; i < w->pack.n_sources; i++) {
        const SthWinogradSource *source = &w->pack.sources[i];
        const gint64 frame = frame_of(&w->conv.sliding, segment->t, source->tap);
        float *v = chunk->v + (i * w->tiles + segment->from * w->tile_cols) * B;

        if (frame < 0) {
            for (guint product = 0; product < PRODUCTS; product++)
                memset(v + product * w->v_step, 0, segment->rows * w->tile_cols * B * sizeof *v);
            continue;
        }
        load_block(chunk, segment, source->block, frame);
        for (gsize row = 0; row < segment->rows; row++)
            for (gsize col = 0; col < w->tile_cols; col++, v += B)
                chunk->job->kernels->winograd_input(v, w->v_step, chunk->x + (row * w->x_pitch + col) * OUT * B, w->x_pitch * B);
    }
}

static void multiply_group(const Chunk *chunk, guint first, guint end)
{
    const Winograd *w = chunk->job->w;
    const SthWinogradPack *pack = &w->pack;
    const gsize group_step = pack->group_step[first / STH_WINOGRAD_GROUP];

    for (guint product = 0; product < PRODUCTS; product++)
        for (guint i = first, n; i < end; i += n) {
            const SthWinogradRows *rows = &pack->panels[i].spatial;
            SthPanel panel = {
                .a = rows->weights + product * group_step,
                .runs = &g_array_index(pack->runs, SthPanelRun, rows->first_run),
                .n_runs = rows->n_runs,
                .b = chunk->v + product * w->v_step,
                .row_step = 1,
                .step = B,
                .c = chunk->m + ((i - first) * PRODUCTS + product) * w->tiles * B,
                .n = (guint)chunk->tiles,
                .min = -INFINITY,
                .max = INFINITY,
            };

            n = pack->panels[i].like_next ? 2 : 1;
            panel.ahead = panel.a + (gsize)n * rows->n_rows * B;
            if (n == 2) {
                panel.a2 = pack->panels[i + 1].spatial.weights + product * group_step;
                panel.c2 = panel.c + PRODUCTS * w->tiles * B;
            }
            chunk->job->kernels->panel(&panel);
        }
}

/* Bias and pointwise rows of @rows rows of a frame's results from row @first on, to @y. */
static void sum_pointwise(const Chunk *chunk, const Segment *segment, guint index, gsize first, gsize rows, float *y)
{
    const Winograd *w = chunk->job->w;
    const SthSliding *s = &w->conv.sliding;
    const SthWinogradPanel *from = &w->pack.panels[index];
    const gsize width = (gsize)s->out[STH_W], frame_size = (gsize)(s->in[STH_H] * s->in[STH_W]);
    const gboolean one_row = width == w->y_pitch; /* all rows are neighbours, in the input and in y */
    SthPanel panel = {.row_step = (gssize)sth_sliding_in(s), .step = 1, .bias = w->pack.bias + index * B, .min = -INFINITY, .max = INFINITY};

    for (gsize tap = 0; tap <= (gsize)s->kernel[STH_T]; tap++) {
        const gboolean bias_only = tap == (gsize)s->kernel[STH_T];
        const SthWinogradRows *part = bias_only ? NULL : &from->pointwise[tap];
        const gint64 frame = bias_only ? 0 : frame_of(s, segment->t, tap);
        const float *in = chunk->job->in + segment->image * w->conv.in_channels * sth_sliding_in(s) + (gsize)MAX(0, frame) * frame_size;

        if (bias_only ? panel.accumulate : frame < 0 || part->n_rows == 0)
            continue;
        panel.a = bias_only ? NULL : part->weights;
        panel.n_runs = bias_only ? 0 : part->n_runs;
        panel.runs = bias_only ? NULL : &g_array_index(w->pack.runs, SthPanelRun, part->first_run);
        panel.n = (guint)(one_row ? rows * width : width);
        for (gsize row = 0; row < (one_row ? 1 : rows); row++) {
            panel.b = in + (first + row) * (gsize)s->in[STH_W];
            panel.c = y + row * w->y_pitch * B;
            chunk->job->kernels->panel(&panel);
        }
        panel.accumulate = TRUE;
    }
}

/* The results of one panel in one frame. */
static void finish_segment(const Chunk *chunk, const Segment *segment, guint index, const float *m)
{
    const Job *job = chunk->job;
    const Winograd *w = job->w;
    const SthSliding *s = &w->conv.sliding;
    const gsize width = (gsize)s->out[STH_W], first = segment->first * OUT, rows = MIN(segment->rows * OUT, (gsize)s->out[STH_H] - first);
    const gsize plane = sth_sliding_out(s), channels = MIN(B, w->conv.out_channels - index * B);
    const gsize offset = (segment->image * w->conv.out_channels + index * B) * plane + ((gsize)segment->t * (gsize)s->out[STH_H] + first) * width;

    sum_pointwise(chunk, segment, index, first, rows, chunk->y);
    m += segment->from * w->tile_cols * B;
    for (gsize row = 0; row < segment->rows; row++)
        for (gsize col = 0; col < w->tile_cols; col++, m += B)
            job->kernels->winograd_output(chunk->y + (row * w->y_pitch + col) * OUT * B, w->y_pitch * B, m, w->tiles * B);
    for (gsize row = 0; row < rows; row++) {
        const gsize at = offset + row * width;

        job->kernels->from_blocked(job->out + at, plane, chunk->y + row * w->y_pitch * B, job->residual ? job->residual + at : NULL, (guint)channels,
                                   width, w->conv.min, w->conv.max);
    }
}

static Loaded *loaded_of(const Job *job, guint thread)
{
    const Winograd *w = job->w;

    return (Loaded *)(job->run->thread_scratch + thread * job->run->thread_stride + w->x_bytes + w->v_bytes + w->m_bytes + w->y_bytes);
}

/* @item = chunk * shares + share. */
static void run_chunk(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Winograd *w = job->w;
    const gsize index = item / job->shares, share = item % job->shares;
    const guint first_group = (guint)(w->groups * share / job->shares), end_group = (guint)(w->groups * (share + 1) / job->shares);
    guint8 *scratch = job->run->thread_scratch + thread * job->run->thread_stride;
    Loaded *loaded = loaded_of(job, thread);
    Chunk chunk = {
        .job = job,
        .first_row = index * w->chunk_rows,
        .x = (float *)scratch,
        .v = (float *)(scratch + w->x_bytes),
        .m = (float *)(scratch + w->x_bytes + w->v_bytes),
        .y = (float *)(scratch + w->x_bytes + w->v_bytes + w->m_bytes),
    };
    Segment segment;

    chunk.rows = MIN(w->chunk_rows, w->frames * w->tile_rows - chunk.first_row);
    chunk.tiles = chunk.rows * w->tile_cols;
    for (gsize from = 0; from < chunk.rows && loaded->chunk != index; from += segment.rows) {
        segment = segment_at(&chunk, from);
        transform_segment(&chunk, &segment);
    }
    loaded->chunk = index;
    for (guint group = first_group; group < end_group; group++) {
        const guint first = group * STH_WINOGRAD_GROUP, end = MIN(w->pack.n_panels, first + STH_WINOGRAD_GROUP);

        multiply_group(&chunk, first, end);
        for (gsize from = 0; from < chunk.rows; from += segment.rows) {
            segment = segment_at(&chunk, from);
            for (guint i = first; i < end; i++)
                finish_segment(&chunk, &segment, i, chunk.m + (i - first) * PRODUCTS * w->tiles * B);
        }
    }
}

/* Where there are few chunks for the threads, several share one: each transforms its input, once. */
static void run_all(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const Winograd *w = prepared;
    Job job = {w, run, sth_kernels(), in, residual, out, run->threads > 1 && w->chunks < run->threads * PARTS_A_THREAD ? w->groups : 1};

    for (guint thread = 0; thread < run->threads; thread++)
        loaded_of(&job, thread)->chunk = NO_CHUNK;
    sth_op_parallel(run, run_chunk, &job, (guint)w->chunks * job.shares);
}

static void release(gpointer prepared)
{
    Winograd *w = prepared;

    sth_winograd_pack_clear(&w->pack);
    g_free(w);
}

const SthConvMethod sth_conv_winograd = {"winograd", takes, prepare, run_all, release, TRUE};
