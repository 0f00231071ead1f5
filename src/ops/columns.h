/* Windows of an image as columns of a matrix, and back: "im2col" and "col2im".
 *
 * A column is one output of a sliding kernel (counted t, h, w), a row one of its taps. SthSliding tells which element of the image a tap of an
 * output reads: gathering copies it, scattering adds to it. A transposed convolution is a sliding kernel whose `out` is what it reads and
 * whose `in` is what it makes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/sliding.h"

G_BEGIN_DECLS

/* Columns first…first+n-1 of one channel: columns[tap * n + i]; 0 where a tap is outside of the image. Elements are four bytes of any type. */
void sth_columns_gather(const SthSliding *sliding, const guint32 *plane, gsize first, gsize n, guint32 *columns);
/* Adds them to the channel; what is outside of it is dropped. */
void sth_columns_scatter(const SthSliding *sliding, const float *columns, gsize first, gsize n, float *plane);

G_END_DECLS
