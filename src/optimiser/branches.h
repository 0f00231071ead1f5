/* If whose condition is known: the branch that it takes stands in its place.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Replaces an If at position @index of the running order, where its condition is a constant, by the nodes of its branch, until another node stands
 * there or none. FALSE with @error naming the node, where the branch is missing or could not be read. */
gboolean sth_graph_take_branches(SthGraph *graph, guint index, GError **error);

G_END_DECLS
