/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/scheduler.h"

#include <pthread.h>

#include <sth/sth-error.h>

#include "base/cpu.h"

struct _SthSchedulerClient {
    void (*run)(gpointer data);
    gpointer data;
    gboolean posted, running;
};

/* lifecycle: starting and joining the thread; held by add and remove only, never by post or by the thread itself.
 * lock: everything below it. */
static pthread_mutex_t lifecycle = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER; /* something was posted, or quit */
static pthread_cond_t done = PTHREAD_COND_INITIALIZER; /* a run ended */
static GQueue clients = G_QUEUE_INIT;                  /* in turn: who has just run goes to the end */
static gboolean quit;

static SthSchedulerClient *next_client(void)
{
    for (GList *link = clients.head; link; link = link->next) {
        SthSchedulerClient *client = link->data;
        if (client->posted) {
            g_queue_unlink(&clients, link);
            g_queue_push_tail_link(&clients, link);
            return client;
        }
    }
    return NULL;
}

static void *scheduler_main(void *unused)
{
    sth_cpu_give_way();
    pthread_mutex_lock(&lock);
    while (!quit) {
        SthSchedulerClient *client = next_client();
        if (!client) {
            pthread_cond_wait(&work, &lock);
            continue;
        }
        client->posted = FALSE;
        client->running = TRUE;
        pthread_mutex_unlock(&lock);
        client->run(client->data);
        pthread_mutex_lock(&lock);
        client->running = FALSE;
        pthread_cond_broadcast(&done);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

SthSchedulerClient *sth_scheduler_add(void (*run)(gpointer data), gpointer data, GError **error)
{
    SthSchedulerClient *client = g_new0(SthSchedulerClient, 1);
    client->run = run;
    client->data = data;
    pthread_mutex_lock(&lifecycle);
    pthread_mutex_lock(&lock);
    const gboolean start = g_queue_is_empty(&clients);
    pthread_mutex_unlock(&lock);
    int failed = 0;
    if (start) {
        quit = FALSE;
        failed = pthread_create(&thread, NULL, scheduler_main, NULL);
    }
    if (!failed) {
        pthread_mutex_lock(&lock);
        g_queue_push_tail(&clients, client);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_unlock(&lifecycle);
    if (failed) {
        g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "cannot start the thread that runs live streams: %s; lower the number of threads",
                    g_strerror(failed));
        g_clear_pointer(&client, g_free);
    }
    return client;
}

void sth_scheduler_remove(SthSchedulerClient *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&lock);
    client->posted = FALSE;
    while (client->running)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);

    pthread_mutex_lock(&lifecycle);
    pthread_mutex_lock(&lock);
    g_queue_remove(&clients, client);
    const gboolean last = g_queue_is_empty(&clients);
    if (last) {
        quit = TRUE;
        pthread_cond_signal(&work);
    }
    pthread_mutex_unlock(&lock);
    if (last)
        pthread_join(thread, NULL);
    pthread_mutex_unlock(&lifecycle);
    g_free(client);
}

void sth_scheduler_post(SthSchedulerClient *client)
{
    pthread_mutex_lock(&lock);
    client->posted = TRUE;
    pthread_cond_signal(&work);
    pthread_mutex_unlock(&lock);
}

void sth_scheduler_wait(SthSchedulerClient *client)
{
    pthread_mutex_lock(&lock);
    while (client->posted || client->running)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
}
