/* Aligned memory. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STH_ALIGN 64 /* bytes: a cache line, an AVX-512 vector */
#define STH_ALIGN_UP(n) (((gsize)(n) + STH_ALIGN - 1) / STH_ALIGN * STH_ALIGN)

/* Zeroed memory aligned to STH_ALIGN, with STH_ALIGN readable bytes after its end (vector loads may overrun). NULL when there is none;
 * bytes 0 gives a valid pointer. Free with sth_aligned_free() (NULL allowed). */
gpointer sth_aligned_try_alloc(gsize bytes);
/* The same, but ends the program when there is no memory, as g_malloc() does. */
gpointer sth_aligned_alloc(gsize bytes);
void sth_aligned_free(gpointer memory);
/* Bytes in aligned memory, for constants: *data is writable until the bytes are shared. */
GBytes *sth_aligned_bytes(gsize bytes, gpointer *data);

G_END_DECLS
