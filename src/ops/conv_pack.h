/* Packed weights of a convolution that runs as a matrix product.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/conv_gather.h"

G_BEGIN_DECLS

/* STH_GEMM_ROWS output channels' weights for the rows of a block. */
typedef struct {
    const float *weights;
    const SthGemmRun *runs; /* those rows where one of the weights is not zero */
    guint n_runs;
} SthConvPanel;

/* Some rows of B, few enough for a tile of them to stay in the cache. */
typedef struct {
    const SthConvRow *rows;
    guint n_rows;
    const SthConvPanel *panels; /* all output channels of the group */
    gboolean first, last;       /* of its group */
} SthConvBlock;

typedef struct {
    guint n_blocks;       /* of a group, >= 1 */
    SthConvBlock *blocks; /* groups * n_blocks */
    guint max_block;      /* rows of the largest */
    float *bias;          /* groups * bias_stride, a multiple of STH_GEMM_ROWS for each group */
    gsize bias_stride;
    gboolean dense; /* there is one tap, and every row is used: those of a group are its channels in their order */
    gsize bytes;    /* of weights, rows, panels and bias */
    float *weights; /* owners of what the blocks point to */
    SthConvRow *rows;
    SthConvPanel *panels;
    GArray *runs;
} SthConvPack;

/* Rows whose weights are all zero are left out. Rows that the same output channels use stand together, so that each panel has few runs: an STH
 * convolution's channels fall into as many kinds as it has groups. @bias may be NULL. */
void sth_conv_pack_init(SthConvPack *pack, const SthConv *conv, const float *weight, const float *bias);
void sth_conv_pack_clear(SthConvPack *pack);

G_END_DECLS
