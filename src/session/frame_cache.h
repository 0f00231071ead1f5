/* Frame cache: what the network computes of single frames, kept for the frames of the newest window.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

#include "session/binding.h"

G_BEGIN_DECLS

typedef struct _SthFrameCache SthFrameCache;

/* For a @model with a split; @window is its rest's binding. Both and @threads' memory must outlive it. NULL: no memory. */
SthFrameCache *sth_frame_cache_new(SthModel *model, const SthBinding *window, const SthBindingThreads *threads);
void sth_frame_cache_free(SthFrameCache *cache);

/* Fills what @window reads of its frames. Frame i is frame[i], three planes, known by id[i]: those that the window before had are not computed again. */
void sth_frame_cache_fill(SthFrameCache *cache, const float *const *frame, const guint64 *id);
/* The same from a whole clip in the model's layout; nothing of it is kept nor was. @ns: NULL, or one sum for each node of the split's graph. */
void sth_frame_cache_fill_clip(SthFrameCache *cache, const float *clip, guint64 *ns);

G_END_DECLS
