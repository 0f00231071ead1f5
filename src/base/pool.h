/* Thread pool: runs the parts of one piece of work side by side.
 *
 * The parts must not depend on the number of threads: then no result does either.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SthPool SthPool;

/* Does part @item (0…n_items-1). @thread is 0…threads-1, unique among those running at the same time: the index of
 * a thread's scratch memory. */
typedef void (*SthPoolFunc)(gpointer data, guint item, guint thread);

/* The pool of the process, made on first use with sth_cpu_count() - 1 workers (the caller of sth_pool_run() is one more). Lives
 * as long as someone holds it. */
SthPool *sth_pool_get(void);
/* Another such pool, whose workers give way (sth_cpu_give_way()): for work beside which something must not wait. A job of the one never
 * waits for the other's. */
SthPool *sth_pool_get_background(void);
/* Called by a thread that must not wait, when it begins: for 2 ms, threads in background jobs offer their processor after every part. A nice
 * value alone does not do that: Linux may leave the processor to a thread of less weight for a whole tick if that was behind with its share. */
void sth_pool_make_room(void);
SthPool *sth_pool_ref(SthPool *pool);
void sth_pool_unref(SthPool *pool);
/* Threads that sth_pool_run() may use at most, the caller included. */
guint sth_pool_threads(SthPool *pool);

/**
 * sth_pool_run:
 * @threads: at most so many threads, the caller included, >= 1
 *
 * Calls @func for each item and returns when all are done. Each thread begins with a share of items that follow each
 * other, then helps with the others'. If another thread uses the pool right now, the caller does all items alone: it never waits for
 * somebody else's work. Allocates nothing. May not be nested.
 */
void sth_pool_run(SthPool *pool, guint threads, SthPoolFunc func, gpointer data, guint n_items);

G_END_DECLS
