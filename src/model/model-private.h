/* What a session may see of a model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

#include "graph/graph.h"
#include "optimiser/split_frames.h"
#include "planner/planner.h"

G_BEGIN_DECLS

struct _SthModel {
    guint refs;      /* under the lock of model_cache.c */
    char *cache_key; /* of model_cache.c; NULL: not shared */
    char *path;
    SthGraph *graph; /* optimised and prepared: read-only */
    SthPlan *plan;
    SthFrameSplit *split;     /* the nodes that work on single frames are in its graph, not in the one above; NULL: there are none, or not wanted */
    SthPlan *frame_plan;      /* of split->graph */
    char *passes;             /* log of the optimiser */
    guint64 macs, frame_macs; /* of a window; those of them that are done frame by frame */
    gsize weight_bytes;
    SthModelInfo info;
    GError *no_clip;       /* why the model has no clip view; NULL: info is valid */
    GStringChunk *strings; /* memory of info's strings */
};

/* The uncached open and its end. */
/* Only the first steps: the file's graph with its metadata and the inputs' free dimensions bound, nothing inferred, no plan. For tools that look at
 * the graph or write it; end it with sth_model_destroy(). */
SthModel *sth_model_read(const char *path, const SthModelOptions *options, GError **error);
SthModel *sth_model_load(const char *path, const SthModelOptions *options, GError **error);
void sth_model_destroy(SthModel *model);

/* From options, sidecar and metadata: fills model->info's texts and numbers but not labels and the shape, which wait for the scores' size. */
gboolean sth_modelinfo_read(SthModel *model, const SthModelOptions *options, GError **error);
/* Labels: options, sidecar, metadata or made up; checked against n_classes. */
gboolean sth_modelinfo_read_labels(SthModel *model, const SthModelOptions *options, GError **error);

/* Recognises the layout of the one input and fixes its free dimensions, before inference: fills layout, frames, height, width. A model that is no
 * clip gets model->no_clip and is left as it is. FALSE with @error if options or metadata contradict the shape. */
gboolean sth_clip_bind(SthModel *model, const SthModelOptions *options, GError **error);
/* The axis of a clip in @layout that its frames are on. */
guint sth_clip_frame_axis(SthLayout layout);
/* After inference: finds the scores among the outputs, fills output, n_classes, score_rows and activation, or model->no_clip. */
void sth_clip_check_scores(SthModel *model);
/* Notes why the model is no clip network. That is no error of opening, for sessions run any model: streams give it as theirs. Returns TRUE. */
gboolean sth_model_no_clip(SthModel *model, const char *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
