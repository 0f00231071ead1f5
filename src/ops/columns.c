/* Windows of an image as columns of a matrix. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/columns.h"

#include <string.h>

typedef struct {
    const guint32 *plane;
    guint32 *gathered; /* of the first tap, where the row's columns start */
    float *sum;
    const float *scattered;
    gsize n;         /* columns, from one tap to the next */
    gsize from, end; /* outputs of the row that are wanted */
    gsize stride;
} Row;

static void gather(gpointer data, const SthSlidingTap *tap)
{
    const Row *row = data;
    const gsize from = MAX(row->from, tap->first), end = MIN(row->end, tap->first + tap->n), stride = row->stride;

    if (from >= end)
        return;
    const guint32 *in = row->plane + tap->from + (from - tap->first) * stride;
    guint32 *out = row->gathered + tap->tap * row->n + from - row->from;
    if (stride == 1)
        memcpy(out, in, (end - from) * sizeof *out);
    else
        for (gsize i = 0; i < end - from; i++)
            out[i] = in[i * stride];
}

static void scatter(gpointer data, const SthSlidingTap *tap)
{
    const Row *row = data;
    const gsize from = MAX(row->from, tap->first), end = MIN(row->end, tap->first + tap->n), stride = row->stride;

    if (from >= end)
        return;
    float *out = row->sum + tap->from + (from - tap->first) * stride;
    const float *in = row->scattered + tap->tap * row->n + from - row->from;
    if (stride == 1)
        for (gsize i = 0; i < end - from; i++)
            out[i] += in[i];
    else
        for (gsize i = 0; i < end - from; i++)
            out[i * stride] += in[i];
}

static void walk(const SthSliding *s, gsize first, gsize n, Row *row, SthSlidingTapFunc func)
{
    const gsize width = (gsize)s->out[STH_W], height = (gsize)s->out[STH_H];

    row->n = n;
    row->stride = (gsize)s->stride[STH_W];
    for (gsize done = 0; done < n; done += row->end - row->from) {
        const gsize y = (first + done) / width;
        Row part = *row;

        row->from = part.from = (first + done) % width;
        row->end = part.end = MIN(width, part.from + n - done);
        part.gathered = row->gathered ? row->gathered + done : NULL;
        part.scattered = row->scattered ? row->scattered + done : NULL;
        sth_sliding_row(s, (gint64)(y / height), (gint64)(y % height), func, &part);
    }
}

void sth_columns_gather(const SthSliding *s, const guint32 *plane, gsize first, gsize n, guint32 *columns)
{
    Row row = {.plane = plane, .gathered = columns};

    memset(columns, 0, sth_sliding_taps(s) * n * sizeof *columns);
    walk(s, first, n, &row, gather);
}

void sth_columns_scatter(const SthSliding *s, const float *columns, gsize first, gsize n, float *plane)
{
    Row row = {.sum = plane, .scattered = columns};

    walk(s, first, n, &row, scatter);
}
