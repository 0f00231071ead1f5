/* The pool of a machine with 64 processors, on whatever there is: pool.c is compiled for this test with a count of its own. Counts only, no times.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdatomic.h>

#include "base/cpu.h"
#include "base/pool.h"

#define THREADS 64
#define ROUNDS 10
#define PATIENCE_US (60 * G_USEC_PER_SEC) /* that all threads get a turn, on a busy machine */

guint wide_cpu_count(void);

guint wide_cpu_count(void)
{
    return THREADS;
}

typedef struct {
    guint threads;              /* that take part */
    atomic_uint inside[ROUNDS]; /* items that began, by round */
    atomic_uint done[THREADS];  /* items, by thread */
} Job;

/* Each round is one item of each thread's share, and none of them ends before all have begun: equal items. */
static void do_item(gpointer data, guint item, guint thread)
{
    Job *job = data;
    const guint round = item % ROUNDS;
    const gint64 until = g_get_monotonic_time() + PATIENCE_US;

    g_assert_cmpuint(thread, <, job->threads);
    atomic_fetch_add(&job->inside[round], 1);
    while (atomic_load(&job->inside[round]) < job->threads) {
        g_assert_cmpint(g_get_monotonic_time(), <, until); /* a thread never came */
        g_usleep(50);
    }
    atomic_fetch_add(&job->done[thread], 1);
}

/* Equal items are shared out equally, whatever part of the threads a session asks for. */
static void test_balance(void)
{
    static const guint threads[] = {2, 7, 33, THREADS};
    SthPool *pool = sth_pool_get();

    g_assert_cmpuint(sth_pool_threads(pool), ==, THREADS);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
        Job job = {.threads = threads[i]};

        sth_pool_run(pool, threads[i], do_item, &job, threads[i] * ROUNDS);
        for (guint thread = 0; thread < THREADS; thread++)
            g_assert_cmpuint(job.done[thread], ==, thread < threads[i] ? ROUNDS : 0);
    }
    sth_pool_unref(pool);
}

static void count_item(gpointer data, guint item, guint thread)
{
    atomic_uint *done = data;

    g_assert_cmpuint(thread, <, THREADS);
    atomic_fetch_add(&done[item], 1);
}

/* Fewer items than threads, and some more: each is done once. */
static void test_few_items(void)
{
    SthPool *pool = sth_pool_get();

    for (guint n = 0; n <= 3 * THREADS; n++) {
        atomic_uint done[3 * THREADS] = {0};

        sth_pool_run(pool, THREADS, count_item, done, n);
        for (guint i = 0; i < 3 * THREADS; i++)
            g_assert_cmpuint(done[i], ==, i < n);
    }
    sth_pool_unref(pool);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool-wide/balance", test_balance);
    g_test_add_func("/pool-wide/few-items", test_few_items);
    return g_test_run();
}
