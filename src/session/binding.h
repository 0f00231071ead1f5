/* Binding: a graph's nodes bound to memory, so that a run is a walk over ready-made calls.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/pool.h"
#include "planner/planner.h"

G_BEGIN_DECLS

/* Who runs it, and with how much memory. */
typedef struct {
    SthPool *pool;
    guint threads;
    guint8 *scratch;      /* threads * scratch_stride bytes */
    gsize scratch_stride; /* a multiple of STH_ALIGN, at least the plan's thread_scratch */
} SthBindingThreads;

typedef struct _SthBinding SthBinding;

/* @graph (prepared) and its @plan must outlive it; so must what @threads points to. NULL: no memory for the arena. */
SthBinding *sth_binding_new(const SthGraph *graph, const SthPlan *plan, const SthBindingThreads *threads);
void sth_binding_free(SthBinding *binding);

/* Where a value of the graph lives. */
SthTensor sth_binding_tensor(const SthBinding *binding, const SthValue *value);
/* The same for all of @values: a new array. */
SthTensor *sth_binding_tensors(const SthBinding *binding, const GPtrArray *values);
void sth_binding_run(const SthBinding *binding);
/* The same, adding what each node takes to @ns[node]. */
void sth_binding_run_timed(const SthBinding *binding, guint64 *ns);

G_END_DECLS
