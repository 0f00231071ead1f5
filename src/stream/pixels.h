/* Pixel formats: where the components of a frame lie in its planes. One row a format (pixels.c).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-stream.h>

G_BEGIN_DECLS

typedef enum { STH_COLOR_YUV, STH_COLOR_RGB, STH_COLOR_GRAY } SthColorKind;

typedef struct {
    guint8 plane;
    guint8 offset;           /* bytes from the start of a row to the first sample */
    guint8 step;             /* bytes from sample to sample */
    guint8 shift_x, shift_y; /* log2 of the subsampling */
} SthComponent;

typedef struct {
    SthPixelFormat pixel;
    SthColorKind kind;
    guint n_components;
    SthComponent component[3]; /* Y U V, R G B, or gray */
} SthPixelLayout;

/* NULL if there is no such format. */
const SthPixelLayout *sth_pixel_layout(SthPixelFormat pixel);

G_END_DECLS
