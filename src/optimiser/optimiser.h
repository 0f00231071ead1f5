/* Graph passes: from what an exporter wrote to what runs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* One pass; a row in passes.inc. run() returns how many changes it made, in time that grows with the nodes and not with their square: it asks
 * value->readers, not every node. It finds every value inferred; a value that it adds needs its type and shape and inferred = TRUE, or is left to
 * the inference that follows the round. It changes inputs and outputs by the functions of graph.h, and keeps the names of graph outputs. */
typedef struct {
    const char *name;
    const char *description;
    guint (*run)(SthGraph *graph);
    gboolean standard; /* what it leaves behind is ONNX: no "sth." attribute, no operator or input of our own */
} SthPass;

const SthPass *const *sth_pass_table(guint *n);

/* Infers every value in running order and folds what follows from constants, node by node. Graph inputs must have full shapes.
 * FALSE with @error naming the node. */
gboolean sth_graph_infer(SthGraph *graph, GError **error);

/* Infers, then runs the table until nothing changes. @log (may be NULL) gets a line for each pass that changed something. */
gboolean sth_graph_optimise(SthGraph *graph, GString *log, GError **error);
/* The same with the standard passes only: a graph that can be written to a file. */
gboolean sth_graph_simplify(SthGraph *graph, GString *log, GError **error);

G_END_DECLS
