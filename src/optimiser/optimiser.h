/* Graph passes: from what an exporter wrote to what runs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* One pass; a row in passes.inc. Returns how many changes it made. The graph is inferred before and after. */
typedef struct {
    const char *name;
    const char *description;
    guint (*run)(SthGraph *graph);
} SthPass;

const SthPass *const *sth_pass_table(guint *n);

/* Infers every value in running order and folds what follows from constants, node by node. Graph inputs must have full shapes.
 * FALSE with @error naming the node. */
gboolean sth_graph_infer(SthGraph *graph, GError **error);

/* Infers, then runs the table until nothing changes. @log (may be NULL) gets a line for each pass that changed something. */
gboolean sth_graph_optimise(SthGraph *graph, GString *log, GError **error);

G_END_DECLS
