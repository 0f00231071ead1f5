/* Small graphs for tests, a line each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/pool.h"
#include "graph/graph.h"

/* A float graph input. Shapes are written "1x2x4x4". */
SthValue *build_input(SthGraph *graph, const char *name, const char *shape);
/* A float constant whose elements are given one after another (NULL: 0.1, 0.2, 0.3, …). */
SthValue *build_constant(SthGraph *graph, const char *name, const char *shape, const float *elements);
SthValue *build_ints(SthGraph *graph, const char *name, const gint64 *elements, guint n);
/* A node of opset 13 named as its output, with up to four inputs (NULL: none). */
SthNode *build_node(SthGraph *graph, const char *op, const char *output, SthValue *a, SthValue *b, SthValue *c, SthValue *d);
SthValue *build_last(SthGraph *graph); /* output 0 of the newest node */
void build_output(SthGraph *graph, SthValue *value);
/* The graph's running order: "conv add" – node names. Free with g_free(). */
char *build_order(SthGraph *graph);
/* Nodes of an operator. */
guint build_count(SthGraph *graph, const char *op);
/* Gives a value a float tensor of random numbers in -1…1; build_free() frees its data. */
void build_fill(SthValue *value, const SthShape *shape, GRand *dice);
void build_free(SthValue *value);
/* Lets every node say what its outputs are. */
void build_infer(SthGraph *graph);
/* Runs every node of an inferred graph, whose inputs are filled, on fresh memory full of NaN; returns the last one's output, which the caller frees
 * with sth_aligned_free(). What the others made stays in their values' tensors until build_release(). */
float *build_run(SthGraph *graph, SthPool *pool, guint threads);
/* Frees what a run left behind; the inputs stay. */
void build_release(SthGraph *graph);
