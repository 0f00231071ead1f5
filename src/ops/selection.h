/* What Slice and Pad take and leave out, for the optimiser to read as they do.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

G_BEGIN_DECLS

/* By axis of the input: element i of the result is element start + i * step. */
typedef struct {
    gint64 start[STH_MAX_RANK], step[STH_MAX_RANK], length[STH_MAX_RANK];
} SthSliceWindow;

/* FALSE with @error naming the list that is wrong. */
gboolean sth_slice_window(SthNode *slice, SthSliceWindow *window, GError **error);
/* Elements that a Pad adds at the beginning and at the end of each axis; negative: takes away. FALSE with @error. */
gboolean sth_pad_amounts(SthNode *pad, gint64 begin[STH_MAX_RANK], gint64 end[STH_MAX_RANK], GError **error);

G_END_DECLS
