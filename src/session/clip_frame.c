/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/clip_frame.h"

#include <string.h>

/* Channels last: x[pixel][c] of planes. */
static void interleave(const float *planes, gsize plane, float *out)
{
    for (gsize i = 0; i < plane; i++) {
        for (gsize c = 0; c < 3; c++)
            out[i * 3 + c] = planes[c * plane + i];
    }
}

void sth_clip_put_frame(float *clip, SthLayout layout, guint frames, guint t, gsize plane, const float *planes)
{
    if (layout == STH_LAYOUT_NCTHW) {
        for (gsize c = 0; c < 3; c++)
            memcpy(clip + (c * frames + t) * plane, planes + c * plane, plane * sizeof(float));
    } else if (layout == STH_LAYOUT_NTHWC || layout == STH_LAYOUT_THWC) {
        interleave(planes, plane, clip + t * 3 * plane);
    } else { /* NTCHW and TCHW are the same bytes */
        memcpy(clip + t * 3 * plane, planes, 3 * plane * sizeof(float));
    }
}

void sth_frames_copy(const SthFrames *to, gsize to_t, const SthFrames *from, gsize from_t)
{
    for (gsize i = 0; i < to->outer; i++)
        memcpy(to->data + (i * to->frames + to_t) * to->inner, from->data + (i * from->frames + from_t) * from->inner, to->inner * sizeof(float));
}
