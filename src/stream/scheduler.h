/* Scheduler: one thread of the process that runs what the live streams have posted, one after another, in turn.
 * It gives way to others: video must not wait for a window.
 *
 * The thread starts with the first client and ends with the last. No lock is held while a client runs.
 * The locks are pthread's, not GLib's: the thread sanitizer knows them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SthSchedulerClient SthSchedulerClient;

/* NULL with @error (STH_ERROR_SYSTEM) if no thread can be started. @run is called on the scheduler's thread. */
SthSchedulerClient *sth_scheduler_add(void (*run)(gpointer data), gpointer data, GError **error);
/* Waits for a run of this client, then forgets it. Not from within a run. */
void sth_scheduler_remove(SthSchedulerClient *client);
/* Asks for one run. Posting again before it has begun asks for nothing more. Never waits for a run. */
void sth_scheduler_post(SthSchedulerClient *client);
/* Until nothing of this client is posted or running. */
void sth_scheduler_wait(SthSchedulerClient *client);

G_END_DECLS
