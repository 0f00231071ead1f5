/* Aligned memory. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From this size on memory starts on a huge page and asks for such: layers step through it by whole planes, a page of 4 KiB each. */
#define HUGE_FROM ((gsize)4 << 20)
#define HUGE_PAGE ((gsize)2 << 20)

/* Aligned memory for at least @bytes and STH_ALIGN more; *all is how many there are. */
static gpointer allocate(gsize bytes, gsize *all)
{
    gpointer memory;

    if (bytes > G_MAXSSIZE - 2 * HUGE_PAGE)
        return NULL;
    *all = STH_ALIGN_UP(bytes) + STH_ALIGN;
    if (*all < HUGE_FROM)
        return aligned_alloc(STH_ALIGN, *all);
    *all = (*all + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    memory = aligned_alloc(HUGE_PAGE, *all);
#ifdef MADV_HUGEPAGE
    if (memory)
        madvise(memory, *all, MADV_HUGEPAGE); /* a wish: where it is refused pages are small */
#endif
    return memory;
}

gpointer sth_aligned_try_alloc(gsize bytes)
{
    gsize all;
    gpointer memory = allocate(bytes, &all);

    return memory ? memset(memory, 0, all) : NULL;
}

gpointer sth_aligned_try_alloc_unset(gsize bytes)
{
    gsize all;
    guint8 *memory = allocate(bytes, &all);

    if (memory)
        memset(memory + bytes, 0, MIN(all - bytes, 2 * STH_ALIGN));
    return memory;
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

static gboolean parse_size(const char *text, gsize *size)
{
    static const char units[] = "KMG";
    char *end = NULL;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, g_ascii_toupper(*end)) : NULL;
    guint shift = unit != NULL ? 10 * (guint)(unit - units + 1) : 0;

    if (!g_ascii_isdigit(text[0]) || (unit != NULL ? end[1] : end[0]) != '\0' || number == 0 || number > G_MAXSIZE >> shift)
        return FALSE;
    *size = (gsize)number << shift;
    return TRUE;
}

gsize sth_memory_limit(void)
{
    const char *text = g_getenv("STH_MEMORY_LIMIT");
    gsize limit;

    if (text != NULL && parse_size(text, &limit))
        return limit;
    if (text != NULL)
        g_warning("STH_MEMORY_LIMIT='%s' is no size such as 800M or 4G", text);
    return (gsize)sysconf(_SC_PHYS_PAGES) / 4 * 3 * (gsize)sysconf(_SC_PAGESIZE);
}
