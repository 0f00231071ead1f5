/* Cuts a clip network where frames meet for the first time.
 *
 * Windows that slide over a stream see most frames again. Until the first operator that mixes frames, what the network computes of a frame depends on
 * that frame alone and is the same number for number in every window that has it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* A value on the cut: made of single frames, read by the rest. */
typedef struct {
    SthValue *frame;    /* output of the graph of one frame; its frame axis has size 1 */
    SthValue *window;   /* of the rest's graph, where nobody makes it any more: to be filled before a run */
    gsize outer, inner; /* window: [outer][frames][inner] floats, frame: [outer][1][inner] */
} SthFrameCut;

typedef struct {
    SthGraph *graph;  /* one input, the clip's with one frame; the cut's values are its outputs */
    guint64 frames;   /* of a window, >= 2 */
    double share;     /* of the network's work that is done frame by frame, 0…1: an estimate */
    guint n_cuts;     /* >= 1 */
    SthFrameCut *cut; /* [n_cuts] */
} SthFrameSplit;

/* Moves the nodes that work on single frames from the optimised @graph, whose one input has its frames on @axis, to a graph of one frame. Only
 * as far as computing a frame again would cost more than carrying its results from window to window. NULL: it does nowhere.
 * Neither graph may have been prepared. */
SthFrameSplit *sth_graph_split_frames(SthGraph *graph, guint axis);
void sth_frame_split_free(SthFrameSplit *split);

G_END_DECLS
