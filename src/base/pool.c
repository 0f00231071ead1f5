/* Thread pool.
 *
 * Between two layers of a network there are microseconds, so a worker that runs out of work spins for SPIN_US before it sleeps, and the caller
 * never waits for a worker to wake up: workers enter a job that is open, the caller closes it when the items have run out and then waits only
 * for those that are inside. All of that is one atomic word, `state`:
 *
 *   bit 31: job is open | bits 16-30: workers that may enter, by index | bits 0-15: workers inside
 *
 * A child after fork() has no workers; nobody enters and the caller does all items itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pool.h"

#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "base/cpu.h"
#include "base/memory.h"

#define SPIN_US 50
#define ROOM_US 2000 /* longer than a frame takes on its way through a streaming thread */
#define STATE_OPEN (1u << 31)
#define STATE_LIMIT_SHIFT 16
#define STATE_LIMIT_MAX 0x7fffu
#define STATE_INSIDE 0xffffu

typedef struct {
    SthPool *pool;
    GThread *thread;
    guint index; /* 0…n_workers-1; its thread number in a job is one more */
} Worker;

/* Items that follow each other, which one thread begins with: in the next job that goes over the same image it will find what it wrote itself in its
 * own cache. Who is ready takes what others have left. */
typedef struct {
    alignas(STH_ALIGN) atomic_uint next;
    guint end;
} Share;

struct _SthPool {
    SthPool **singleton; /* where it is known */
    guint refs;          /* under singleton_lock */
    gboolean background; /* workers give way */
    guint n_workers;
    Worker *workers;

    atomic_bool busy;  /* somebody runs a job */
    atomic_uint state; /* see above */
    atomic_uint jobs;  /* counts jobs: a change wakes the workers */
    /* The job: written while it is closed and nobody is inside. */
    SthPoolFunc func;
    gpointer data;
    Share *shares; /* room for one a thread */
    guint n_shares;

    GMutex sleep_lock;
    GCond wake;
    atomic_uint sleepers; /* changed under sleep_lock */
    atomic_bool quit;
};

static GMutex singleton_lock;
static SthPool *foreground, *background;
static atomic_llong room_until; /* microseconds, monotonic */

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void do_items(SthPool *pool, guint thread)
{
    for (guint i = 0; i < pool->n_shares; i++) {
        Share *share = &pool->shares[(thread + i) % pool->n_shares];
        guint item;

        while ((item = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed)) < share->end) {
            pool->func(pool->data, item, thread);
            if (pool->background && g_get_monotonic_time() < atomic_load_explicit(&room_until, memory_order_relaxed))
                sched_yield();
        }
    }
}

static gboolean enter(SthPool *pool, guint worker)
{
    guint state = atomic_load(&pool->state);

    while ((state & STATE_OPEN) && worker < ((state >> STATE_LIMIT_SHIFT) & STATE_LIMIT_MAX))
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1))
            return TRUE;
    return FALSE;
}

/* Returns when there is a job newer than @seen or the pool ends. */
static void wait_for_job(SthPool *pool, guint seen)
{
    gint64 until = 0;

    for (guint i = 0;; i++) {
        if (atomic_load(&pool->jobs) != seen || atomic_load(&pool->quit))
            return;
        relax();
        if (i % 64 != 0)
            continue;
        if (until == 0)
            until = g_get_monotonic_time() + SPIN_US;
        else if (g_get_monotonic_time() >= until)
            break;
    }
    g_mutex_lock(&pool->sleep_lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->jobs) == seen && !atomic_load(&pool->quit))
        g_cond_wait(&pool->wake, &pool->sleep_lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    g_mutex_unlock(&pool->sleep_lock);
}

static gpointer work(gpointer data)
{
    Worker *worker = data;
    SthPool *pool = worker->pool;
    guint seen = 0;

    if (pool->background)
        sth_cpu_give_way();
    while (!atomic_load(&pool->quit)) {
        wait_for_job(pool, seen);
        seen = atomic_load(&pool->jobs);
        if (!enter(pool, worker->index))
            continue;
        do_items(pool, worker->index + 1);
        atomic_fetch_sub(&pool->state, 1);
    }
    return NULL;
}

/* Workers take no signals: handlers stay with the host's threads. */
static void start_workers(SthPool *pool, guint wanted)
{
    sigset_t all, before;

    pool->workers = g_new0(Worker, wanted);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (guint i = 0; i < wanted; i++) {
        Worker *worker = &pool->workers[i];
        GError *error = NULL;

        worker->pool = pool;
        worker->index = i;
        worker->thread = g_thread_try_new("sth-worker", work, worker, &error);
        if (!worker->thread) {
            g_warning("cannot start more than %u worker threads (%s): networks run slower", i, error->message);
            g_clear_error(&error);
            break;
        }
        pool->n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static SthPool *pool_new(SthPool **singleton)
{
    SthPool *pool = g_new0(SthPool, 1);

    pool->singleton = singleton;
    pool->refs = 1;
    pool->background = singleton == &background;
    g_mutex_init(&pool->sleep_lock);
    g_cond_init(&pool->wake);
    start_workers(pool, MIN(sth_cpu_count() - 1, STATE_LIMIT_MAX));
    pool->shares = sth_aligned_alloc((pool->n_workers + 1) * sizeof *pool->shares);
    return pool;
}

static void pool_free(SthPool *pool)
{
    g_mutex_lock(&pool->sleep_lock);
    atomic_store(&pool->quit, TRUE);
    g_cond_broadcast(&pool->wake);
    g_mutex_unlock(&pool->sleep_lock);
    for (guint i = 0; i < pool->n_workers; i++)
        g_thread_join(pool->workers[i].thread);
    g_mutex_clear(&pool->sleep_lock);
    g_cond_clear(&pool->wake);
    sth_aligned_free(pool->shares);
    g_free(pool->workers);
    g_free(pool);
}

static SthPool *get(SthPool **singleton)
{
    SthPool *pool;

    g_mutex_lock(&singleton_lock);
    if (*singleton)
        (*singleton)->refs++;
    else
        *singleton = pool_new(singleton);
    pool = *singleton;
    g_mutex_unlock(&singleton_lock);
    return pool;
}

SthPool *sth_pool_get(void)
{
    return get(&foreground);
}

SthPool *sth_pool_get_background(void)
{
    return get(&background);
}

SthPool *sth_pool_ref(SthPool *pool)
{
    g_mutex_lock(&singleton_lock);
    pool->refs++;
    g_mutex_unlock(&singleton_lock);
    return pool;
}

void sth_pool_unref(SthPool *pool)
{
    gboolean last;

    g_mutex_lock(&singleton_lock);
    last = --pool->refs == 0;
    if (last)
        *pool->singleton = NULL;
    g_mutex_unlock(&singleton_lock);
    if (last)
        pool_free(pool);
}

void sth_pool_make_room(void)
{
    atomic_store_explicit(&room_until, g_get_monotonic_time() + ROOM_US, memory_order_relaxed);
}

guint sth_pool_threads(SthPool *pool)
{
    return pool->n_workers + 1;
}

/* Closes the job and waits until nobody is inside; yields where a worker has lost its processor. */
static void close_job(SthPool *pool)
{
    guint spins = 0;

    atomic_fetch_and(&pool->state, STATE_INSIDE);
    while (atomic_load(&pool->state) != 0) {
        relax();
        if (++spins % 4096 == 0)
            sched_yield();
    }
}

void sth_pool_run(SthPool *pool, guint threads, SthPoolFunc func, gpointer data, guint n_items)
{
    guint helpers = n_items > 1 ? MIN(MIN(threads - 1, pool->n_workers), n_items - 1) : 0;

    if (helpers == 0 || atomic_exchange(&pool->busy, TRUE)) {
        for (guint item = 0; item < n_items; item++)
            func(data, item, 0);
        return;
    }
    pool->func = func;
    pool->data = data;
    pool->n_shares = helpers + 1;
    for (guint i = 0; i <= helpers; i++) {
        atomic_store_explicit(&pool->shares[i].next, (guint)((guint64)n_items * i / pool->n_shares), memory_order_relaxed);
        pool->shares[i].end = (guint)((guint64)n_items * (i + 1) / pool->n_shares);
    }
    atomic_store(&pool->state, STATE_OPEN | helpers << STATE_LIMIT_SHIFT);
    atomic_fetch_add(&pool->jobs, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        g_mutex_lock(&pool->sleep_lock);
        g_cond_broadcast(&pool->wake);
        g_mutex_unlock(&pool->sleep_lock);
    }
    do_items(pool, 0);
    close_job(pool);
    atomic_store(&pool->busy, FALSE);
}
