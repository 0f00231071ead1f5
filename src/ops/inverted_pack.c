/* What an inverted residual is made of: its three convolutions, and their packed weights. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/blas.h"
#include "ops/inverted_residual.h"

#define B STH_BLOCK
#define RESIDUAL (1 + 2 * STH_INVERTED_STAGES) /* its input */

static const char *const names[STH_INVERTED_STAGES] = {"sth.expand", "sth.depthwise", "sth.project"};

/* No stride, no padding, one tap. */
static gboolean is_pointwise(const SthSliding *s)
{
    for (guint axis = 0; axis < STH_AXES; axis++)
        if (s->kernel[axis] != 1 || s->stride[axis] != 1 || s->pad[axis] || s->pad_end[axis])
            return FALSE;
    return TRUE;
}

/* A kernel of one frame, of any height and width; strides that the panel kernel has, and pads that are no cropping. */
static gboolean can_expand(const SthConv *conv)
{
    const SthSliding *s = &conv->sliding;

    return conv->groups == 1 && s->kernel[STH_T] == 1 && s->stride[STH_T] == 1 && s->pad[STH_T] == 0 && s->pad_end[STH_T] == 0 &&
           s->stride[STH_H] == s->stride[STH_W] && (is_pointwise(s) || s->kernel[STH_W] > 1) && s->stride[STH_W] <= 2 && s->pad[STH_H] >= 0 &&
           s->pad[STH_W] >= 0;
}

static gboolean can_be_depthwise(const SthConv *conv)
{
    const SthSliding *s = &conv->sliding;

    return conv->in_channels == 1 && conv->out_channels == 1 && s->stride[STH_T] == 1 && s->out[STH_T] == s->in[STH_T] && s->pad[STH_H] >= 0 &&
           s->pad[STH_W] >= 0;
}

static gboolean has_constant_weights(const SthNode *node)
{
    const SthValue *bias = sth_node_input(node, 2);

    return sth_node_input(node, 1)->constant && (!bias || bias->constant) && sth_node_input(node, 1)->tensor.dtype == STH_DTYPE_FLOAT;
}

gboolean sth_inverted_fits(SthNode *const nodes[STH_INVERTED_STAGES])
{
    SthConv convs[STH_INVERTED_STAGES];

    for (guint i = 0; i < STH_INVERTED_STAGES; i++)
        if (!has_constant_weights(nodes[i]) || !sth_conv_init(&convs[i], nodes[i], NULL))
            return FALSE;
    return !sth_blas_runs_convolutions() && !sth_node_input(nodes[STH_EXPAND], 3) && !sth_node_input(nodes[STH_DEPTHWISE], 3) &&
           can_expand(&convs[STH_EXPAND]) && can_be_depthwise(&convs[STH_DEPTHWISE]) && convs[STH_PROJECT].groups == 1 &&
           is_pointwise(&convs[STH_PROJECT].sliding);
}

void sth_inverted_set(SthNode *node, SthNode *const nodes[STH_INVERTED_STAGES])
{
    sth_node_add_input(node, sth_node_input(nodes[STH_EXPAND], 0));
    for (guint i = 0; i < STH_INVERTED_STAGES; i++) {
        SthConv conv;

        g_return_if_fail(sth_conv_init(&conv, nodes[i], NULL));
        sth_conv_set(node, names[i], &conv);
        sth_node_add_input(node, sth_node_input(nodes[i], 1));
        sth_node_add_input(node, sth_node_input(nodes[i], 2));
    }
    sth_node_add_input(node, sth_node_input(nodes[STH_PROJECT], 3));
}

gboolean sth_inverted_read(SthConv convs[STH_INVERTED_STAGES], const SthNode *node, GError **error)
{
    gint64 in[STH_AXES];
    gboolean known = sth_sliding_size(&sth_node_input(node, 0)->tensor.shape, in);

    for (guint i = 0; i < STH_INVERTED_STAGES && known; i++) {
        const SthValue *weight = sth_node_input(node, 1 + 2 * i);

        known = sth_conv_get(&convs[i], node, names[i], weight, i == STH_DEPTHWISE && weight ? (gsize)weight->tensor.shape.dims[0] : 1,
                             i > 0 ? convs[i - 1].sliding.out : in);
    }
    return known || sth_op_error(node, error, "it is no operator for files: sth makes it of three Conv when it opens a model");
}

/* While packing. */
typedef struct {
    const SthConv *convs;
    const float *weights[STH_INVERTED_STAGES], *biases[STH_INVERTED_STAGES];
    gsize channels, rows; /* expanded; of an expansion */
    guint32 *order;       /* channel at each place */
    float *next;          /* free floats */
} Packer;

static float *take(Packer *p, gsize n)
{
    float *floats = p->next;

    p->next += n;
    return floats;
}

static const float *kernel_of(const Packer *p, gsize channel)
{
    return p->weights[STH_DEPTHWISE] + channel * sth_sliding_taps(&p->convs[STH_DEPTHWISE].sliding);
}

static SthInvertedTap tap_at(const SthSliding *s, gsize index)
{
    const gsize w = index % (gsize)s->kernel[STH_W], h = index / (gsize)s->kernel[STH_W] % (gsize)s->kernel[STH_H],
                t = index / (gsize)s->kernel[STH_W] / (gsize)s->kernel[STH_H];

    return (SthInvertedTap){.t = (gint32)((gint64)t * s->dilation[STH_T] - s->pad[STH_T]),
                            .h = (gint32)((gint64)h * s->dilation[STH_H]),
                            .w = (gint32)((gint64)w * s->dilation[STH_W])};
}

/* All outputs see this tap inside of the expanded image. */
static gboolean is_inside(const SthSliding *s, const SthInvertedTap *tap)
{
    return tap->h >= s->pad[STH_H] && tap->w >= s->pad[STH_W] && (s->out[STH_H] - 1) * s->stride[STH_H] + tap->h - s->pad[STH_H] < s->in[STH_H] &&
           (s->out[STH_W] - 1) * s->stride[STH_W] + tap->w - s->pad[STH_W] < s->in[STH_W];
}

/* All of its weights are at one position, which is inside, and the panel kernel can take such steps; then *place is that position, unless it was set before to another one. */
static gboolean is_sampled(const Packer *p, gsize channel, SthInvertedTap *place, gboolean *placed)
{
    const SthSliding *s = &p->convs[STH_DEPTHWISE].sliding;
    const float *kernel = kernel_of(p, channel);

    if (s->stride[STH_W] * p->convs[STH_EXPAND].sliding.stride[STH_W] > 2)
        return FALSE;
    for (gsize i = 0; i < sth_sliding_taps(s); i++) {
        const SthInvertedTap tap = tap_at(s, i);

        if (kernel[i] == 0)
            continue;
        if (!is_inside(s, &tap) || (*placed && (tap.h != place->h || tap.w != place->w)))
            return FALSE;
        *place = tap;
        *placed = TRUE;
    }
    return TRUE;
}

/* Sampled channels, then the others, each in their order. */
static void sort_channels(Packer *p)
{
    gsize n = 0;

    for (gboolean others = FALSE; others <= TRUE; others++)
        for (gsize c = 0; c < p->channels; c++) {
            SthInvertedTap place;
            gboolean placed = FALSE;

            if (is_sampled(p, c, &place, &placed) != others)
                p->order[n++] = (guint32)c;
        }
}

static void pack_expand(Packer *p, SthInvertedBlock *block, const guint32 *order)
{
    float *weights = take(p, p->rows * B), *bias = take(p, B);

    for (guint l = 0; l < block->channels; l++) {
        for (gsize row = 0; row < p->rows; row++)
            weights[row * B + l] = p->weights[STH_EXPAND][order[l] * p->rows + row];
        bias[l] = p->biases[STH_EXPAND] ? p->biases[STH_EXPAND][order[l]] : 0;
    }
    block->expand = weights;
    block->expand_bias = bias;
}

/* Taps are an index into pack->taps until the array stops growing. */
static void pack_depthwise(Packer *p, SthInvertedPack *pack, SthInvertedBlock *block, const guint32 *order)
{
    const SthSliding *s = &p->convs[STH_DEPTHWISE].sliding;
    float *bias = take(p, B);
    SthInvertedTap place;
    gboolean placed = FALSE;

    block->weights = p->next;
    block->bias = bias;
    block->t_first = G_MAXINT32;
    block->t_last = G_MININT32;
    block->sampled = TRUE;
    for (guint l = 0; l < block->channels; l++) {
        block->sampled = block->sampled && is_sampled(p, order[l], &place, &placed);
        bias[l] = p->biases[STH_DEPTHWISE] ? p->biases[STH_DEPTHWISE][order[l]] : 0;
    }
    for (gsize i = 0; i < sth_sliding_taps(s); i++) {
        const SthInvertedTap tap = tap_at(s, i);
        gboolean used = FALSE;

        for (guint l = 0; l < block->channels; l++) {
            p->next[l] = kernel_of(p, order[l])[i];
            used = used || p->next[l] != 0;
        }
        if (!used)
            continue;
        p->next += B;
        g_array_append_val(pack->taps, tap);
        block->n_taps++;
        block->t_first = MIN(block->t_first, tap.t);
        block->t_last = MAX(block->t_last, tap.t);
    }
    if (block->n_taps == 0)
        block->t_first = block->t_last = 0;
}

static void pack_project(Packer *p, SthInvertedPack *pack)
{
    const gsize out_channels = p->convs[STH_PROJECT].out_channels;
    float *bias = take(p, pack->n_panels * B), *weights = take(p, pack->n_panels * p->channels * B);

    pack->project = weights;
    pack->project_bias = bias;
    for (gsize c = 0; c < out_channels; c++) {
        bias[c] = p->biases[STH_PROJECT] ? p->biases[STH_PROJECT][c] : 0;
        for (gsize i = 0; i < p->channels; i++)
            weights[(c / B * p->channels + i) * B + c % B] = p->weights[STH_PROJECT][c * p->channels + p->order[i]];
    }
}

void sth_inverted_pack_init(SthInvertedPack *pack, const SthConv convs[STH_INVERTED_STAGES], const SthNode *node)
{
    Packer p = {.convs = convs, .channels = convs[STH_DEPTHWISE].groups};
    gsize floats;

    for (guint i = 0; i < STH_INVERTED_STAGES; i++) {
        const SthValue *bias = sth_node_input(node, 2 + 2 * i);

        p.weights[i] = sth_node_input(node, 1 + 2 * i)->tensor.data;
        p.biases[i] = bias ? bias->tensor.data : NULL;
    }
    p.rows = convs[STH_EXPAND].in_channels * sth_sliding_taps(&convs[STH_EXPAND].sliding);
    memset(pack, 0, sizeof *pack);
    pack->n_blocks = (guint)((p.channels + B - 1) / B);
    pack->n_panels = (guint)((convs[STH_PROJECT].out_channels + B - 1) / B);
    /* Of each block: an expansion, two biases, a kernel, of which a tap more is written and taken back; the projection. */
    floats = pack->n_blocks * B * (p.rows + 3 + sth_sliding_taps(&convs[STH_DEPTHWISE].sliding)) + pack->n_panels * B * (p.channels + 1);
    p.next = pack->floats = sth_aligned_alloc(floats * sizeof(float));
    pack->taps = g_array_new(FALSE, FALSE, sizeof(SthInvertedTap));
    pack->blocks = g_new0(SthInvertedBlock, pack->n_blocks);
    p.order = g_new(guint32, p.channels);
    sort_channels(&p);
    for (guint i = 0; i < pack->n_blocks; i++) {
        pack->blocks[i].channels = (guint)MIN(B, p.channels - i * B);
        pack_expand(&p, &pack->blocks[i], p.order + i * B);
        pack_depthwise(&p, pack, &pack->blocks[i], p.order + i * B);
    }
    for (guint i = 0, tap = 0; i < pack->n_blocks; tap += pack->blocks[i++].n_taps)
        pack->blocks[i].taps = &g_array_index(pack->taps, SthInvertedTap, tap);
    pack_project(&p, pack);
    pack->bytes = floats * sizeof(float) + pack->taps->len * sizeof(SthInvertedTap) + pack->n_blocks * sizeof *pack->blocks;
    g_free(p.order);
}

void sth_inverted_pack_clear(SthInvertedPack *pack)
{
    g_free(pack->blocks);
    g_array_unref(pack->taps);
    sth_aligned_free(pack->floats);
}
