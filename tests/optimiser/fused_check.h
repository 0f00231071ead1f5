/* Whether an operator of our own computes what the nodes do that it is made of.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

/* Runs the pass of this name; whether it changed anything. */
gboolean fused_runs(SthGraph *graph, const char *pass);
/* Runs an inferred graph whose inputs are filled, lets the pass of this name make one node of it, and runs that: with one thread, within @tolerance
 * of each number; with several, the same bits. */
void fused_check(SthGraph *graph, const char *pass, double tolerance);
