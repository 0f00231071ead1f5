/* For the thread sanitizer only: tells it what GLib's locks order. GLib itself is not compiled for it, so that without this everything that a GMutex
 * guards looks like a race. Each function does what GLib's own does, between the annotations. The sanitizer's interface:
 * sanitizer/tsan_interface.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#define REAL(function) (__extension__(__typeof__(&function)) dlsym(RTLD_NEXT, #function))

__attribute__((visibility("default"))) void(g_mutex_lock)(GMutex *mutex)
{
    REAL(g_mutex_lock)(mutex);
    __tsan_acquire(mutex);
}

__attribute__((visibility("default"))) void(g_mutex_unlock)(GMutex *mutex)
{
    __tsan_release(mutex);
    REAL(g_mutex_unlock)(mutex);
}

__attribute__((visibility("default"))) gboolean(g_mutex_trylock)(GMutex *mutex)
{
    const gboolean locked = REAL(g_mutex_trylock)(mutex);
    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

__attribute__((visibility("default"))) void(g_cond_wait)(GCond *cond, GMutex *mutex)
{
    __tsan_release(mutex);
    REAL(g_cond_wait)(cond, mutex);
    __tsan_acquire(mutex);
}

__attribute__((visibility("default"))) gboolean(g_cond_wait_until)(GCond *cond, GMutex *mutex, gint64 end_time)
{
    __tsan_release(mutex);
    const gboolean woken = REAL(g_cond_wait_until)(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return woken;
}

/* The readers' fast path is an inline atomic load: it needs an atomic store to meet. */
__attribute__((visibility("default"))) void(g_once_init_leave)(volatile void *location, gsize result)
{
    REAL(g_once_init_leave)(location, result);
    __atomic_store_n((volatile gsize *)location, result, __ATOMIC_SEQ_CST);
}
