/* Convolution as matrix products.
 *
 * Of one group:  C (out_channels x columns) = A (out_channels x rows) * B (rows x columns)
 *
 * A column is one output position of one image of the batch, a row one pair of input channel and tap. A is packed once (conv_pack.c). A tile of B
 * is some panels of STH_GEMM_COLS columns; it is one part of work, multiplied with all rows of A, or some of them where there are few columns.
 * How the work is divided changes no sum: it may depend on the number of threads.
 *
 * Where nothing slides (1x1, stride 1, no pads) B is the input as it lies in memory: while a tile is multiplied, the next one is fetched into the
 * second cache. Else a tile is gathered (conv_gather.c) into a thread's memory, and B never exists as a whole; so it is where images are so small
 * that panels have to span them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/conv_pack.h"

#define COLS STH_GEMM_COLS
#define ROWS STH_GEMM_ROWS
#define TILE_BYTES (400 * 1024) /* of B: with a panel of A and the results it stays in a second cache of 1 MiB */
#define MAX_PANELS 16
#define MIN_TILES 16     /* so that a few threads share them evenly */
#define ITEMS_A_THREAD 4 /* parts of work, where there are rows enough */
#define LINE 16          /* floats of a line of the cache */

typedef struct {
    SthConv conv;
    SthConvPack pack;
    gboolean direct;   /* B is the input */
    gsize columns;     /* of what is cut into tiles: an image where B is the input, else all images */
    gsize tile_panels; /* column panels a tile */
    gsize tiles;       /* of all images */
    gsize b_bytes;     /* of B, per thread */
} Gemm;

/* One run. */
typedef struct {
    const Gemm *g;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
    gsize row_panels; /* of A that one part of work takes */
    gsize row_parts;  /* of a tile */
} Job;

/* One part of work. */
typedef struct {
    const Job *job;
    gsize group, first_column, columns, first_panel, end_panel;
    const float *in, *next; /* where B is the input: the first row of this tile and of the next one, or NULL */
    float *b;               /* else: panel by panel, each block->rows x COLS */
    float *patch;           /* 2 * ROWS * COLS: results and residual of a panel that spans images */
    SthConvGather gather;
} Tile;

static gboolean takes(const SthConv *conv, const float *weight)
{
    return TRUE;
}

static gsize div_up(gsize a, gsize b)
{
    return (a + b - 1) / b;
}

/* Nothing slides and every channel has weights; and panels that end with the image are not much more work than those that go on in the next one:
 * the last panel of an image has full vectors too. */
static gboolean is_direct(const Gemm *g)
{
    const SthSliding *s = &g->conv.sliding;
    const gsize size = sth_sliding_out(s), computed = size / COLS * COLS + div_up(size % COLS, LINE) * LINE;

    for (guint axis = 0; axis < STH_AXES; axis++)
        if (s->kernel[axis] != 1 || s->stride[axis] != 1 || s->pad[axis] != 0 || s->pad_end[axis] != 0)
            return FALSE;
    return g->pack.dense && (g->conv.batch == 1 || computed * 31 <= size * 32);
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    Gemm *g = g_new0(Gemm, 1);
    gsize panels, block, pieces;

    g->conv = *conv;
    sth_conv_pack_init(&g->pack, conv, weight, bias);
    g->direct = is_direct(g);
    pieces = g->direct ? conv->batch : 1;
    g->columns = conv->batch * sth_sliding_out(&conv->sliding) / pieces;
    panels = div_up(g->columns, COLS);
    block = MAX(g->pack.max_block, 1);
    g->tile_panels = CLAMP(TILE_BYTES / (block * COLS * sizeof(float)), 1, MAX_PANELS);
    g->tile_panels = MIN(g->tile_panels, MAX(1, panels * pieces * conv->groups / MIN_TILES));
    g->tiles = pieces * div_up(panels, g->tile_panels);
    g->b_bytes = g->direct ? 0 : STH_ALIGN_UP(g->tile_panels * block * COLS * sizeof(float));
    node->prepared_bytes = g->pack.bytes;
    node->thread_scratch = g->direct ? 0 : g->b_bytes + 2 * ROWS * COLS * sizeof(float) + sth_conv_gather_bytes(conv, g->tile_panels * COLS, COLS);
    return g;
}

/* Rows of a panel that spans images, between the output's memory and a patch of ROWS x COLS. */
static void copy_patch(const Tile *tile, float *patch, float *outside, gsize channel, guint m, gsize column, guint n, gboolean to_patch)
{
    const SthConv *conv = &tile->job->g->conv;
    const gsize size = sth_sliding_out(&conv->sliding), channels = conv->groups * conv->out_channels;

    for (guint j = 0, length; j < n; j += length) {
        const gsize image = (column + j) / size, position = (column + j) % size;

        length = (guint)MIN(n - j, size - position);
        for (guint r = 0; r < m; r++) {
            float *there = outside + (image * channels + channel + r) * size + position, *here = patch + r * COLS + j;

            memcpy(to_patch ? here : there, to_patch ? there : here, length * sizeof *here);
        }
    }
}

/* What the kernel fetches beside its work: of the panel that stands here in the next tile a line of each row, with the first panel of A the
 * first line, and so on; NULL where there is nothing to fetch. */
static const float *ahead(const Tile *tile, const SthConvBlock *block, gsize panel, gsize column_panel)
{
    const gsize line = panel - tile->first_panel, size = sth_sliding_in(&tile->job->g->conv.sliding);

    return tile->next && line < COLS / LINE ? tile->next + block->rows[0].channel * size + column_panel * COLS + line * LINE : NULL;
}

/* One panel of A times one panel of B. */
static void multiply(const Tile *tile, const SthConvBlock *block, gsize panel, gsize column_panel)
{
    const Gemm *g = tile->job->g;
    const SthConv *conv = &g->conv;
    const SthConvPanel *a = &block->panels[panel];
    const gsize size = sth_sliding_out(&conv->sliding), channel = tile->group * conv->out_channels + panel * ROWS;
    const gsize column = tile->first_column + column_panel * COLS, image = column / size, position = column % size;
    const gsize offset = (image * conv->groups * conv->out_channels + channel) * size + position;
    float *residual = block->first && tile->job->residual ? (float *)tile->job->residual : NULL; /* it may be the output */
    SthGemmTile t = {
        .a = a->weights,
        .runs = a->runs,
        .n_runs = a->n_runs,
        .b = g->direct ? tile->in + block->rows[0].channel * size + column_panel * COLS : tile->b + column_panel * block->n_rows * COLS,
        .ldb = g->direct ? size : COLS,
        .ahead = ahead(tile, block, panel, column_panel),
        .c = tile->job->out + offset,
        .ldc = size,
        .m = (guint)MIN(ROWS, conv->out_channels - panel * ROWS),
        .n = (guint)MIN(COLS, tile->columns - column_panel * COLS),
        .accumulate = !block->first,
        .bias = block->last ? g->pack.bias + tile->group * g->pack.bias_stride + panel * ROWS : NULL,
        .residual = residual ? residual + offset : NULL,
        .ldr = size,
        .min = block->last ? conv->min : -INFINITY,
        .max = block->last ? conv->max : INFINITY,
    };

    if (position + t.n <= size) {
        tile->job->kernels->gemm(&t);
        return;
    }
    t.c = tile->patch;
    t.ldc = t.ldr = COLS;
    if (t.accumulate)
        copy_patch(tile, t.c, tile->job->out, channel, t.m, column, t.n, TRUE);
    if (residual) {
        t.residual = tile->patch + ROWS * COLS;
        copy_patch(tile, tile->patch + ROWS * COLS, residual, channel, t.m, column, t.n, TRUE);
    }
    tile->job->kernels->gemm(&t);
    copy_patch(tile, t.c, tile->job->out, channel, t.m, column, t.n, FALSE);
}

/* Short sums: panels of B inside, so that results are written in long rows. Others: panels of A inside, so that a panel of B stays in the first
 * cache. */
static void multiply_block(const Tile *tile, const SthConvBlock *block)
{
    const gsize column_panels = div_up(tile->columns, COLS);

    if (block->first && block->last) {
        for (gsize panel = tile->first_panel; panel < tile->end_panel; panel++)
            for (gsize j = 0; j < column_panels; j++)
                multiply(tile, block, panel, j);
    } else {
        for (gsize j = 0; j < column_panels; j++)
            for (gsize panel = tile->first_panel; panel < tile->end_panel; panel++)
                multiply(tile, block, panel, j);
    }
}

/* The first row of B in a tile, where B is the input; @index = group * tiles + tile. NULL if there is no such tile. */
static const float *first_row(const Job *job, gsize index)
{
    const Gemm *g = job->g;
    gsize tiles, image;

    if (!g->direct || index >= g->conv.groups * g->tiles)
        return NULL;
    tiles = g->tiles / g->conv.batch;
    image = index % g->tiles / tiles;
    return job->in + (image * g->conv.groups + index / g->tiles) * g->conv.in_channels * g->columns + index % tiles * g->tile_panels * COLS;
}

/* @item = (group * tiles + tile) * row_parts + part. */
static void run_tile(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Gemm *g = job->g;
    guint8 *scratch = job->run->thread_scratch + thread * job->run->thread_stride;
    const gsize index = item / job->row_parts, width = g->tile_panels * COLS, panels = div_up(g->conv.out_channels, ROWS);
    const gsize piece_tiles = div_up(div_up(g->columns, COLS), g->tile_panels), at = index % piece_tiles * width; /* in an image, or all of them */
    Tile tile = {
        .job = job,
        .group = index / g->tiles,
        .first_column = index % g->tiles / piece_tiles * g->columns + at,
        .columns = MIN(width, g->columns - at),
        .in = first_row(job, index),
        .next = first_row(job, index + 1), /* likely this thread's next one */
        .first_panel = item % job->row_parts * job->row_panels,
        .b = (float *)scratch,
        .patch = (float *)(scratch + g->b_bytes),
        .gather = {.conv = &g->conv, .kernels = job->kernels, .panel = COLS},
    };

    tile.end_panel = MIN(panels, tile.first_panel + job->row_panels);
    if (!g->direct) {
        tile.gather.in = job->in + tile.group * g->conv.in_channels * sth_sliding_in(&g->conv.sliding);
        sth_conv_gather_init(&tile.gather, scratch + g->b_bytes + 2 * ROWS * COLS * sizeof(float), tile.first_column, tile.columns);
    }
    for (guint i = 0; i < g->pack.n_blocks; i++) {
        const SthConvBlock *block = &g->pack.blocks[tile.group * g->pack.n_blocks + i];

        if (!g->direct)
            sth_conv_gather_rows(&tile.gather, block->rows, block->n_rows, tile.b);
        multiply_block(&tile, block);
    }
}

/* Where there are few tiles for the threads, several share one; each gathers it anew. */
static void run_all(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const Gemm *g = prepared;
    const gsize tiles = g->conv.groups * g->tiles, panels = div_up(g->conv.out_channels, ROWS),
                wanted = run->threads > 1 ? run->threads * ITEMS_A_THREAD : 1;
    Job job = {g, run, sth_kernels(), in, residual, out, 0, 0};

    job.row_panels = div_up(panels, CLAMP(div_up(wanted, MAX(1, tiles)), 1, MAX(1, panels)));
    job.row_parts = div_up(panels, MAX(1, job.row_panels));
    sth_op_parallel(run, run_tile, &job, (guint)(tiles * job.row_parts));
}

static void release(gpointer prepared)
{
    Gemm *g = prepared;

    sth_conv_pack_clear(&g->pack);
    g_free(g);
}

const SthConvMethod sth_conv_gemm = {"gemm", takes, prepare, run_all, release, TRUE};
