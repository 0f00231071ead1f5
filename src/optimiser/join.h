/* How operators that work on a rearranged volume (arrangement.h) work on the volume itself: a row for each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "optimiser/arrangement.h"

G_BEGIN_DECLS

typedef struct {
    SthGraph *graph;
    GHashTable *arrangements; /* SthValue * -> SthArrangement *, owned */
    GPtrArray *order;         /* SthNode *: the graph's running order as it grows */
} SthJoin;

/* Input @input of @node is arranged as @arrangement and grouped as @in. */
typedef struct {
    guint input;
    const SthArrangement *arrangement;
    SthGrouping in;
} SthJoinEntry;

/* Makes @node work on the twin: inputs, attributes. Sets which axes of the twin the axes of its outputs, whose shapes are still the old ones, consist
 * of. FALSE, and the node is as it was: it cannot, or it would not pay. */
typedef gboolean SthJoinRule(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out);

/* NULL: the operator has none. */
SthJoinRule *sth_join_rule(const SthNode *node);

/* A node behind all others of the new order: input 0 is @x, its output has @shape and the type of @x. */
SthNode *sth_join_add(SthJoin *join, const char *name, const char *op, gint opset, SthValue *x, const SthShape *shape);
/* The volume that @x, arranged as @arrangement->axis says, is; @dims are the sizes of its axes. */
SthValue *sth_join_volume(SthJoin *join, SthValue *x, const SthArrangement *arrangement, const gint64 dims[STH_TWIN_AXES]);

G_END_DECLS
