/* Convolution of gathered columns with weights that nobody has packed.
 *
 * Of one group and image:  C (out_channels x columns) = A (out_channels x rows) * B (rows x columns), where A is the weights as the node gives
 * them. B is gathered tile by tile into a thread's memory. A tile is one part of work, whatever the number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_columns.h"

#include <math.h>

#include "kernels/kernels.h"
#include "ops/columns.h"

#define TILE_BYTES (512 * 1024) /* of B: about the second cache */
#define MIN_COLS 32             /* of a tile: less does not pay for packing A */
#define MAX_COLS 2048

/* A product of all columns of an image. */
static SthMatrix3 whole_product(const SthConv *conv, SthDType dtype)
{
    const gsize rows = conv->in_channels * sth_sliding_taps(&conv->sliding);

    return (SthMatrix3){.dtype = dtype, .m = conv->out_channels, .n = sth_sliding_out(&conv->sliding), .k = rows};
}

gboolean sth_conv_columns_check(const SthConv *conv, SthDType dtype, const SthNode *node, GError **error)
{
    const SthMatrix3 product = whole_product(conv, dtype);

    return sth_matrix_check(&product, node, error);
}

void sth_conv_columns_init(SthConvColumns *c, const SthConv *conv, SthDType dtype, SthNode *node)
{
    c->conv = *conv;
    c->product = whole_product(conv, dtype);
    c->tile = CLAMP(TILE_BYTES / (MAX(1, c->product.k) * sizeof(float)), MIN_COLS, MAX_COLS);
    c->tile = MIN(c->tile, MAX(1, c->product.n));
    c->tiles = (c->product.n + c->tile - 1) / c->tile;
    node->thread_scratch = c->product.k * c->tile * sizeof(float);
}

/* One run. */
typedef struct {
    const SthConvColumns *columns;
    const SthOpRun *run;
    const guint32 *in, *weight;
    guint32 *out;
    SthConvFinish finish;
    gpointer data;
} Job;

/* @item = (image * groups + group) * tiles + tile. */
static void run_tile(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const SthConvColumns *c = job->columns;
    const SthConv *conv = &c->conv;
    const gsize in_size = sth_sliding_in(&conv->sliding), out_size = sth_sliding_out(&conv->sliding), taps = sth_sliding_taps(&conv->sliding);
    const gsize index = item / c->tiles, group = index % conv->groups, first = item % c->tiles * c->tile;
    const guint32 *in = job->in + index * conv->in_channels * in_size;
    guint32 *b = (guint32 *)(gpointer)(job->run->thread_scratch + thread * job->run->thread_stride);
    SthMatrix3 product = c->product;

    product.n = MIN(c->tile, out_size - first);
    for (gsize channel = 0; channel < conv->in_channels; channel++)
        sth_columns_gather(&conv->sliding, in + channel * in_size, first, product.n, b + channel * taps * product.n);
    const gsize at = index * conv->out_channels * out_size + first;
    sth_matrix_product(&product, job->weight + group * product.m * product.k, product.k, b, product.n, job->out + at, out_size);
    for (gsize channel = 0; channel < conv->out_channels; channel++)
        job->finish(job->data, group * conv->out_channels + channel, at + channel * out_size, product.n);
}

void sth_conv_columns_run(const SthConvColumns *columns, const SthOpRun *run, gconstpointer in, gconstpointer weight, gpointer out,
                          SthConvFinish finish, gpointer data)
{
    Job job = {columns, run, in, weight, out, finish, data};

    sth_op_parallel(run, run_tile, &job, (guint)(columns->conv.batch * columns->conv.groups * columns->tiles));
}

/* The method for Conv: weights and bias are inputs 1 and 2 of the run. */
static gboolean takes(const SthConv *conv, const float *weight)
{
    return weight == NULL;
}

static gpointer prepare(const SthConv *conv, SthNode *node, const float *weight, const float *bias)
{
    SthConvColumns *columns = g_new0(SthConvColumns, 1);

    sth_conv_columns_init(columns, conv, STH_DTYPE_FLOAT, node);
    return columns;
}

typedef struct {
    const float *bias, *residual;
    float *out, min, max;
} Floats;

static void finish_floats(gpointer data, gsize channel, gsize at, gsize n)
{
    const Floats *f = data;
    const SthKernels *kernels = sth_kernels();

    kernels->scale_shift(f->out + at, f->out + at, n, 1, f->bias ? f->bias[channel] : 0, f->residual ? -INFINITY : f->min,
                         f->residual ? INFINITY : f->max);
    if (f->residual)
        kernels->add_clamp(f->out + at, f->out + at, f->residual + at, n, f->min, f->max);
}

static void run_floats(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out)
{
    const SthConvColumns *columns = prepared;
    const gboolean biased = run->n_in > 2 && run->in[2].dtype != STH_DTYPE_INVALID;
    Floats floats = {biased ? run->in[2].data : NULL, residual, out, columns->conv.min, columns->conv.max};

    sth_conv_columns_run(columns, run, in, run->in[1].data, out, finish_floats, &floats);
}

const SthConvMethod sth_conv_columns = {"columns", takes, prepare, run_floats, g_free, FALSE};
