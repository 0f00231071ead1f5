/* Aligned memory. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STH_ALIGN 64 /* bytes: a cache line, an AVX-512 vector */
#define STH_ALIGN_UP(n) (((gsize)(n) + STH_ALIGN - 1) / STH_ALIGN * STH_ALIGN)

/* Zeroed memory aligned to STH_ALIGN, with STH_ALIGN readable bytes after its end (vector loads may overrun). NULL when there is none;
 * bytes 0 gives a valid pointer. Free with sth_aligned_free() (NULL allowed). */
gpointer sth_aligned_try_alloc(gsize bytes);
/* The same, but only what is readable after its end is zeroed: for who writes all of it at once. */
gpointer sth_aligned_try_alloc_unset(gsize bytes);
/* The same, but ends the program when there is no memory, as g_malloc() does. */
gpointer sth_aligned_alloc(gsize bytes);
void sth_aligned_free(gpointer memory);
/* Bytes in aligned memory, for constants: *data is writable until the bytes are shared. */
GBytes *sth_aligned_bytes(gsize bytes, gpointer *data);

/* How much a model may take, in bytes, where its opener says nothing: the environment variable STH_MEMORY_LIMIT (a number with K, M or G behind it),
 * else three quarters of the machine's memory. A word there that is no size is ignored with a warning. */
gsize sth_memory_limit(void);
/* What to do about a model that takes more, the end of a message. */
#define STH_MEMORY_REMEDY "set STH_MEMORY_LIMIT higher, or take a smaller window"

G_END_DECLS
