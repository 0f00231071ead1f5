/* One node on its own: made, inferred, prepared and run, for tests that compare with a plain loop.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

typedef struct {
    SthGraph *graph;
    SthNode *node;
} OpHarness;

void op_harness_init(OpHarness *harness, const char *op_type, gint opset);
void op_harness_clear(OpHarness *harness);
/* A constant input of random numbers (whole ones from -99 to 99, so that sums are exact); owned by the graph. */
SthValue *op_harness_random(OpHarness *harness, const SthShape *shape);
/* A constant int64 list. */
SthValue *op_harness_ints(OpHarness *harness, const gint64 *values, guint n);
/* Infers, prepares and runs with that many threads; output i is given back in new memory, to be freed with sth_aligned_free(). */
void op_harness_run(OpHarness *harness, guint threads, guint n_out, SthTensor *out);
/* A random shape of that many axes, each 1…@most long. */
SthShape op_harness_shape(guint rank, gint most);
