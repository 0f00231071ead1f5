/* A convolution's kernels split for Winograd's algorithm, and packed.
 *
 * Output channels are taken in panels of STH_BLOCK. Of one panel, a row is a pair of input channel and temporal tap. A row where any of the
 * panel's kernels has weights beside its centre is `spatial`: its kernels are transformed. A row that has only centres is `pointwise`: it
 * costs less as it is. A row that has none costs nothing. An STH convolution is made of the first two kinds.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "ops/conv.h"

G_BEGIN_DECLS

#define STH_WINOGRAD_OUT 4                                        /* results of a tile, along each axis */
#define STH_WINOGRAD_IN (STH_WINOGRAD_OUT + 2)                    /* positions that they depend on */
#define STH_WINOGRAD_PRODUCTS (STH_WINOGRAD_IN * STH_WINOGRAD_IN) /* for each pair of channels */
#define STH_WINOGRAD_GROUP 4                                      /* panels whose products are made together */

/* Some rows of one panel. */
typedef struct {
    const float *weights; /* STH_BLOCK floats a row; of spatial rows, those of product 0 */
    guint first_run, n_runs, n_rows;
} SthWinogradRows;

typedef struct {
    SthWinogradRows spatial;    /* runs in the transformed input */
    SthWinogradRows *pointwise; /* one for each temporal tap; runs in the input itself */
    gboolean like_next;         /* the next panel, of the same group, has the same spatial runs: both can be multiplied at once */
} SthWinogradPanel;

/* A block of input channels at one temporal tap that some panel's spatial rows need. */
typedef struct {
    guint32 tap, block;
} SthWinogradSource;

typedef struct {
    guint n_panels, n_sources;
    SthWinogradPanel *panels;
    SthWinogradSource *sources;
    gsize *group_step; /* by group of panels: floats of its spatial weights for one product */
    GArray *runs;      /* of SthPanelRun */
    float *bias;       /* n_panels * STH_BLOCK */
    float *weights;
    gsize bytes;
} SthWinogradPack;

/* TRUE if the algorithm can run this convolution: one group, 3x3 with stride 1 and no dilation in space. */
gboolean sth_winograd_fits(const SthConv *conv);

/* Cycles of a core that does one multiply-add of STH_BLOCK lanes a cycle, for the whole convolution: by this algorithm, and summed as it is
 * written without the zeros. What the estimates leave out (memory) is about the same for both. */
typedef struct {
    double winograd, direct;
} SthWinogradCost;
SthWinogradCost sth_winograd_cost(const SthConv *conv, const float *weight);

/* @source_step: floats from one source to the next in the transformed input. @bias may be NULL. */
void sth_winograd_pack_init(SthWinogradPack *pack, const SthConv *conv, const float *weight, const float *bias, gsize source_step);
void sth_winograd_pack_clear(SthWinogradPack *pack);

G_END_DECLS
