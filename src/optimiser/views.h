/* Operators that give the same elements in the same order another shape.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* perm of a Transpose, each in 0…rank-1; without the attribute the axes are reversed. */
void sth_transpose_axes(const SthNode *node, guint perm[STH_MAX_RANK]);
/* TRUE if a Transpose leaves the order of the axes that are longer than 1: its elements stay where they are. */
gboolean sth_transpose_keeps_order(const SthNode *node);
/* Makes @node a Reshape of @x to the shape that its output has. FALSE, and nothing is changed, where the opset or an empty tensor forbids it. */
gboolean sth_node_become_reshape(SthGraph *graph, SthNode *node, SthValue *x);

G_END_DECLS
