/* What the ways to run a convolution share.
 *
 * conv_gemm.c: any convolution, as matrix products of packed weights with gathered inputs, by our own kernels.
 * conv_blas.c: the same by OpenBLAS, for CPUs that we have no kernels for.
 * conv_winograd.c: 3x3 with stride 1 in space, with fewer multiplications.
 * conv_strips.c: kernels of several taps and strides of two, on padded copies of strips of the image; with a MaxPool behind.
 * conv_columns.c: any convolution with weights that are computed when the model runs.
 * conv_depthwise.c: one input channel a group, as sums of shifted images.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/sliding.h"

G_BEGIN_DECLS

/* A convolution, as the node tells it. */
typedef struct {
    SthSliding sliding;
    gsize batch, groups;
    gsize in_channels, out_channels; /* of one group */
    float min, max;                  /* of the result */
    const SthSliding *pool;          /* of the MaxPool that makes the result of the convolution's, in its planes (conv_max_pool.h); or NULL */
} SthConv;

/* Reads a Conv whose inputs 0 and 1 have their shapes. FALSE with @error where they do not fit together. */
gboolean sth_conv_init(SthConv *conv, const SthNode *node, GError **error);
/* The same for an operator that is like it, but has its weights, of shape @weight, elsewhere. */
gboolean sth_conv_init_weight(SthConv *conv, const SthNode *node, const SthShape *weight, GError **error);

/* A Conv inside of an operator of our own: its attributes @name (a sliding), "@name.min" and "@name.max", and back. FALSE if they are not there, or
 * @weight is no constant. @groups must be known, and the size of its input. */
void sth_conv_set(SthNode *node, const char *name, const SthConv *conv);
gboolean sth_conv_get(SthConv *conv, const SthNode *node, const char *name, const SthValue *weight, gsize groups, const gint64 in[STH_AXES]);

/* Multiply-accumulates of a run: those of weights that are zero, of which an STH kernel has many, do not count. @weight as SthConvMethod's. */
guint64 sth_conv_macs(const SthConv *conv, const float *weight);

/* A way to run it: a row of op_conv.c. */
typedef struct {
    const char *name;
    /* @weight as below: what of it is zero may decide. NULL: weights and bias are only known as inputs 1 and 2 of each run. */
    gboolean (*takes)(const SthConv *conv, const float *weight);
    /* Packs @weight (groups * out_channels x in_channels x kernel) and @bias (groups * out_channels, or NULL). Sets the sizes of scratch memory
     * and prepared_bytes in @node. The result is freed with release(). */
    gpointer (*prepare)(const SthConv *conv, SthNode *node, const float *weight, const float *bias);
    /* out = clamp(conv(in) + bias + residual); residual may be NULL. */
    void (*run)(gconstpointer prepared, const SthOpRun *run, const float *in, const float *residual, float *out);
    void (*release)(gpointer prepared);
    gboolean in_place; /* out may be residual: what is added to a result is read before the result is written, by the same part of work */
} SthConvMethod;

/* The way that a Conv is run. */
const SthConvMethod *sth_conv_method(const SthConv *conv, const float *weight);

extern const SthConvMethod sth_conv_blas, sth_conv_columns, sth_conv_gemm, sth_conv_depthwise, sth_conv_strips, sth_conv_winograd;

G_END_DECLS
