/* Memory plan: where each value lives in the one arena of a session.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define STH_PLAN_CONSTANT G_MAXSIZE /* the value is a constant: not in the arena */

typedef struct {
    gsize arena_bytes;    /* values and shared scratch, the latter only while its node runs */
    gsize thread_scratch; /* bytes a thread, outside of the arena: the largest that a node asks for */
    gsize *value_offset;  /* by position in graph->values: bytes from the arena's start, or STH_PLAN_CONSTANT */
    gsize *node_scratch;  /* by position in graph->nodes: where its shared scratch starts */
} SthPlan;

/* Needs a prepared graph. Values whose lifetimes overlap do not overlap in the arena; views and in-place results share. A graph input
 * lives until its last reader has run, a graph output from its maker to the end of the run. */
SthPlan *sth_plan_new(SthGraph *graph);
void sth_plan_free(SthPlan *plan);

G_END_DECLS
