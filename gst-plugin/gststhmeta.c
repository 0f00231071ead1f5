/* GStreamer: what sthclassify writes on buffers, and how to read it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */


#include "gststhmeta.h"

#include <string.h>

void
gst_sth_classification_register (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    static const gchar *no_tags[] = { NULL };

    if (gst_meta_get_info (GST_STH_CLASSIFICATION_META_NAME) == NULL)
      gst_meta_register_custom (GST_STH_CLASSIFICATION_META_NAME,
          (const gchar **) no_tags, NULL, NULL, NULL);
    g_once_init_leave (&once, 1);
  }
}

static const gchar *
events_to_string (guint events)
{
  switch (events & (GST_STH_EVENT_START | GST_STH_EVENT_END)) {
    case GST_STH_EVENT_START:
      return "start";
    case GST_STH_EVENT_END:
      return "end";
    case GST_STH_EVENT_START | GST_STH_EVENT_END:
      return "start+end";
    default:
      return NULL;
  }
}

static guint
events_from_string (const gchar * string)
{
  if (g_strcmp0 (string, "start") == 0)
    return GST_STH_EVENT_START;
  if (g_strcmp0 (string, "end") == 0)
    return GST_STH_EVENT_END;
  if (g_strcmp0 (string, "start+end") == 0)
    return GST_STH_EVENT_START | GST_STH_EVENT_END;
  return GST_STH_EVENT_NONE;
}

static void
write_top (const GstSthClassification * value, GstStructure * structure)
{
  GValue labels = G_VALUE_INIT, ids = G_VALUE_INIT, confidences = G_VALUE_INIT;
  GValue item = G_VALUE_INIT;
  guint i;

  gst_value_array_init (&labels, value->n_top);
  gst_value_array_init (&ids, value->n_top);
  gst_value_array_init (&confidences, value->n_top);
  for (i = 0; i < value->n_top; i++) {
    g_value_init (&item, G_TYPE_STRING);
    g_value_set_string (&item, value->labels[i]);
    gst_value_array_append_and_take_value (&labels, &item);
    g_value_init (&item, G_TYPE_INT);
    g_value_set_int (&item, value->label_ids[i]);
    gst_value_array_append_and_take_value (&ids, &item);
    g_value_init (&item, G_TYPE_DOUBLE);
    g_value_set_double (&item, value->confidences[i]);
    gst_value_array_append_and_take_value (&confidences, &item);
  }
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "label-ids", &ids);
  gst_structure_take_value (structure, "confidences", &confidences);
}

void
gst_sth_classification_write (const GstSthClassification * value,
    GstStructure * structure)
{
  const gchar *event = events_to_string (value->events);

  if (value->label)
    gst_structure_set (structure, "label", G_TYPE_STRING, value->label,
        "label-id", G_TYPE_INT, value->label_id, NULL);
  gst_structure_set (structure,
      "confidence", G_TYPE_DOUBLE, value->confidence,
      "window-start", G_TYPE_UINT64, value->window_start,
      "window-end", G_TYPE_UINT64, value->window_end,
      "inference-time", G_TYPE_UINT64, value->inference_time,
      "age", G_TYPE_UINT64, value->age,
      "held", G_TYPE_BOOLEAN, value->held,
      "sequence", G_TYPE_UINT64, value->sequence, NULL);
  write_top (value, structure);
  if (value->action.label)
    gst_structure_set (structure,
        "action", G_TYPE_STRING, value->action.label,
        "action-id", G_TYPE_INT, value->action.id,
        "action-start", G_TYPE_UINT64, value->action.start,
        "action-peak", G_TYPE_DOUBLE, value->action.peak, NULL);
  if (event)
    gst_structure_set (structure, "event", G_TYPE_STRING, event, NULL);
  if (value->ended.label)
    gst_structure_set (structure,
        "ended-action", G_TYPE_STRING, value->ended.label,
        "ended-id", G_TYPE_INT, value->ended.id,
        "ended-start", G_TYPE_UINT64, value->ended.start,
        "ended-end", G_TYPE_UINT64, value->ended.end,
        "ended-peak", G_TYPE_DOUBLE, value->ended.peak, NULL);
  if (value->model)
    gst_structure_set (structure, "model", G_TYPE_STRING, value->model, NULL);
  if (value->source)
    gst_structure_set (structure, "source", G_TYPE_STRING, value->source, NULL);
}

/* An element of an array field, NULL where it is absent or of another type. */
static const GValue *
array_item (const GstStructure * structure, const gchar * field, guint index,
    GType type)
{
  const GValue *array = gst_structure_get_value (structure, field);
  const GValue *item;

  if (array == NULL || !GST_VALUE_HOLDS_ARRAY (array)
      || index >= gst_value_array_get_size (array))
    return NULL;
  item = gst_value_array_get_value (array, index);
  return G_VALUE_HOLDS (item, type) ? item : NULL;
}

static void
read_top (const GstStructure * structure, GstSthClassification * value)
{
  guint i;

  for (i = 0; i < GST_STH_CLASSIFICATION_MAX; i++) {
    const GValue *label, *id, *confidence;

    label = array_item (structure, "labels", i, G_TYPE_STRING);
    id = array_item (structure, "label-ids", i, G_TYPE_INT);
    confidence = array_item (structure, "confidences", i, G_TYPE_DOUBLE);
    if (label == NULL || g_value_get_string (label) == NULL || id == NULL
        || confidence == NULL)
      break;
    value->labels[i] = g_value_get_string (label);
    value->label_ids[i] = g_value_get_int (id);
    value->confidences[i] = g_value_get_double (confidence);
  }
  value->n_top = i;
}

void
gst_sth_classification_read (const GstStructure * structure,
    GstSthClassification * value)
{
  memset (value, 0, sizeof (*value));
  value->label_id = value->action.id = value->ended.id = -1;
  value->window_start = value->window_end = GST_CLOCK_TIME_NONE;
  value->age = value->timestamp = GST_CLOCK_TIME_NONE;
  value->action.start = value->action.end = GST_CLOCK_TIME_NONE;
  value->ended.start = value->ended.end = GST_CLOCK_TIME_NONE;

  value->label = gst_structure_get_string (structure, "label");
  gst_structure_get_int (structure, "label-id", &value->label_id);
  gst_structure_get_double (structure, "confidence", &value->confidence);
  gst_structure_get_uint64 (structure, "window-start", &value->window_start);
  gst_structure_get_uint64 (structure, "window-end", &value->window_end);
  gst_structure_get_uint64 (structure, "inference-time",
      &value->inference_time);
  gst_structure_get_uint64 (structure, "age", &value->age);
  gst_structure_get_boolean (structure, "held", &value->held);
  gst_structure_get_uint64 (structure, "sequence", &value->sequence);
  read_top (structure, value);

  value->action.label = gst_structure_get_string (structure, "action");
  gst_structure_get_int (structure, "action-id", &value->action.id);
  gst_structure_get_uint64 (structure, "action-start", &value->action.start);
  gst_structure_get_double (structure, "action-peak", &value->action.peak);
  value->events =
      events_from_string (gst_structure_get_string (structure, "event"));
  value->ended.label = gst_structure_get_string (structure, "ended-action");
  gst_structure_get_int (structure, "ended-id", &value->ended.id);
  gst_structure_get_uint64 (structure, "ended-start", &value->ended.start);
  gst_structure_get_uint64 (structure, "ended-end", &value->ended.end);
  gst_structure_get_double (structure, "ended-peak", &value->ended.peak);
  value->model = gst_structure_get_string (structure, "model");
  value->source = gst_structure_get_string (structure, "source");
  gst_structure_get_uint64 (structure, "timestamp", &value->timestamp);
}

void
gst_sth_classification_attach (const GstSthClassification * value,
    GstBuffer * buffer)
{
  GstCustomMeta *meta;

  meta = gst_buffer_add_custom_meta (buffer, GST_STH_CLASSIFICATION_META_NAME);
  gst_sth_classification_write (value, gst_custom_meta_get_structure (meta));
}

gboolean
gst_sth_classification_from_buffer (GstBuffer * buffer,
    GstSthClassification * value)
{
  gpointer state = NULL;
  GstMeta *meta, *newest = NULL;

  while ((meta = gst_buffer_iterate_meta (buffer, &state))) {
    if (!gst_meta_info_is_custom (meta->info)
        || !gst_custom_meta_has_name ((GstCustomMeta *) meta,
            GST_STH_CLASSIFICATION_META_NAME))
      continue;
    if (newest == NULL || gst_meta_compare_seqnum (meta, newest) > 0)
      newest = meta;
  }
  if (newest == NULL)
    return FALSE;
  gst_sth_classification_read (gst_custom_meta_get_structure ((GstCustomMeta *)
          newest), value);
  value->timestamp = GST_BUFFER_PTS (buffer);
  return TRUE;
}

GstEvent *
gst_sth_classification_to_event (const GstSthClassification * value)
{
  GstStructure *structure =
      gst_structure_new_empty (GST_STH_CLASSIFICATION_META_NAME);

  gst_sth_classification_write (value, structure);
  gst_structure_set (structure, "timestamp", G_TYPE_UINT64, value->timestamp,
      NULL);
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, structure);
}

gboolean
gst_sth_classification_from_event (GstEvent * event,
    GstSthClassification * value)
{
  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_DOWNSTREAM
      || !gst_event_has_name (event, GST_STH_CLASSIFICATION_META_NAME))
    return FALSE;
  gst_sth_classification_read (gst_event_get_structure (event), value);
  return TRUE;
}
