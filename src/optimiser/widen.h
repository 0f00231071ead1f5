/* Half floats (float16, bfloat16) are a way to keep numbers, not to compute here: around each node that takes some, inference puts Casts, so
 * that it computes in float32 and its results are rounded back. The pass cancel_casts then takes away what two neighbours undo for each other:
 * a network of halfs runs in float32 from its first layer to its last, weights are widened once, when the model is opened.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* One walk of inference. */
typedef struct {
    SthGraph *graph;
    GHashTable *wide;   /* SthValue * of halfs -> the float32 value that a Cast makes of it */
    GHashTable *narrow; /* SthNode * -> the type of halfs that its results are rounded to */
} SthWidening;

void sth_widening_init(SthWidening *widening, SthGraph *graph);
void sth_widening_clear(SthWidening *widening);
/* Casts the node's inputs of halfs, all of which are inferred. TRUE if Casts that are not inferred yet stand in front of it now. */
gboolean sth_widening_enter(SthWidening *widening, SthNode *node);
/* After the node was inferred: Casts behind it, which make what it made before it was widened. */
void sth_widening_leave(SthWidening *widening, SthNode *node);

/* Graph inputs and outputs of halfs become float32 ones of the same name, with Casts between them and what they were. Before inference. */
void sth_widen_ends(SthGraph *graph);

G_END_DECLS
