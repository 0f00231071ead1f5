/* Convolutions whose weights are only known when they run, and those of integers: gathered columns times the weights as they are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/conv.h"
#include "ops/matrix.h"

G_BEGIN_DECLS

/* Called for each stretch of results: out[at…at+n-1], all of output channel @channel (of all groups). */
typedef void (*SthConvFinish)(gpointer data, gsize channel, gsize at, gsize n);

typedef struct {
    SthConv conv;
    SthMatrix3 product; /* of one group and one tile: m output channels, n columns, k rows */
    gsize tile, tiles;  /* columns of a tile; tiles of an image */
} SthConvColumns;

/* To be called before the next. FALSE with @error if it is too large for OpenBLAS, or there is none. */
gboolean sth_conv_columns_check(const SthConv *conv, SthDType dtype, const SthNode *node, GError **error);

/* @dtype: float32, or int32, which wraps around. Sets node->thread_scratch. */
void sth_conv_columns_init(SthConvColumns *columns, const SthConv *conv, SthDType dtype, SthNode *node);

/* out = conv(in), without bias and clamp: @finish does what follows, while the results are in the cache. All three are dense tensors of the type
 * given before. */
void sth_conv_columns_run(const SthConvColumns *columns, const SthOpRun *run, gconstpointer in, gconstpointer weight, gpointer out,
                          SthConvFinish finish, gpointer data);

G_END_DECLS
