/* Convolution by OpenBLAS, for CPUs that the kernel table has nothing but plain C for.
 *
 * Of one group:  C (out_channels x columns) = A (out_channels x rows) * B (rows x columns), as in conv_gemm.c
 *
 * Rows whose weights are zero for all output channels of the group are dropped when the model is opened. Columns are cut into tiles; the part of
 * B that belongs to a tile is gathered into a thread's memory, some rows at a time, and multiplied by a single-threaded sgemm right into the
 * output, where bias, residual and clamp follow while it is in the cache. Where nothing slides (1x1, stride 1, no pads) the input itself is B.
 * Tiles lie within one image, unless images are small: then results go through the thread's memory too.
 * How the work is divided does not depend on the number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/blas.h"
#include "ops/conv_gather.h"

#define TILE_BYTES (512 * 1024) /* of B and C: about the second cache, of which sgemm's packed copies take a share */
#define MIN_COLS 96             /* of a tile: sgemm packs A anew for each, which must not outweigh the product */
#define MAX_COLS 2048
#define MAX_BLOCK 2048     /* rows of B that are gathered at a time */
#define SMALL_IMAGE 128    /* columns: smaller images share tiles */
#define MIN_PART 32        /* output channels that are worth a gathering of their own */
#define MIN_ITEMS 16       /* parts of work, so that a few threads share them evenly */
#define FLOATS_PER_LINE 16 /* of the cache */

typedef struct {
    const float *weights; /* out_channels x n_rows */
    const SthConvRow *rows;
    guint n_rows;
    gboolean direct; /* the rows are the input's channels as they lie in memory */
} Group;

typedef struct {
    SthConv conv;
    Group *groups;
    float *weights, *bias; /* bias: groups * out_channels */
    SthConvRow *rows;
    gboolean shared; /* tiles span images */
    gsize columns;   /* of what is cut into tiles: an image, or all images */
    gsize width;     /* columns a tile */
    gsize tiles;     /* of all images */
    gsize part;      /* output channels that one part of work takes */
    gsize parts;
    gsize b_bytes, c_bytes; /* of B and C, per thread */
} Blas;

/* One run. */
typedef struct {
    const Blas *b;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
} Job;

/* One part of work. */
typedef struct {
    const Job *job;
    gsize group, first_column, columns; /* columns count over all images */
    gsize first_channel, channels;      /* output channels, within the group */
} Tile;

static gboolean takes(const SthConv *conv, const float *weight)
{
    const SthSliding *s = &conv->sliding;
    const gsize limit = G_MAXINT32; /* of OpenBLAS's sizes */

    return sth_sliding_in(s) <= limit && sth_sliding_out(s) <= limit && conv->out_channels <= limit &&
           conv->in_channels * sth_sliding_taps(s) <= limit && sth_blas_runs_convolutions();
}

static gsize div_up(gsize a, gsize b)
{
    return (a + b - 1) / b;
}

/* used[i]: some output channel of the group has a weight for row i. Returns how many there are. */
static guint find_rows(const SthConv *conv, const float *weight, gsize n, guint8 *used)
{
    guint count = 0;

    memset(used, 0, n);
    for (gsize c = 0; c < conv->out_channels; c++)
        for (gsize i = 0; i < n; i++)
            used[i] |= weight[c * n + i] != 0;
    for (gsize i = 0; i < n; i++)
        count += used[i];
    return count;
}

static gboolean is_pointwise(const SthSliding *s)
{
    for (guint axis = 0; axis < STH_AXES; axis++)
        if (s->kernel[axis] != 1 || s->stride[axis] != 1 || s->pad[axis] != 0 || s->pad_end[axis] != 0)
            return FALSE;
    return TRUE;
}

/* Packs the weights of all groups; returns the number of weights. */
static gsize pack(Blas *b, const float *weight)
{
    const SthConv *conv = &b->conv;
    const gsize n = conv->in_channels * sth_sliding_taps(&conv->sliding), size = conv->out_channels * n;
    const gboolean direct = is_pointwise(&conv->sliding) && !b->shared;
    guint8 *used = g_malloc(MAX(1, n));
    float *out = b->weights;

    for (gsize group = 0; group < conv->groups; group++, weight += size) {
        SthConvRow *rows = b->rows + group * n;
        Group *g = &b->groups[group];
        guint n_rows = 0;

        g->weights = out;
        g->rows = rows;
        g->n_rows = find_rows(conv, weight, n, used);
        g->direct = direct && g->n_rows == n;
        for (gsize i = 0; i < n; i++)
            if (used[i])
                rows[n_rows++] = sth_conv_row(conv, (guint32)i);
        for (gsize c = 0; c < conv->out_channels; c++)
            for (gsize i = 0; i < n; i++)
                if (used[i])
                    *out++ = weight[c * n + i];
    }
    g_free(used);
    return (gsize)(out - b->weights);
}

/* Rows of the largest block that is gathered. */
static gsize largest_block(const Blas *b)
{
    gsize rows = 0;

    for (gsize group = 0; group < b->conv.groups; group++)
        if (!b->groups[group].direct)
            rows = MAX(rows, MIN(b->groups[group].n_rows, MAX_BLOCK));
    return rows;
}

/* Sizes of tiles and parts. */
static void divide(Blas *b)
{
    const SthConv *conv = &b->conv;
    const gsize rows = conv->in_channels * sth_sliding_taps(&conv->sliding), pieces = b->shared ? 1 : conv->batch;
    const gsize fair = div_up(b->columns * pieces * conv->groups, MIN_ITEMS);
    gsize width = CLAMP(TILE_BYTES / sizeof(float) / (MIN(rows, MAX_BLOCK) + conv->out_channels), MIN_COLS, MAX_COLS), tiles;

    width = MIN(width, MAX(fair, MIN_COLS));
    tiles = MAX(1, div_up(b->columns, width));
    b->width = div_up(div_up(b->columns, tiles), FLOATS_PER_LINE) * FLOATS_PER_LINE;
    b->tiles = pieces * div_up(b->columns, MAX(1, b->width));
    b->parts = CLAMP(div_up(MIN_ITEMS, MAX(1, b->tiles * conv->groups)), 1, MAX(1, conv->out_channels / MIN_PART));
    b->part = div_up(conv->out_channels, b->parts);
    b->parts = div_up(conv->out_channels, MAX(1, b->part));
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    const gsize size = sth_sliding_out(&conv->sliding), channels = conv->groups * conv->out_channels;
    const gsize rows = conv->groups * conv->in_channels * sth_sliding_taps(&conv->sliding);
    Blas *b = g_new0(Blas, 1);
    gsize n_weights = 0;

    b->conv = *conv;
    b->shared = conv->batch > 1 && size < SMALL_IMAGE;
    b->columns = b->shared ? conv->batch * size : size;
    b->groups = g_new0(Group, conv->groups);
    b->rows = g_new(SthConvRow, rows);
    b->bias = g_new0(float, channels);
    b->weights = sth_aligned_alloc(rows * conv->out_channels * sizeof(float));
    if (bias)
        memcpy(b->bias, bias, channels * sizeof(float));
    n_weights = pack(b, weight);
    divide(b);
    b->b_bytes = STH_ALIGN_UP(largest_block(b) * b->width * sizeof(float));
    b->c_bytes = b->shared ? STH_ALIGN_UP(b->part * b->width * sizeof(float)) : 0;
    node->thread_scratch = b->b_bytes + b->c_bytes + sth_conv_gather_bytes(conv, b->width, b->width);
    node->prepared_bytes = n_weights * sizeof(float) + rows * sizeof(SthConvRow) + channels * sizeof(float);
    return b;
}

/* C = A * B, without bias, residual and clamp. */
static void multiply(const Tile *tile, guint8 *scratch, float *c, gsize ldc)
{
    const Blas *b = tile->job->b;
    const Group *group = &b->groups[tile->group];
    const gsize size = sth_sliding_in(&b->conv.sliding), image = tile->first_column / sth_sliding_out(&b->conv.sliding);
    const float *in = tile->job->in + tile->group * b->conv.in_channels * size, *a = group->weights + tile->first_channel * group->n_rows;
    SthConvGather gather = {.conv = &b->conv, .kernels = tile->job->kernels, .in = in, .panel = b->width};

    if (group->direct) {
        sth_blas_sgemm(FALSE, FALSE, tile->channels, tile->columns, group->n_rows, a, group->n_rows,
                       in + image * b->conv.groups * b->conv.in_channels * size + tile->first_column % size, size, 0, c, ldc);
        return;
    }
    if (group->n_rows == 0)
        for (gsize row = 0; row < tile->channels; row++)
            memset(c + row * ldc, 0, tile->columns * sizeof *c);
    sth_conv_gather_init(&gather, scratch + b->b_bytes + b->c_bytes, tile->first_column, tile->columns);
    for (guint first = 0, n; first < group->n_rows; first += n) {
        n = MIN(MAX_BLOCK, group->n_rows - first);
        sth_conv_gather_rows(&gather, group->rows + first, n, (float *)scratch);
        sth_blas_sgemm(FALSE, FALSE, tile->channels, tile->columns, n, a + first, group->n_rows, (const float *)scratch, b->width, first ? 1 : 0, c,
                       ldc);
    }
}

/* out = clamp(c + bias + residual), for n columns; @offset: of the first channel's in the output. */
static void finish(const Tile *tile, const float *c, gsize ldc, gsize offset, gsize n)
{
    const Job *job = tile->job;
    const SthConv *conv = &job->b->conv;
    const float *bias = job->b->bias + tile->group * conv->out_channels + tile->first_channel;
    const gsize size = sth_sliding_out(&conv->sliding);

    for (gsize row = 0; row < tile->channels; row++, c += ldc, offset += size) {
        float *out = job->out + offset;

        if (job->residual) {
            job->kernels->scale_shift(out, c, n, 1, bias[row], -INFINITY, INFINITY);
            job->kernels->add_clamp(out, out, job->residual + offset, n, conv->min, conv->max);
        } else {
            job->kernels->scale_shift(out, c, n, 1, bias[row], conv->min, conv->max);
        }
    }
}

/* @item = (group * tiles + tile) * parts + part. */
static void run_tile(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Blas *b = job->b;
    const SthConv *conv = &b->conv;
    const gsize index = item / b->parts, in_tiles = b->shared ? b->tiles : b->tiles / conv->batch, at = index % b->tiles % in_tiles * b->width;
    const gsize size = sth_sliding_out(&conv->sliding), all_channels = conv->groups * conv->out_channels;
    guint8 *scratch = job->run->thread_scratch + thread * job->run->thread_stride;
    Tile tile = {
        .job = job,
        .group = index / b->tiles,
        .first_column = index % b->tiles / in_tiles * b->columns + at,
        .columns = MIN(b->width, b->columns - at),
        .first_channel = item % b->parts * b->part,
    };
    gsize channel = tile.group * conv->out_channels + tile.first_channel;

    tile.channels = MIN(b->part, conv->out_channels - tile.first_channel);
    if (b->shared) {
        float *c = (float *)(scratch + b->b_bytes);

        multiply(&tile, scratch, c, b->width);
        for (gsize j = 0, n; j < tile.columns; j += n) {
            const gsize image = (tile.first_column + j) / size, position = (tile.first_column + j) % size;

            n = MIN(tile.columns - j, size - position);
            finish(&tile, c + j, b->width, (image * all_channels + channel) * size + position, n);
        }
    } else {
        const gsize offset = (tile.first_column / size * all_channels + channel) * size + tile.first_column % size;

        multiply(&tile, scratch, job->out + offset, size);
        finish(&tile, job->out + offset, size, offset, tile.columns);
    }
}

static void run_all(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const Blas *b = prepared;
    Job job = {b, run, sth_kernels(), in, residual, out};

    sth_op_parallel(run, run_tile, &job, (guint)(b->conv.groups * b->tiles * b->parts));
}

static void release(gpointer prepared)
{
    Blas *b = prepared;

    g_free(b->groups);
    g_free(b->rows);
    g_free(b->bias);
    sth_aligned_free(b->weights);
    g_free(b);
}

const SthConvMethod sth_conv_blas = {"blas", takes, prepare, run_all, release, FALSE};
