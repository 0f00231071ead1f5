/* Elements chosen axis by axis. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/axis_map.h"

#include <string.h>

#define SHORT_STRETCH 4 /* elements: below, they are copied one by one */

/* Neighbours of an output row that are neighbours in the input too. */
typedef struct {
    gint64 in; /* -1: the constant */
    gsize out, n;
} Stretch;

/* The output as rows: the innermost axis that is mapped, times all axes after it. */
struct _SthAxisMap {
    guint rank; /* axes up to the innermost mapped one */
    gsize size; /* bytes of an element */
    gsize out[STH_MAX_RANK];
    gsize stride[STH_MAX_RANK]; /* of the input, bytes */
    gint64 *map[STH_MAX_RANK];  /* NULL: the axis stays as it is */
    gsize in_bytes;             /* of the input */
    gsize inner;                /* bytes of one step along the last of these axes */
    GArray *stretches;          /* of Stretch: a row */
    gboolean single;            /* a row is copied element by element */
    gsize rows, rows_each;
};

static void find_stretches(SthAxisMap *map)
{
    const gint64 *last = map->map[map->rank - 1];
    const gsize n = map->out[map->rank - 1];

    map->stretches = g_array_new(FALSE, FALSE, sizeof(Stretch));
    for (gsize i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && last[end] == (last[i] < 0 ? -1 : last[end - 1] + 1);)
            end++;
        g_array_append_val(map->stretches, ((Stretch){last[i], i, end - i}));
    }
    map->single = map->inner == map->size && n < SHORT_STRETCH * map->stretches->len;
}

SthAxisMap *sth_axis_map_new(const SthShape *in, const SthShape *out, gsize size, gint64 *const *maps)
{
    SthAxisMap *map = g_new0(SthAxisMap, 1);
    gsize stride;

    map->size = size;
    map->rank = in->rank;
    while (map->rank > 0 && !maps[map->rank - 1])
        map->rank--;
    map->inner = stride = sth_op_product(in, map->rank, in->rank) * size;
    map->in_bytes = sth_op_product(in, 0, in->rank) * size;
    map->rows = 1;
    for (guint axis = map->rank; axis-- > 0; stride *= (gsize)in->dims[axis]) {
        map->out[axis] = (gsize)out->dims[axis];
        map->stride[axis] = stride;
        map->map[axis] = maps[axis];
        map->rows *= axis + 1 < map->rank ? map->out[axis] : 1;
    }
    if (map->rank > 0) {
        find_stretches(map);
        map->rows_each = MAX(1, STH_OP_CHUNK * sizeof(float) / MAX(1, map->out[map->rank - 1] * map->inner));
    }
    return map;
}

void sth_axis_map_free(gpointer data)
{
    SthAxisMap *map = data;

    for (guint axis = 0; axis < map->rank; axis++)
        g_free(map->map[axis]);
    if (map->stretches)
        g_array_unref(map->stretches);
    g_free(map);
}

typedef struct {
    const SthAxisMap *map;
    guint8 *out;
    const guint8 *in, *value;
} Work;

static void fill(guint8 *out, gsize bytes, const guint8 *value, gsize size)
{
    guint64 any = 0;

    memcpy(&any, value, size);
    if (any == 0) {
        memset(out, 0, bytes);
        return;
    }
    for (gsize i = 0; i < bytes; i += size)
        memcpy(out + i, value, size);
}

#define GATHER(type)                                                                                                                                 \
    for (gsize i = 0; i < n; i++)                                                                                                                    \
        ((type *)out)[i] = last[i] < 0 ? *(const type *)value : ((const type *)in)[last[i]];

/* A row, element by element. */
static void gather_row(const SthAxisMap *map, gpointer out, gconstpointer in, gconstpointer value)
{
    const gint64 *last = map->map[map->rank - 1];
    const gsize n = map->out[map->rank - 1];

    switch (map->size) {
    case 1:
        GATHER(guint8)
        break;
    case 2:
        GATHER(guint16)
        break;
    case 4:
        GATHER(guint32)
        break;
    default:
        GATHER(guint64)
    }
}

static void copy_row(const Work *work, guint8 *out, const guint8 *in)
{
    const SthAxisMap *map = work->map;

    if (map->single) {
        gather_row(map, out, in, work->value);
        return;
    }
    for (guint i = 0; i < map->stretches->len; i++) {
        const Stretch *s = &g_array_index(map->stretches, Stretch, i);

        if (s->in < 0)
            fill(out + s->out * map->inner, s->n * map->inner, work->value, map->size);
        else
            memcpy(out + s->out * map->inner, in + (gsize)s->in * map->inner, s->n * map->inner);
    }
}

static void copy_rows(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const SthAxisMap *map = work->map;
    const gsize width = map->out[map->rank - 1] * map->inner, end = MIN(map->rows, (item + 1) * map->rows_each);

    for (gsize row = item * map->rows_each; row < end; row++) {
        gsize at = 0, rest = row;
        gboolean inside = TRUE;

        for (guint axis = map->rank - 1; axis-- > 0; rest /= map->out[axis]) {
            const gsize position = rest % map->out[axis];
            const gint64 index = map->map[axis] ? map->map[axis][position] : (gint64)position;

            inside = inside && index >= 0;
            at += inside ? (gsize)index * map->stride[axis] : 0;
        }
        if (inside)
            copy_row(work, work->out + row * width, work->in + at);
        else
            fill(work->out + row * width, width, work->value, map->size);
    }
}

void sth_axis_map_run(const SthOpRun *run, const SthAxisMap *map, gpointer out, gconstpointer in, gconstpointer value)
{
    Work work = {map, out, in, value};

    if (map->rank == 0) {
        if (map->in_bytes > 0)
            memcpy(out, in, map->in_bytes);
        return;
    }
    if (map->inner * map->out[map->rank - 1] > 0)
        sth_op_parallel(run, copy_rows, &work, (guint)((map->rows + map->rows_each - 1) / map->rows_each));
}
