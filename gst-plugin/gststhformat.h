/* GStreamer: which text is written: results or events, in which format, and
 * what if it cannot be.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <sth/sth.h>

G_BEGIN_DECLS
#define GST_TYPE_STH_EXPORT_EMIT (gst_sth_export_emit_get_type ())
/* SthExportEmit. */
    GType gst_sth_export_emit_get_type (void);

typedef enum
{
  GST_STH_EXPORT_ON_ERROR_STOP,
  GST_STH_EXPORT_ON_ERROR_CONTINUE,
} GstSthExportOnError;

#define GST_TYPE_STH_EXPORT_ON_ERROR (gst_sth_export_on_error_get_type ())
GType gst_sth_export_on_error_get_type (void);

/* One structure for each format of the library, the default first. Returns:
 * (transfer full). */
GstCaps *gst_sth_format_caps (void);

/* Asks downstream of @srcpad. Returns: the format that it names first, the
 * default where it takes anything, NULL where it takes none; *caps (transfer
 * full): what to set on the pad. */
const SthExportFormat *gst_sth_format_choose (GstPad * srcpad, GstCaps ** caps);

/* TRUE: the file downstream of @srcpad is empty, and the next text needs a
 * head. A sink that begins its file anew after a flush, as filesink does, says
 * so by its position in bytes; one that does not know any goes on. */
gboolean gst_sth_format_at_start (GstPad * srcpad);

G_END_DECLS
