/* GStreamer: results on their way from the thread that runs windows to the
 * streaming thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhinbox.h"

void
gst_sth_inbox_init (GstSthInbox * inbox)
{
  g_mutex_init (&inbox->lock);
  inbox->first = inbox->n = 0;
  inbox->from = 0;
}

void
gst_sth_inbox_clear (GstSthInbox * inbox)
{
  g_mutex_clear (&inbox->lock);
}

void
gst_sth_inbox_put (const SthResult * result, gpointer data)
{
  GstSthInbox *inbox = data;

  g_mutex_lock (&inbox->lock);
  if (result->sequence >= inbox->from) {
    inbox->results[(inbox->first + inbox->n) % GST_STH_INBOX_SIZE] = *result;
    if (inbox->n < GST_STH_INBOX_SIZE)
      inbox->n++;
    else
      inbox->first = (inbox->first + 1) % GST_STH_INBOX_SIZE;
  }
  g_mutex_unlock (&inbox->lock);
}

gboolean
gst_sth_inbox_take (GstSthInbox * inbox, SthResult * result)
{
  gboolean any;

  g_mutex_lock (&inbox->lock);
  any = inbox->n > 0;
  if (any) {
    *result = inbox->results[inbox->first];
    inbox->first = (inbox->first + 1) % GST_STH_INBOX_SIZE;
    inbox->n--;
  }
  g_mutex_unlock (&inbox->lock);
  return any;
}

void
gst_sth_inbox_drop (GstSthInbox * inbox, guint64 from)
{
  g_mutex_lock (&inbox->lock);
  inbox->n = 0;
  inbox->from = from;
  g_mutex_unlock (&inbox->lock);
}
