/* A 2-D image classifier becomes a video network: frames as batch, 3x3 convolutions as STH convolutions, scores averaged over the frames.
 *
 * STH: Spatio-Temporal Hybrid convolution, arXiv 2003.08042. How channels are divided and how temporal kernels start is this project's reading of
 * its abstract.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct {
    guint frames;    /* of a window, >= 1 */
    double fraction; /* of the input channels that get temporal kernels: 0, or near 1/n */
    guint size;      /* rows and columns, where the model leaves them free; 0: 224 */
} SthConversion;

/* Input channels of a convolution in @groups equal parts: part @index is *first…*last - 1. */
void sth_channel_part(gint64 channels, guint groups, guint index, gint64 *first, gint64 *last);

/**
 * sth_graph_to_video:
 * @graph: as sth_onnx_load() gives it: one input N x 3 x H x W, one output N x CLASSES; N may be fixed
 * @log: a line for people is appended
 *
 * Each 3x3 convolution, dense or depthwise, that does not read the image itself becomes an STH convolution written in standard ONNX operators: n
 * parts of the input channels and, where it is dense, n groups of its outputs; group g takes part (g + k) mod n, k the convolution's number,
 * through 3x1x1 temporal kernels and all other channels through their 3x3 kernels. A temporal kernel starts with the sum of the nine taps that it
 * replaces at its centre, and zeros before and after: what does not move and has no edges gives the same response as before. A fraction of 0 leaves
 * all convolutions, and the result is the mean of the network's answers to the frames.
 *
 * The graph is inferred afterwards. FALSE with @error: STH_ERROR_SHAPE (no image classifier), _ARGUMENT, _UNSUPPORTED.
 */
gboolean sth_graph_to_video(SthGraph *graph, const SthConversion *conversion, GString *log, GError **error);

G_END_DECLS
