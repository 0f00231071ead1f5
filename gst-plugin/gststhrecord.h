/* GStreamer: a result on a buffer as libsth's exporters take it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <sth/sth.h>

#include "gststhmeta.h"

G_BEGIN_DECLS
/* Fills @record with what @value tells, its times turned from PTS into stream
 * time and running time of @segment. Source, size of the picture, UTC and
 * `held` are left to the caller. Strings are borrowed from @value. */
void gst_sth_record_fill (SthRecord * record,
    const GstSthClassification * value, const GstSegment * segment);

/* UTC in ns since 1970 as the buffer's reference timestamp tells it (Unix or
 * NTP time, as RTSP sources write it), else STH_TIME_NONE. */
guint64 gst_sth_record_reference_time (GstBuffer * buffer);

/* UTC in ns since 1970 at which the clock of @element shows @running_time. Says
 * when a frame was taken if upstream is live. STH_TIME_NONE without clock. */
guint64 gst_sth_record_clock_time (GstElement * element, guint64 running_time);

G_END_DECLS
