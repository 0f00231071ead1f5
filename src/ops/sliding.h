/* Geometry of kernels that slide over an image: convolutions and pools share it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

G_BEGIN_DECLS

enum { STH_T, STH_H, STH_W, STH_AXES };

/* One to three axes in space and time, always kept as three: those that a node does not have are of size 1 and come first. */
typedef struct {
    gint64 in[STH_AXES], out[STH_AXES], kernel[STH_AXES], stride[STH_AXES], dilation[STH_AXES];
    gint64 pad[STH_AXES], pad_end[STH_AXES]; /* before the first and after the last element; negative crops */
} SthSliding;

/* The largest kernel, in taps. */
#define STH_SLIDING_MAX_TAPS G_MAXINT32

/* Reads kernel_shape (where that is absent, the last axes of @weight's shape; NULL: it must be there), strides, dilations, pads, auto_pad and
 * ceil_mode, for input 0. FALSE with @error naming the attribute. */
gboolean sth_sliding_init(SthSliding *sliding, const SthNode *node, const SthShape *weight, GError **error);

/* The same without pads and output sizes: kernel, strides, dilations and input sizes only. */
gboolean sth_sliding_read(SthSliding *sliding, const SthNode *node, const SthShape *weight, GError **error);
/* One number >= @least for each of the node's @n axes; unchanged if the attribute is absent. Room for STH_AXES, the last @n are set. */
gboolean sth_sliding_read_axes(const SthNode *node, const char *attr, guint n, gint64 least, gint64 *out, GError **error);
/* The attribute pads of a node with @n axes; unchanged if it is absent. */
gboolean sth_sliding_read_pads(SthSliding *sliding, const SthNode *node, guint n, GError **error);
/* As the attribute @attr of an operator of our own, and back: kernel, stride, dilation, pad and pad_end (which follows from the output's size). FALSE
 * if there is no such attribute; @in is the input's size. */
void sth_sliding_set(SthNode *node, const char *attr, const SthSliding *sliding);
gboolean sth_sliding_get(SthSliding *sliding, const SthNode *node, const char *attr, const gint64 in[STH_AXES]);
/* The size of an image of this shape; FALSE if it has no such axes. */
gboolean sth_sliding_size(const SthShape *shape, gint64 size[STH_AXES]);

/* Elements that a kernel spans. */
gint64 sth_sliding_span(const SthSliding *sliding, guint axis);

/* The output's shape: batch x channels x as many axes as input 0 has. */
void sth_sliding_shape(const SthSliding *sliding, const SthNode *node, gint64 channels, SthShape *shape);

/* Elements before and after sliding, of one channel; taps of the kernel. */
gsize sth_sliding_in(const SthSliding *sliding);
gsize sth_sliding_out(const SthSliding *sliding);
gsize sth_sliding_taps(const SthSliding *sliding);

/* The part first…end-1 (maybe empty) of the outputs along an axis for which the kernel's tap lies inside of the input. */
void sth_sliding_range(const SthSliding *sliding, guint axis, gint64 tap, gint64 *first, gint64 *end);

/* What one tap of the kernel reads for a row of outputs: output first + i reads the channel's element from + i * stride[STH_W], 0 <= i < n. */
typedef struct {
    gsize tap; /* (t * kernel height + h) * kernel width + w */
    gsize from;
    gsize first, n; /* n >= 1 */
} SthSlidingTap;
typedef void (*SthSlidingTapFunc)(gpointer data, const SthSlidingTap *tap);

/* Calls @func for each tap of which something lies inside of the input, for the outputs' row @h of frame @t; taps in order. */
void sth_sliding_row(const SthSliding *sliding, gint64 t, gint64 h, SthSlidingTapFunc func, gpointer data);

G_END_DECLS
