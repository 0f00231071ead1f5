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
    gint32 t, h, w;  /* input position = output position * stride + this */
} SthConvRow;

/* Row @index = channel * taps + tap. */
SthConvRow sth_conv_row(const SthConv *conv, guint32 index);

/* Some columns of a tile that are neighbours in the output's row and in one panel. */
typedef struct {
    guint32 panel, column; /* the first of them: its panel in the tile, its column there */
    guint32 n;
    gint32 t, h, w; /* input position of a tap with no offset */
    guint32 image;
} SthConvSpan;

/* A tile that is to be gathered. */
typedef struct {
    const SthConv *conv;
    const SthKernels *kernels;
    const float *in;    /* the group's first channel of the first image */
    gsize panel;        /* columns a panel */
    SthConvSpan *spans; /* room for one a column */
    guint n_spans;
} SthConvGather;

/* Finds the spans of the tile's columns; they count over the images of the batch. */
void sth_conv_gather_init(SthConvGather *gather, gsize first_column, gsize columns);

/* Gathers some rows of the tile into @b: panel by panel, each n_rows x gather->panel. */
void sth_conv_gather_rows(const SthConvGather *gather, const SthConvRow *rows, guint n_rows, float *b);

G_END_DECLS
