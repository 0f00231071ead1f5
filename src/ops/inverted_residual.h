/* Three convolutions as one operator: expand, depthwise, project (an inverted residual: Sandler et al., "MobileNetV2", arXiv 1801.04381), so that
 * the expanded image, which is several times as large as what goes in and out, never leaves the cache.
 *
 * The operator "sth.InvertedResidual" is made by an optimiser pass and is in no file. Inputs: the image; weights and bias of each convolution;
 * what is added to the result, or nothing. Attributes, for each of "expand", "depthwise", "project": "sth.<name>" (SthSliding's kernel, stride,
 * dilation, pad, pad_end) and "sth.<name>.min", "sth.<name>.max".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "ops/conv.h"

G_BEGIN_DECLS

/* The convolutions, in this order. */
enum { STH_EXPAND, STH_DEPTHWISE, STH_PROJECT, STH_INVERTED_STAGES };

/* TRUE if these three Conv nodes, each the only reader of the one before, can run as one. */
gboolean sth_inverted_fits(SthNode *const convs[STH_INVERTED_STAGES]);
/* Gives the new node @node the inputs and attributes of the three. */
void sth_inverted_set(SthNode *node, SthNode *const convs[STH_INVERTED_STAGES]);
/* Reads them back. FALSE with @error if the node was not made by the function above. */
gboolean sth_inverted_read(SthConv convs[STH_INVERTED_STAGES], const SthNode *node, GError **error);

/* One tap of a block's depthwise kernel. */
typedef struct {
    gint32 t;    /* expanded frame - output frame */
    gint32 h, w; /* expanded position - output position * stride, from the first position of a padded image on */
} SthInvertedTap;

/* A block of expanded channels. */
typedef struct {
    const float *expand, *expand_bias; /* [row][STH_BLOCK], [STH_BLOCK] */
    const SthInvertedTap *taps;        /* those with a weight in one of the block's channels */
    const float *weights, *bias;       /* [tap][STH_BLOCK], [STH_BLOCK] */
    guint n_taps, channels;            /* 1…STH_BLOCK */
    gint32 t_first, t_last;            /* of the taps */
    gboolean sampled;                  /* all taps see one position, which is inside of the image: only those are expanded */
} SthInvertedBlock;

/* Packed weights. Expanded channels are sorted: those with temporal taps only first, so that as many blocks as possible are sampled. */
typedef struct {
    guint n_blocks, n_panels;
    SthInvertedBlock *blocks;
    const float *project, *project_bias; /* [panel][expanded channel][STH_BLOCK], [panel][STH_BLOCK] */
    float *floats;                       /* owner of all of them */
    GArray *taps;
    gsize bytes;
} SthInvertedPack;

void sth_inverted_pack_init(SthInvertedPack *pack, const SthConv convs[STH_INVERTED_STAGES], const SthNode *node);
void sth_inverted_pack_clear(SthInvertedPack *pack);

G_END_DECLS
