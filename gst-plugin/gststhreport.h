/* GStreamer: results of libsth as metadata and bus messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth.h>

#include "gststhmeta.h"

G_BEGIN_DECLS
/* Names that results are told with. Borrowed by the classification made from
 * them. */
    typedef struct
{
  const gchar *const *labels;   /* n_labels, valid UTF-8 */
  guint n_labels;
  const gchar *model, *source;  /* may be NULL */
} GstSthNames;

/* @result as metadata; age, held and timestamp are left for the caller. */
void gst_sth_report_classification (const SthResult * result,
    const GstSthNames * names, GstSthClassification * value);

/* The counters, as the property `stats` and the messages tell them. */
GstStructure *gst_sth_report_stats (const SthStreamStats * stats);

/* What GST_DEBUG=sthclassify:5 shows of a result. */
void gst_sth_report_log (GstElement * element,
    const GstSthClassification * value);

/* Posts what there is to tell of a fresh result on @element's bus: a message
 * for the result if @ran, one for the start and one for the end of an action.
 * @buffer: the carrier, NULL for none. */
void gst_sth_report_post (GstElement * element, const GstSegment * segment,
    GstBuffer * buffer, const GstSthClassification * value, gboolean ran,
    const SthStreamStats * stats);

G_END_DECLS
