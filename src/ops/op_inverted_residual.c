/* Runs an inverted residual: inverted_residual.h.
 *
 * A part of work is a band of the result's rows in some neighbouring frames. It goes on in steps of a few frames. In each step every block of
 * STH_BLOCK expanded channels is expanded as far as the band needs it, into e; summed by its depthwise kernel into d; and d is projected. In a
 * thread's memory:
 *
 *   x  the input with its zero padding, where the expansion is no 1x1             [frame][channel][row][column]
 *   e  expanded: each block whose taps span frames has a ring of frames of its own,
 *      the others share one                                                      [frame][row][column][STH_BLOCK]
 *   d  depthwise results                                                         [block][frame, row, column][STH_BLOCK]
 *   y  one panel of results                                                      [frame, row, column][STH_BLOCK]
 *
 * Bands and frames of other parts do not change how a result is summed: the division of work may follow the number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/inverted_residual.h"

#define B STH_BLOCK
#define CACHE_BYTES (768 * 1024) /* of x, e and d: what a second cache of 1 MB has room for beside weights */
#define MOST_TAPS 1024           /* of a depthwise kernel */

typedef struct {
    gsize offset; /* of the ring in e, floats */
    gsize pitch;  /* positions a row */
    gsize frame;  /* floats */
    gsize frames; /* that it holds: where taps span none, those of a step */
} Ring;

typedef struct {
    SthConv convs[STH_INVERTED_STAGES];
    SthInvertedPack pack;
    gsize images, frames;                      /* frames of an image; if no kernel spans frames, all are of one image */
    gsize band_rows, bands;                    /* of the result */
    gsize step_frames, ring;                   /* frames a step; with those that taps span */
    gint32 t_first, t_last;                    /* of all taps */
    gsize e_rows, e_cols;                      /* of an expanded band with its padding */
    gsize x_rows, x_pitch, x_channel, x_frame; /* rows and floats; x_frame 0: the input is read where it is */
    gsize d_step;                              /* floats of d a block */
    Ring *rings;                               /* one a block */
    SthPanelRun *expand_runs, *project_runs;
    guint n_expand_runs;
    gsize x_bytes, e_bytes, d_bytes;
} Inverted;

/* One run. */
typedef struct {
    const Inverted *v;
    const SthOpRun *run;
    const SthKernels *kernels;
    const float *in, *residual;
    float *out;
    gsize spans; /* parts of an image's frames */
} Job;

/* One part of work, and the step that it is at. */
typedef struct {
    const Job *job;
    gsize image;
    gint64 first_row, rows; /* of the result */
    gint64 t, end;          /* frames of the step */
    gboolean first;         /* it is the part's first: rings are empty */
    float *x, *e, *d, *y;
} Band;

static gboolean infer(SthNode *node, GError **error)
{
    SthConv convs[STH_INVERTED_STAGES];
    SthShape shape;

    if (!sth_inverted_read(convs, node, error))
        return FALSE;
    sth_sliding_shape(&convs[STH_PROJECT].sliding, node, (gint64)convs[STH_PROJECT].out_channels, &shape);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

/* Sizes for bands of @rows rows and steps of @frames frames; returns the bytes of x, e and d. */
static gsize set_sizes(Inverted *v, gsize rows, gsize frames)
{
    const SthConv *expand = &v->convs[STH_EXPAND];
    const SthSliding *s = &v->convs[STH_DEPTHWISE].sliding;
    const gsize width = (gsize)s->out[STH_W];
    gsize shared = 0, e = 0;

    v->band_rows = rows;
    v->step_frames = frames;
    v->ring = frames + (gsize)(v->t_last - v->t_first);
    v->e_rows = (rows - 1) * (gsize)s->stride[STH_H] + (gsize)sth_sliding_span(s, STH_H);
    v->e_cols = (width - 1) * (gsize)s->stride[STH_W] + (gsize)sth_sliding_span(s, STH_W);
    if (sth_sliding_taps(&expand->sliding) > 1) {
        v->x_rows = (v->e_rows - 1) * (gsize)expand->sliding.stride[STH_H] + (gsize)sth_sliding_span(&expand->sliding, STH_H);
        v->x_pitch = (v->e_cols - 1) * (gsize)expand->sliding.stride[STH_W] + (gsize)sth_sliding_span(&expand->sliding, STH_W);
        v->x_channel = v->x_rows * v->x_pitch;
        v->x_frame = expand->in_channels * v->x_channel;
    }
    for (guint own = 0; own < 2; own++) /* the shared ring stands first */
        for (guint i = 0; i < v->pack.n_blocks; i++) {
            const SthInvertedBlock *block = &v->pack.blocks[i];
            Ring *ring = &v->rings[i];

            if ((block->t_first != block->t_last) != own)
                continue;
            ring->pitch = block->sampled ? width : v->e_cols;
            ring->frame = (block->sampled ? rows : v->e_rows) * ring->pitch * B;
            ring->frames = own ? v->ring : frames;
            ring->offset = own ? shared + e : 0;
            if (own)
                e += ring->frames * ring->frame;
            else
                shared = MAX(shared, ring->frames * ring->frame);
        }
    v->d_step = frames * rows * width * B;
    v->x_bytes = v->ring * v->x_frame * sizeof(float);
    v->e_bytes = (shared + e) * sizeof(float);
    v->d_bytes = v->pack.n_blocks * v->d_step * sizeof(float);
    return v->x_bytes + v->e_bytes + v->d_bytes;
}

/* The highest bands, then the longest steps that the cache has room for. */
static void choose_sizes(Inverted *v)
{
    const gsize height = (gsize)v->convs[STH_DEPTHWISE].sliding.out[STH_H];
    gsize rows, frames;

    v->bands = 1;
    while (set_sizes(v, (height + v->bands - 1) / v->bands, 1) > CACHE_BYTES && v->bands < height)
        v->bands++;
    rows = v->band_rows;
    v->bands = (height + rows - 1) / rows;
    for (frames = 2; frames <= v->frames && set_sizes(v, rows, frames) <= CACHE_BYTES; frames++)
        ;
    set_sizes(v, rows, frames - 1);
}

static void make_runs(Inverted *v)
{
    const SthConv *expand = &v->convs[STH_EXPAND];
    const SthSliding *s = &expand->sliding;
    const gsize height = (gsize)s->kernel[STH_H];

    v->n_expand_runs = v->x_frame ? (guint)(expand->in_channels * height) : 1;
    v->expand_runs = g_new(SthPanelRun, v->n_expand_runs);
    v->expand_runs[0] = (SthPanelRun){0, (guint32)expand->in_channels};
    for (guint i = 0; v->x_frame && i < v->n_expand_runs; i++)
        v->expand_runs[i] = (SthPanelRun){
            .offset = (gssize)(i / height * v->x_channel + i % height * (gsize)s->dilation[STH_H] * v->x_pitch),
            .count = (guint32)s->kernel[STH_W],
        };
    v->project_runs = g_new(SthPanelRun, v->pack.n_blocks);
    for (guint i = 0; i < v->pack.n_blocks; i++)
        v->project_runs[i] = (SthPanelRun){(gssize)(i * v->d_step), v->pack.blocks[i].channels};
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthConv convs[STH_INVERTED_STAGES];
    Inverted *v;

    if (!sth_inverted_read(convs, node, error))
        return FALSE;
    if (sth_sliding_taps(&convs[STH_DEPTHWISE].sliding) > MOST_TAPS)
        return sth_op_error(node, error, "a depthwise kernel of more than %d taps", MOST_TAPS);
    v = g_new0(Inverted, 1);
    memcpy(v->convs, convs, sizeof convs);
    sth_inverted_pack_init(&v->pack, v->convs, node);
    for (guint i = 0; i < v->pack.n_blocks; i++) {
        v->t_first = i == 0 ? v->pack.blocks[i].t_first : MIN(v->t_first, v->pack.blocks[i].t_first);
        v->t_last = i == 0 ? v->pack.blocks[i].t_last : MAX(v->t_last, v->pack.blocks[i].t_last);
    }
    v->images = convs[STH_EXPAND].batch;
    v->frames = (gsize)convs[STH_EXPAND].sliding.in[STH_T];
    if (v->t_first == 0 && v->t_last == 0) {
        v->frames *= v->images;
        v->images = 1;
    }
    v->rings = g_new0(Ring, v->pack.n_blocks);
    choose_sizes(v);
    make_runs(v);
    for (guint i = 0; i < STH_INVERTED_STAGES; i++)
        node->macs += sth_conv_macs(&convs[i], sth_node_input(node, 1 + 2 * i)->tensor.data);
    node->prepared = v;
    node->method = "inverted";
    node->prepared_bytes = v->pack.bytes;
    node->packed_inputs = 0x7e; /* weights and biases */
    node->thread_scratch = v->x_bytes + v->e_bytes + v->d_bytes + 2 * v->d_step * sizeof(float);
    return TRUE;
}

/* Floats from the input's (or result's) start to a frame of the band's image. @plane: of a channel, all frames. */
static gsize frame_offset(const Band *band, gint64 frame, gsize channels, const SthSliding *s, const gint64 *size, gsize plane)
{
    const gsize index = band->image * band->job->v->frames + (gsize)frame, frames = (gsize)s->in[STH_T];

    return index / frames * channels * plane + index % frames * (gsize)(size[STH_H] * size[STH_W]);
}

/* Frames of e that a block with these taps still lacks for the step. */
static void missing_frames(const Band *band, gint32 t_first, gint32 t_last, gint64 *from, gint64 *end)
{
    const gint64 frames = (gint64)band->job->v->frames;

    *from = CLAMP(band->t + (band->first || t_first == t_last ? t_first : t_last), 0, frames);
    *end = CLAMP(band->end + t_last, *from, frames);
}

/* Expanded row and column of e's first. */
static gint64 first_e_row(const Band *band)
{
    const SthSliding *s = &band->job->v->convs[STH_DEPTHWISE].sliding;

    return band->first_row * s->stride[STH_H] - s->pad[STH_H];
}

/* The padded input of the step's new frames. */
static void load_x(const Band *band)
{
    const Inverted *v = band->job->v;
    const SthConv *conv = &v->convs[STH_EXPAND];
    const SthSliding *s = &conv->sliding;
    const gsize plane = sth_sliding_in(s);
    const gint64 first_col = -v->convs[STH_DEPTHWISE].sliding.pad[STH_W] * s->stride[STH_W] - s->pad[STH_W]; /* of the input, at x's first */
    const gint64 left = MIN(-first_col, (gint64)v->x_pitch), end = CLAMP(s->in[STH_W] - first_col, left, (gint64)v->x_pitch);
    gint64 from, until;

    missing_frames(band, v->t_first, v->t_last, &from, &until);
    for (gint64 frame = from; frame < until; frame++)
        for (gsize c = 0; c < conv->in_channels; c++) {
            const float *in = band->job->in + frame_offset(band, frame, conv->in_channels, s, s->in, plane) + c * plane;
            float *x = band->x + (gsize)frame % v->ring * v->x_frame + c * v->x_channel;

            for (gsize i = 0; i < v->x_rows; i++, x += v->x_pitch) {
                const gint64 row = first_e_row(band) * s->stride[STH_H] - s->pad[STH_H] + (gint64)i;

                if (row < 0 || row >= s->in[STH_H]) {
                    memset(x, 0, v->x_pitch * sizeof *x);
                    continue;
                }
                memset(x, 0, (gsize)left * sizeof *x);
                memcpy(x + left, in + row * s->in[STH_W] + first_col + left, (gsize)(end - left) * sizeof *x);
                memset(x + end, 0, (v->x_pitch - (gsize)end) * sizeof *x);
            }
        }
}

/* Where the expansion of the expanded position (@row, @col) of a frame starts to read. */
static const float *source(const Band *band, gint64 frame, gint64 row, gint64 col)
{
    const Inverted *v = band->job->v;
    const SthConv *conv = &v->convs[STH_EXPAND];
    const SthSliding *s = &conv->sliding;
    const gint64 pad = v->convs[STH_DEPTHWISE].sliding.pad[STH_W];

    if (!v->x_frame)
        return band->job->in + frame_offset(band, frame, conv->in_channels, s, s->in, sth_sliding_in(s)) + row * s->in[STH_W] + col;
    return band->x + (gsize)frame % v->ring * v->x_frame + (gsize)((row - first_e_row(band)) * s->stride[STH_H]) * v->x_pitch +
           (gsize)((col + pad) * s->stride[STH_W]);
}

static void expand_row(const Band *band, const SthInvertedBlock *block, const float *in, gsize step, gsize n, float *out)
{
    const Inverted *v = band->job->v;
    const SthConv *conv = &v->convs[STH_EXPAND];
    const SthPanel panel = {
        .a = block->expand,
        .runs = v->expand_runs,
        .n_runs = v->n_expand_runs,
        .b = in,
        .row_step = v->x_frame ? (gssize)conv->sliding.dilation[STH_W] : (gssize)sth_sliding_in(&conv->sliding),
        .step = step,
        .c = out,
        .n = (guint)n,
        .bias = block->expand_bias,
        .min = conv->min,
        .max = conv->max,
    };

    band->job->kernels->panel(&panel);
}

/* Only the positions that the taps see. */
static void expand_sampled(const Band *band, const SthInvertedBlock *block, const Ring *ring, gint64 frame, float *e)
{
    const Inverted *v = band->job->v;
    const SthSliding *s = &v->convs[STH_DEPTHWISE].sliding, *x = &v->convs[STH_EXPAND].sliding;
    const gint64 h = block->n_taps ? block->taps[0].h - s->pad[STH_H] : 0, w = block->n_taps ? block->taps[0].w - s->pad[STH_W] : 0;
    const gint64 stride = s->stride[STH_W] * x->stride[STH_W];

    if (!v->x_frame && s->stride[STH_H] == 1 && stride == 1 && s->out[STH_W] == s->in[STH_W]) { /* all rows are one */
        expand_row(band, block, source(band, frame, band->first_row + h, w), 1, (gsize)band->rows * ring->pitch, e);
        return;
    }
    for (gint64 i = 0; i < band->rows; i++, e += ring->pitch * B)
        expand_row(band, block, source(band, frame, (band->first_row + i) * s->stride[STH_H] + h, w), (gsize)stride, ring->pitch, e);
}

static void expand_padded(const Band *band, const SthInvertedBlock *block, const Ring *ring, gint64 frame, float *e)
{
    const Inverted *v = band->job->v;
    const SthSliding *s = &v->convs[STH_DEPTHWISE].sliding;
    const gsize left = MIN((gsize)s->pad[STH_W], ring->pitch), end = MIN(left + (gsize)s->in[STH_W], ring->pitch);
    const gint64 rows = (band->rows - 1) * s->stride[STH_H] + sth_sliding_span(s, STH_H);

    for (gint64 i = 0; i < rows; i++, e += ring->pitch * B) {
        const gint64 row = first_e_row(band) + i;

        if (row < 0 || row >= s->in[STH_H] || end == left) {
            memset(e, 0, ring->pitch * B * sizeof *e);
            continue;
        }
        memset(e, 0, left * B * sizeof *e);
        expand_row(band, block, source(band, frame, row, 0), (gsize)v->convs[STH_EXPAND].sliding.stride[STH_W], end - left, e + left * B);
        memset(e + end * B, 0, (ring->pitch - end) * B * sizeof *e);
    }
}

/* One frame of a block's depthwise results. */
static void sum_taps(const Band *band, const SthInvertedBlock *block, const Ring *ring, gint64 t, float *d)
{
    const Inverted *v = band->job->v;
    const SthConv *conv = &v->convs[STH_DEPTHWISE];
    const SthSliding *s = &conv->sliding;
    const gsize width = (gsize)s->out[STH_W], step = block->sampled ? 1 : (gsize)s->stride[STH_W];
    const gsize row_step = block->sampled ? ring->pitch : (gsize)s->stride[STH_H] * ring->pitch;
    const float *taps[MOST_TAPS], *weights = block->weights;
    guint n = 0, skipped = 0;

    for (guint i = 0; i < block->n_taps; i++) { /* in order of t: those inside of the image are neighbours */
        const SthInvertedTap *tap = &block->taps[i];
        const gint64 frame = t + tap->t;

        if (frame < 0)
            skipped++;
        if (frame < 0 || frame >= (gint64)v->frames)
            continue;
        taps[n++] = band->e + ring->offset + (gsize)frame % ring->frames * ring->frame +
                    (block->sampled ? 0 : ((gsize)tap->h * ring->pitch + (gsize)tap->w) * B);
    }
    weights += skipped * B;
    for (gint64 row = 0; row < band->rows; row++, d += width * B) {
        band->job->kernels->depthwise(d, width, taps, step * B, weights, n, block->bias, conv->min, conv->max);
        for (guint i = 0; i < n; i++)
            taps[i] += row_step * B;
    }
}

static void run_block(const Band *band, guint index)
{
    const Inverted *v = band->job->v;
    const SthInvertedBlock *block = &v->pack.blocks[index];
    const Ring *ring = &v->rings[index];
    const gsize d_frame = (gsize)(band->rows * v->convs[STH_DEPTHWISE].sliding.out[STH_W]) * B;
    gint64 from, end;

    missing_frames(band, block->t_first, block->t_last, &from, &end);
    for (gint64 frame = from; frame < end; frame++) {
        float *e = band->e + ring->offset + (gsize)frame % ring->frames * ring->frame;

        if (block->sampled)
            expand_sampled(band, block, ring, frame, e);
        else
            expand_padded(band, block, ring, frame, e);
    }
    for (gint64 t = band->t; t < band->end; t++)
        sum_taps(band, block, ring, t, band->d + index * v->d_step + (gsize)(t - band->t) * d_frame);
}

/* @panels panels, one or two. */
static void project_panels(const Band *band, guint index, guint panels)
{
    const Job *job = band->job;
    const Inverted *v = job->v;
    const SthConv *conv = &v->convs[STH_PROJECT];
    const SthSliding *s = &conv->sliding;
    const gsize positions = (gsize)(band->rows * s->out[STH_W]), plane = sth_sliding_out(s);
    const float *weights = v->pack.project + index * v->convs[STH_DEPTHWISE].groups * B;
    const SthPanel panel = {
        .a = weights,
        .a2 = panels > 1 ? weights + v->convs[STH_DEPTHWISE].groups * B : NULL,
        .runs = v->project_runs,
        .n_runs = v->pack.n_blocks,
        .b = band->d,
        .row_step = 1,
        .step = B,
        .c = band->y,
        .c2 = band->y + v->d_step,
        .n = (guint)((gsize)(band->end - band->t) * positions),
        .bias = v->pack.project_bias + index * B,
        .bias2 = v->pack.project_bias + (index + panels - 1) * B,
        .min = -INFINITY,
        .max = INFINITY,
    };

    job->kernels->panel(&panel);
    for (guint i = index; i < index + panels; i++)
        for (gint64 t = band->t; t < band->end; t++) {
            const gsize at = frame_offset(band, t, conv->out_channels, s, s->out, plane) + i * B * plane + (gsize)(band->first_row * s->out[STH_W]);

            job->kernels->from_blocked(job->out + at, plane, band->y + (i - index) * v->d_step + (gsize)(t - band->t) * positions * B,
                                       job->residual ? job->residual + at : NULL, (guint)MIN(B, conv->out_channels - i * B), positions, conv->min,
                                       conv->max);
        }
}

/* @item = (image * bands + band) * spans + span. */
static void run_band(gpointer data, guint item, guint thread)
{
    const Job *job = data;
    const Inverted *v = job->v;
    const gsize span = item % job->spans, index = item / job->spans;
    const gint64 end = (gint64)(v->frames * (span + 1) / job->spans), height = v->convs[STH_DEPTHWISE].sliding.out[STH_H];
    guint8 *scratch = job->run->thread_scratch + thread * job->run->thread_stride;
    Band band = {
        .job = job,
        .image = index / v->bands,
        .first_row = (gint64)(index % v->bands * v->band_rows),
        .t = (gint64)(v->frames * span / job->spans),
        .first = TRUE,
        .x = (float *)scratch,
        .e = (float *)(scratch + v->x_bytes),
        .d = (float *)(scratch + v->x_bytes + v->e_bytes),
        .y = (float *)(scratch + v->x_bytes + v->e_bytes + v->d_bytes),
    };

    band.rows = MIN((gint64)v->band_rows, height - band.first_row);
    for (; band.t < end; band.t = band.end, band.first = FALSE) {
        band.end = MIN(end, band.t + (gint64)v->step_frames);
        if (v->x_frame)
            load_x(&band);
        for (guint i = 0; i < v->pack.n_blocks; i++)
            run_block(&band, i);
        for (guint i = 0; i < v->pack.n_panels; i += 2)
            project_panels(&band, i, MIN(2, v->pack.n_panels - i));
    }
}

/* Into how many spans the frames of an image are divided: what the busiest of the threads does, with the frames that spans expand twice, is least. */
static gsize choose_spans(const Inverted *v, guint threads)
{
    const gsize parts = v->bands * v->images;
    gsize best = 1, least = G_MAXSIZE;

    for (gsize spans = 1; spans <= v->frames && threads > 1; spans++) {
        /* Half of the work is expansion; of the channels a quarter spans frames. */
        const gsize frames = (v->frames + spans - 1) / spans * 8 + (spans > 1 ? (gsize)(v->t_last - v->t_first) : 0);
        const gsize busiest = (parts * spans + threads - 1) / threads * frames;

        if (busiest < least) {
            least = busiest;
            best = spans;
        }
    }
    return best;
}

static void run(const SthOpRun *op)
{
    const Inverted *v = op->prepared;
    const gboolean has_residual = op->n_in > 7 && op->in[7].dtype != STH_DTYPE_INVALID;
    Job job = {v, op, sth_kernels(), op->in[0].data, has_residual ? op->in[7].data : NULL, op->out[0].data, choose_spans(v, op->threads)};

    sth_op_parallel(op, run_band, &job, (guint)(v->images * v->bands * job.spans));
}

static void release(gpointer data)
{
    Inverted *v = data;

    sth_inverted_pack_clear(&v->pack);
    g_free(v->rings);
    g_free(v->expand_runs);
    g_free(v->project_runs);
    g_free(v);
}

const SthOp sth_op_inverted_residual = {
    .name = "sth.InvertedResidual",
    .since = 1,
    .min_in = 7,
    .max_in = 8,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .release = release,
};
