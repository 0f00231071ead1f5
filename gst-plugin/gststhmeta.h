/* GStreamer: what sthclassify writes on buffers, and how to read it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * This header and gststhmeta.c need nothing but GStreamer: an application may
 * copy both. Applications that would rather not, and those in other
 * languages, find the same by name:
 *
 *   meta = gst_buffer_get_custom_meta (buffer, "GstSthClassificationMeta");
 *   structure = gst_custom_meta_get_structure (meta);
 *
 * or in Python, without bindings of ours:
 *
 *   structure = buffer.get_custom_meta("GstSthClassificationMeta").get_structure()
 *   label = structure.get_string("label")
 *   second = structure.get_array("labels")[1].get_nth(1)
 *
 * The fields of the structure. Those marked (*) are absent where there is
 * nothing to tell. Times are nanoseconds in the timeline of the buffers' PTS.
 *
 *   label           string  (*) the class that is recognised: it reaches the
 *                           threshold and is not the model's background class
 *   label-id        int     (*) its index in the model
 *   confidence      double  of the best class, recognised or not, 0…1
 *   labels          array of string   the best classes, best first
 *   label-ids       array of int      their indices in the model
 *   confidences     array of double   their confidences, smoothed
 *   window-start    uint64  PTS of the first frame of the window
 *   window-end      uint64  PTS of the last frame of the window
 *   inference-time  uint64  that the network took
 *   age             uint64  of the result: PTS of this buffer less window-end
 *   held            boolean false on the first buffer that carries the result,
 *                           true on the later ones
 *   sequence        uint64  number of the window, from 0; windows that were
 *                           skipped leave gaps
 *   action          string  (*) the action that is going on
 *   action-id       int     (*) its index in the model
 *   action-start    uint64  (*) when it started
 *   action-peak     double  (*) its highest confidence so far
 *   event           string  (*) "start", "end" or "start+end", never on held
 *                           results: `action` started with this result, or
 *                           `ended-action` ended with it, or both
 *   ended-action    string  (*) the action that ended with this result
 *   ended-id        int     (*)
 *   ended-start     uint64  (*)
 *   ended-end       uint64  (*)
 *   ended-peak      double  (*)
 *   model           string  (*) name of the model
 *   source          string  (*) stream-id of the video
 *
 * The meta is registered without tags: it says nothing of pixels, sizes or
 * colours, so converters, scalers, rate changers, encoders, tee and queue
 * keep it.
 *
 * A result that has no buffer of its own travels as a serialized event of type
 * GST_EVENT_CUSTOM_DOWNSTREAM whose structure has the same name and the same
 * fields and in addition
 *
 *   timestamp       uint64  PTS of the last frame that went before
 *
 * sthclassify sends one before EOS, where the last window and the end of the
 * last action come after the last buffer; when a discontinuity ends an action;
 * and when two results arrive between two frames.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
#define GST_STH_CLASSIFICATION_META_NAME "GstSthClassificationMeta"
#define GST_STH_CLASSIFICATION_MAX 16
    typedef enum
{
  GST_STH_EVENT_NONE = 0,
  GST_STH_EVENT_START = 1 << 0,
  GST_STH_EVENT_END = 1 << 1,
} GstSthEvent;

/* One action. label is NULL where there is none; then nothing else counts. */
typedef struct
{
  const gchar *label;
  gint id;
  GstClockTime start, end;      /* end: only of an action that ended */
  gdouble peak;
} GstSthClassificationAction;

/* The fields of the structure, as a plain value. Strings are borrowed: from
 * the structure when read, so they live as long as the buffer is held and the
 * meta is on it. Absent strings are NULL, absent times GST_CLOCK_TIME_NONE. */
typedef struct
{
  const gchar *label;
  gint label_id;                /* -1: none */
  gdouble confidence;
  guint n_top;                  /* 0…GST_STH_CLASSIFICATION_MAX */
  const gchar *labels[GST_STH_CLASSIFICATION_MAX];
  gint label_ids[GST_STH_CLASSIFICATION_MAX];
  gdouble confidences[GST_STH_CLASSIFICATION_MAX];
  GstClockTime window_start, window_end;
  GstClockTime inference_time;
  GstClockTime age;
  gboolean held;
  guint64 sequence;
  guint events;                 /* GstSthEvent */
  GstSthClassificationAction action, ended;
  const gchar *model, *source;
  GstClockTime timestamp;       /* of the buffer, or the event's field */
} GstSthClassification;

/* Registers the meta; call it once before anything below. Any thread. */
void gst_sth_classification_register (void);

/* Fills @structure, of any name, with the fields. */
void gst_sth_classification_write (const GstSthClassification * value,
    GstStructure * structure);

/* Reads what the function above wrote. Missing fields or fields of another
 * type count as absent: it never fails. */
void gst_sth_classification_read (const GstStructure * structure,
    GstSthClassification * value);

/* Adds the meta to @buffer, which must be writable. */
void gst_sth_classification_attach (const GstSthClassification * value,
    GstBuffer * buffer);

/* Reads the newest result on @buffer (that of the last sthclassify, if there
 * are several). FALSE: it carries none, @value is untouched. */
gboolean gst_sth_classification_from_buffer (GstBuffer * buffer,
    GstSthClassification * value);

/* The event described above. */
GstEvent *gst_sth_classification_to_event (const GstSthClassification * value);

/* FALSE: @event is another event, @value is untouched. */
gboolean gst_sth_classification_from_event (GstEvent * event,
    GstSthClassification * value);

G_END_DECLS
