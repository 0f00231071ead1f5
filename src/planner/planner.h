/* Memory plan: where each value lives in the one arena of a session.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define STH_PLAN_CONSTANT G_MAXSIZE /* value is a constant: not in the arena */

typedef struct {
    gsize arena_bytes;     /* values and shared scratch */
    gsize scratch_offset;  /* where shared scratch starts */
    gsize thread_scratch;  /* bytes a thread, outside of the arena */
    gsize *offset;         /* by index in graph->values; STH_PLAN_CONSTANT for constants */
    guint n_values;
} SthPlan;

/* Needs a prepared graph. Values whose lifetimes overlap do not overlap in the arena; views and in-place results share. */
SthPlan *sth_plan_new(SthGraph *graph);
void sth_plan_free(SthPlan *plan);

G_END_DECLS
