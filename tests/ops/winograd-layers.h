/* The layers that Winograd's cost model is judged by, and what was measured of them: winograd-measured.tsv.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/conv.h"

/* A row: a 3x3 convolution with stride 1 of an image of @frames frames; @temporal of its kernel's channels in eight have a line of three frames in
 * place of their plane, others and other ones for each output channel, as STH convolutions have; 0: a 2-D kernel. */
typedef struct {
    guint out_channels, in_channels, frames, size, temporal;
    double winograd_ms, other_ms; /* minimum of a run with one thread; other: the method that would run it else */
} WinogradLayer;

/* Rows of WinogradLayer. A file that cannot be read or has a line of other columns ends the program with a message. */
GArray *winograd_layers_read(const char *path);
/* First line of the file. */
#define WINOGRAD_LAYERS_HEAD "out_channels\tin_channels\tframes\tsize\ttemporal\twinograd_ms\tother_ms"

void winograd_layer_conv(const WinogradLayer *layer, SthConv *conv);
/* Its weights, for g_free(). */
float *winograd_layer_weight(const WinogradLayer *layer);
