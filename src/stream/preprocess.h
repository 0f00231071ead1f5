/* Preprocess: a frame as the camera or decoder gives it becomes the network's: cropped, resized, RGB or BGR, normalised, in one pass.
 *
 * Components are resized at their own resolution, before the colour matrix: chroma is never enlarged to the size of luma. Chroma of 4:2:0 and
 * 4:2:2 is taken as MPEG-2 places it: horizontally on every second luma sample, vertically (4:2:0) between two rows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>
#include <sth/sth-stream.h>

G_BEGIN_DECLS

typedef struct _SthPreprocess SthPreprocess;

/* The part of the frame that is read (pixels, fractions allowed) and the part of the network's input that it fills. */
typedef struct {
    double x0, y0, x1, y1;
    guint x, y, width, height;
} SthPlacement;

/* @width x @height of the network, its pixels are square. */
SthPlacement sth_placement(const SthFrameFormat *format, SthResizePolicy resize, guint width, guint height);

/* Tables for frames of @format and a model's input. NULL with @error (STH_ERROR_ARGUMENT) for a size of zero or an unknown format. */
SthPreprocess *sth_preprocess_new(const SthFrameFormat *format, const SthModelInfo *info, GError **error);
void sth_preprocess_free(SthPreprocess *preprocess);

/* Writes @out: float planes [3][H][W]. Allocates nothing; one thread at a time. */
void sth_preprocess_run(SthPreprocess *preprocess, const SthFrame *frame, float *out);

G_END_DECLS
