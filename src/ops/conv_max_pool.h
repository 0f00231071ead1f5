/* A convolution and the MaxPool behind it as one operator, as stems have them: the convolution's result, which is several times as large as what goes
 * on, never leaves the cache.
 *
 * The operator "sth.ConvMaxPool" is made by an optimiser pass and is in no file. Inputs: those of the Conv, without what is added. Attributes:
 * "sth.conv" (sth_conv_set()) and "sth.pool" (sth_sliding_set()).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/conv.h"

G_BEGIN_DECLS

/* Taps of the pool, at most. */
#define STH_CONV_POOL_TAPS 64

/* TRUE if a Conv and the MaxPool that alone reads it can run as one. */
gboolean sth_conv_max_pool_fits(const SthNode *conv, const SthNode *pool);
/* Gives the new node @node the inputs and attributes of the two. */
void sth_conv_max_pool_set(SthNode *node, const SthNode *conv, const SthNode *pool);
/* Reads them back; conv->pool is @pool. FALSE with @error if the node was not made by the function above. */
gboolean sth_conv_max_pool_read(SthConv *conv, SthSliding *pool, const SthNode *node, GError **error);

G_END_DECLS
