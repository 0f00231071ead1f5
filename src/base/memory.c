/* Aligned memory. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From this size on memory starts on a huge page and asks for such: layers step through it by whole planes, a page of 4 KiB each. */
#define HUGE_FROM ((gsize)4 << 20)
#define HUGE_PAGE ((gsize)2 << 20)

gpointer sth_aligned_try_alloc(gsize bytes)
{
    gpointer memory;

    if (bytes > G_MAXSSIZE - 2 * HUGE_PAGE)
        return NULL;
    bytes = STH_ALIGN_UP(bytes) + STH_ALIGN;
    if (bytes >= HUGE_FROM) {
        bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        memory = aligned_alloc(HUGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
        if (memory)
            madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: where it is refused pages are small */
#endif
    } else {
        memory = aligned_alloc(STH_ALIGN, bytes);
    }
    return memory ? memset(memory, 0, bytes) : NULL;
}

gpointer sth_aligned_alloc(gsize bytes)
{
    gpointer memory = sth_aligned_try_alloc(bytes);

    if (!memory)
        g_error("out of memory: cannot allocate %" G_GSIZE_FORMAT " bytes", bytes);
    return memory;
}

void sth_aligned_free(gpointer memory)
{
    free(memory);
}

GBytes *sth_aligned_bytes(gsize bytes, gpointer *data)
{
    gpointer memory = sth_aligned_alloc(bytes);

    if (data)
        *data = memory;
    return g_bytes_new_with_free_func(memory, bytes, sth_aligned_free, memory);
}
