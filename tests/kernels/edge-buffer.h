/* Memory whose last float is followed by a page that must not be touched, and whose first is preceded by guard bytes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

typedef struct {
    guint8 *pages;
    gsize size;  /* of the mapping */
    gsize bytes; /* of data */
    guint8 *data;
} EdgeBuffer;

/* The end of the data is the end of a page: its start has whatever alignment its size gives. */
void edge_buffer_init(EdgeBuffer *buffer, gsize bytes);
/* Fails the test if something was written before the data. */
void edge_buffer_check(const EdgeBuffer *buffer);
void edge_buffer_clear(EdgeBuffer *buffer);
