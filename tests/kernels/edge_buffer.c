/* Memory with edges that must not be crossed. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "edge-buffer.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD 0xa5
#define GUARD_BYTES 64

void edge_buffer_init(EdgeBuffer *buffer, gsize bytes)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE), data_pages = (bytes + GUARD_BYTES + page - 1) / page;

    buffer->bytes = bytes;
    buffer->size = (data_pages + 1) * page;
    buffer->pages = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(buffer->pages != MAP_FAILED);
    g_assert_cmpint(mprotect(buffer->pages + data_pages * page, page, PROT_NONE), ==, 0);
    buffer->data = buffer->pages + data_pages * page - bytes;
    memset(buffer->pages, GUARD, data_pages * page);
}

void edge_buffer_check(const EdgeBuffer *buffer)
{
    for (const guint8 *byte = buffer->data - GUARD_BYTES; byte < buffer->data; byte++)
        g_assert_cmphex(*byte, ==, GUARD);
}

void edge_buffer_clear(EdgeBuffer *buffer)
{
    munmap(buffer->pages, buffer->size);
}
