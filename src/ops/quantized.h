/* What operators on quantised tensors share. A quantised tensor stands for (x - zero point) * scale; zero points and scales are one for the tensor
 * or one for each index of an axis.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

#define STH_TYPES_BYTE (STH_TYPE(INT8) | STH_TYPE(UINT8))

/* FALSE with @error unless input @index is a byte tensor and input @zero, if it is there, one zero point of its type, or @n of them. */
gboolean sth_quantized_check(SthNode *node, guint index, guint zero, gint64 n, GError **error);
/* FALSE with @error unless input @index is one scale (float32), or @n of them. */
gboolean sth_quantized_check_scale(SthNode *node, guint index, gint64 n, GError **error);

/* out = input @index minus input @zero (which may be left out) as int32; zero points change every @inner elements, round and round. */
void sth_quantized_widen(const SthOpRun *run, guint index, guint zero, gsize inner, gint32 *out);

/* Elements at…at+n-1 of @out: round(sum[i] * factor * scale[i * step]) + zero, ties to even, saturated. */
void sth_quantized_store(const SthTensor *out, gsize at, gsize n, const gint32 *sum, double factor, const float *scale, gsize step, double zero);

/* Element @at of a tensor; the only one where there is one. 0 if the tensor is left out. */
double sth_quantized_parameter(const SthTensor *tensor, gsize at);

G_END_DECLS
