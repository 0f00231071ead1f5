/* What passes ask of constants.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* TRUE for a constant of int32 or int64 whose elements all lie in @low…@high. */
gboolean sth_constant_ints_within(const SthValue *value, gint64 low, gint64 high);
/* TRUE for a constant of a number type with at least one element, all of them equal to @number. */
gboolean sth_constant_is(const SthValue *value, double number);
/* A new constant: int64 [n]. */
SthValue *sth_graph_add_ints(SthGraph *graph, const char *name, const gint64 *numbers, guint n);

G_END_DECLS
