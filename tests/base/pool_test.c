/* The thread pool: every item once, thread numbers unique, no waiting for a busy pool, threads that end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cpu.h"
#include "base/pool.h"

#define MAX_ITEMS 1000

typedef struct {
    atomic_uint done[MAX_ITEMS];
    atomic_uint inside[64]; /* by thread number */
    guint threads;
    guint64 sums[MAX_ITEMS];
} Job;

static void do_item(gpointer data, guint item, guint thread)
{
    Job *job = data;
    guint64 sum = item;

    g_assert_cmpuint(thread, <, job->threads);
    g_assert_cmpuint(atomic_fetch_add(&job->inside[thread], 1), ==, 0);
    for (guint i = 0; i < 100 + item % 7 * 50; i++)
        sum = sum * 6364136223846793005u + 1;
    job->sums[item] = sum;
    atomic_fetch_add(&job->done[item], 1);
    atomic_fetch_sub(&job->inside[thread], 1);
}

static void run_and_check(SthPool *pool, guint threads, guint n_items)
{
    Job *job = g_new0(Job, 1);

    job->threads = threads;
    sth_pool_run(pool, threads, do_item, job, n_items);
    for (guint i = 0; i < MAX_ITEMS; i++)
        g_assert_cmpuint(job->done[i], ==, i < n_items);
    g_free(job);
}

static void test_every_item_once(void)
{
    static const guint counts[] = {0, 1, 2, 3, 17, MAX_ITEMS};
    SthPool *pool = sth_pool_get();

    g_assert_cmpuint(sth_pool_threads(pool), ==, sth_cpu_count());
    for (guint round = 0; round < 300; round++)
        for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
            run_and_check(pool, 1 + round % (sth_pool_threads(pool) + 1), counts[i]);
    sth_pool_unref(pool);
}

/* Workers that sleep are woken. */
static void test_after_sleep(void)
{
    SthPool *pool = sth_pool_get();

    for (guint round = 0; round < 20; round++) {
        g_usleep(2000);
        run_and_check(pool, sth_pool_threads(pool), 64);
    }
    sth_pool_unref(pool);
}

static gpointer use_pool(gpointer data)
{
    for (guint round = 0; round < 200; round++)
        run_and_check(data, sth_pool_threads(data), 50);
    return NULL;
}

static void test_several_callers(void)
{
    SthPool *pool = sth_pool_get();
    GThread *callers[4];

    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        callers[i] = g_thread_new("caller", use_pool, pool);
    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        g_thread_join(callers[i]);
    sth_pool_unref(pool);
}

typedef struct {
    SthPool *pool;
    atomic_uint inside;
    atomic_bool go;
} Blocked;

/* Stays until the other caller has done all of its work: it would hang if that waited for us. */
static void block(gpointer data, guint item, guint thread)
{
    Blocked *blocked = data;

    atomic_fetch_add(&blocked->inside, 1);
    while (!atomic_load(&blocked->go))
        g_usleep(100);
}

static gpointer run_blocked(gpointer data)
{
    Blocked *blocked = data;

    sth_pool_run(blocked->pool, 2, block, blocked, 2);
    return NULL;
}

static void test_never_waits_for_others(void)
{
    Blocked blocked = {.pool = sth_pool_get()};
    GThread *thread = g_thread_new("blocked", run_blocked, &blocked);

    while (atomic_load(&blocked.inside) == 0)
        g_usleep(100);
    run_and_check(blocked.pool, sth_pool_threads(blocked.pool), 100);
    atomic_store(&blocked.go, TRUE);
    g_thread_join(thread);
    sth_pool_unref(blocked.pool);
}

static guint count_workers(void)
{
    GDir *dir = g_dir_open("/proc/self/task", 0, NULL);
    const char *id;
    guint workers = 0;

    g_assert_nonnull(dir);
    while ((id = g_dir_read_name(dir))) {
        char *path = g_strdup_printf("/proc/self/task/%s/comm", id), *name = NULL;

        if (g_file_get_contents(path, &name, NULL, NULL))
            workers += g_str_has_prefix(name, "sth-worker");
        g_free(name);
        g_free(path);
    }
    g_dir_close(dir);
    return workers;
}

/* A thread is in /proc for a moment after it was joined. */
static void wait_for_workers(guint expected)
{
    for (guint i = 0; i < 2000 && count_workers() != expected; i++)
        g_usleep(1000);
    g_assert_cmpuint(count_workers(), ==, expected);
}

static void test_threads_end(void)
{
    if (!g_file_test("/proc/self/task", G_FILE_TEST_IS_DIR)) {
        g_test_skip("there is no /proc");
        return;
    }
    wait_for_workers(0);
    for (guint round = 0; round < 20; round++) {
        SthPool *pool = sth_pool_get(), *same = sth_pool_get();

        g_assert_true(pool == same);
        g_assert_true(sth_pool_ref(pool) == pool);
        wait_for_workers(sth_cpu_count() - 1);
        run_and_check(pool, sth_pool_threads(pool), 30);
        sth_pool_unref(pool);
        sth_pool_unref(pool);
        wait_for_workers(sth_cpu_count() - 1);
        sth_pool_unref(same);
        wait_for_workers(0);
    }
}

static void look_at_signals(gpointer data, guint item, guint thread)
{
    sigset_t mask;

    g_usleep(1000); /* so that workers get some of the items */
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    g_assert_cmpint(sigismember(&mask, SIGINT), ==, thread > 0);
}

/* Workers take no signals; the caller's mask stays. */
static void test_signals(void)
{
    SthPool *pool = sth_pool_get();

    sth_pool_run(pool, sth_pool_threads(pool), look_at_signals, NULL, 20);
    sth_pool_unref(pool);
}

static void look_at_priority(gpointer data, guint item, guint thread)
{
    g_usleep(1000);
    g_assert_cmpint(getpriority(PRIO_PROCESS, 0), ==, ((const int *)data)[thread > 0]);
}

/* Workers in the background give way, the caller and the other pool's workers do not. */
static void test_background(void)
{
    SthPool *pool = sth_pool_get(), *background = sth_pool_get_background();
    const int own = getpriority(PRIO_PROCESS, 0);
    int same[] = {own, own}, lower[] = {own, MAX(own, STH_CPU_BACKGROUND_NICE)};

    g_assert_true(pool != background);
    g_assert_true(sth_pool_get_background() == background);
    sth_pool_unref(background);
    sth_pool_run(pool, sth_pool_threads(pool), look_at_priority, same, 20);
    sth_pool_run(background, sth_pool_threads(background), look_at_priority, lower, 20);
    sth_pool_unref(pool);
    sth_pool_unref(background);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/threads-end", test_threads_end);
    g_test_add_func("/pool/every-item-once", test_every_item_once);
    g_test_add_func("/pool/after-sleep", test_after_sleep);
    g_test_add_func("/pool/several-callers", test_several_callers);
    g_test_add_func("/pool/never-waits-for-others", test_never_waits_for_others);
    g_test_add_func("/pool/signals", test_signals);
    g_test_add_func("/pool/background", test_background);
    return g_test_run();
}
