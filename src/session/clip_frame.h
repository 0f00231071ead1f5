/* Clip frame: where one frame lies in a clip's tensor.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

G_BEGIN_DECLS

/* Writes frame @t of @frames from 3 planes of @plane floats to a clip of @layout. */
void sth_clip_put_frame(float *clip, SthLayout layout, guint frames, guint t, gsize plane, const float *planes);

/* A tensor of floats [outer][frames][inner]. */
typedef struct {
    float *data;
    gsize outer, frames, inner;
} SthFrames;

/* Copies frame @from_t of @from to frame @to_t of @to; outer and inner are the same. */
void sth_frames_copy(const SthFrames *to, gsize to_t, const SthFrames *from, gsize from_t);

G_END_DECLS
