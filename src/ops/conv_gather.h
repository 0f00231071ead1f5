/* The other factor of a convolution's matrix product: inputs, gathered tile by tile.
 *
 * Of one group, B (rows x columns): a column is one output position of one image of the batch, a row one pair of input channel and tap. A tile
 * of it, some neighbouring columns, is stored panel by panel: each panel has all rows of some columns.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "ops/conv.h"

G_BEGIN_DECLS

/* A row of B: an input channel seen through one tap. */
typedef struct {
    guint32 channel; /* within the group */
    guint32 tap;     /* (t * kernel height + h) * kernel width + w */
} SthConvRow;

/* Row @index = channel * taps + tap. */
SthConvRow sth_conv_row(const SthConv *conv, guint32 index);

/* A tile that is to be gathered. */
typedef struct {
    const SthConv *conv;
    const SthKernels *kernels;
    const float *in; /* the group's first channel of the first image */
    gsize panel;     /* columns a panel */
    /* [tap][span]: what a tap sees, the same in each channel, of some columns that are neighbours in the output's row and in one panel */
    SthGatherPiece *pieces;
    guint n_spans;
} SthConvGather;

/* Bytes of the memory that a tile of so many columns, in panels of @panel, needs for its pieces. */
gsize sth_conv_gather_bytes(const SthConv *conv, gsize columns, gsize panel);
/* Finds the pieces of the tile's columns, which count over the images of the batch, in @memory. The first four fields are set. */
void sth_conv_gather_init(SthConvGather *gather, gpointer memory, gsize first_column, gsize columns);

/* Gathers some rows of the tile into @b: panel by panel, each n_rows x gather->panel. Faster where rows of neighbouring channels and the same tap
 * follow each other. */
void sth_conv_gather_rows(const SthConvGather *gather, const SthConvRow *rows, guint n_rows, float *b);

G_END_DECLS
