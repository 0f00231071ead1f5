/* GStreamer: which text is written: results or events, in which format.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <sth/sth.h>

G_BEGIN_DECLS
#define GST_TYPE_STH_EXPORT_EMIT (gst_sth_export_emit_get_type ())
/* SthExportEmit. */
    GType gst_sth_export_emit_get_type (void);

/* One structure for each format of the library, the default first. Returns:
 * (transfer full). */
GstCaps *gst_sth_format_caps (void);

/* Asks downstream of @srcpad. Returns: the format that it names first, the
 * default where it takes anything, NULL where it takes none; *caps (transfer
 * full): what to set on the pad. */
const SthExportFormat *gst_sth_format_choose (GstPad * srcpad, GstCaps ** caps);

G_END_DECLS
