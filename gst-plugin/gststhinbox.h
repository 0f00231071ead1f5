/* GStreamer: results on their way from the thread that runs windows to the
 * streaming thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth.h>

G_BEGIN_DECLS
#define GST_STH_INBOX_SIZE 16
/* A ring: putting never waits for the reader and allocates nothing. When it is
 * full the oldest result goes: the reader has not come by for that many
 * windows. */
    typedef struct
{
  GMutex lock;
  SthResult results[GST_STH_INBOX_SIZE];
  guint first, n;
  guint64 from;                 /* older sequences are stale */
} GstSthInbox;

void gst_sth_inbox_init (GstSthInbox * inbox);
void gst_sth_inbox_clear (GstSthInbox * inbox);

/* SthStreamConfig.notify, with the inbox as data. */
void gst_sth_inbox_put (const SthResult * result, gpointer inbox);
/* The oldest; FALSE: empty. */
gboolean gst_sth_inbox_take (GstSthInbox * inbox, SthResult * result);
/* Empties the inbox and refuses what comes later from windows before number
 * @from. */
void gst_sth_inbox_drop (GstSthInbox * inbox, guint64 from);

G_END_DECLS
