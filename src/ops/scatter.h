/* What operators that pick and put elements by index share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

/* Index number @i made positive. One that is computed at run time and out of range means the nearest: a run cannot fail. */
static inline gsize sth_op_index(const SthTensor *indices, gsize i, gint64 dim)
{
    gint64 index = indices->dtype == STH_DTYPE_INT64 ? ((const gint64 *)indices->data)[i] : ((const gint32 *)indices->data)[i];
    return (gsize)CLAMP(index < 0 ? index + dim : index, 0, dim - 1);
}

/* FALSE with @error if input @input, where it is a constant, holds an index outside of -dim…dim-1, or there is nothing to pick from. */
gboolean sth_op_check_indices(SthNode *node, guint input, gint64 dim, GError **error);

/* What becomes of an element that is put where one is: the attribute 'reduction'. */
typedef enum { STH_SCATTER_NONE, STH_SCATTER_ADD, STH_SCATTER_MUL, STH_SCATTER_MIN, STH_SCATTER_MAX } SthScatter;

gboolean sth_scatter_find(SthNode *node, SthScatter *scatter, GError **error);
/* Types of data (input 0), indices (1) and updates (2); the output is as the data, whose memory it may have. */
gboolean sth_scatter_infer(SthNode *node, GError **error);
/* Begins a run: the output is as the data. */
void sth_scatter_begin(const SthOpRun *run);
/* Puts @n elements of @from at element @at of @to. */
void sth_scatter_put(const SthScatter *scatter, const SthTensor *to, gsize at, const SthTensor *from, gsize from_at, gsize n);

G_END_DECLS
