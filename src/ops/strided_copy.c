/* Copies by strides: what transposes, slices, expansions and tilings come down to.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

void sth_copy_plan(SthCopy *plan, gsize size, guint rank, const gsize *dims, const gssize *stride, gssize start)
{
    *plan = (SthCopy){.size = size, .start = start};
    for (guint axis = 0; axis < rank; axis++) {
        guint last = plan->rank - 1;
        if (dims[axis] == 1)
            continue;
        if (plan->rank > 0 && plan->stride[last] == stride[axis] * (gssize)dims[axis]) {
            plan->dims[last] *= dims[axis];
            plan->stride[last] = stride[axis];
            continue;
        }
        plan->dims[plan->rank] = dims[axis];
        plan->stride[plan->rank++] = stride[axis];
    }
    if (plan->rank == 0) {
        plan->dims[0] = 1;
        plan->stride[plan->rank++] = 1;
    }
    plan->across = plan->rank;
    if (plan->stride[plan->rank - 1] != 1)
        for (guint axis = 0; axis + 1 < plan->rank; axis++)
            if (plan->stride[axis] == 1)
                plan->across = axis;
}

typedef struct {
    const SthCopy *plan;
    guint8 *out;
    const guint8 *in;
    gsize rows, rows_each; /* a row is one run along the last axis */
    gsize inner;
} Rows;

#define GATHER(type)                                                                                                                                 \
    for (gsize i = 0; i < n; i++)                                                                                                                    \
        ((type *)out)[i] = ((const type *)in)[(gssize)i * stride];

/* One row of @n elements. */
static void copy_row(gpointer out, gconstpointer in, gsize n, gssize stride, gsize size)
{
    if (stride == 1) {
        memcpy(out, in, n * size);
        return;
    }
    switch (size) {
        STH_EACH_SIZE(GATHER)
    }
}

static void copy_rows(gpointer data, guint item, guint thread)
{
    const Rows *rows = data;
    const SthCopy *plan = rows->plan;
    gsize first = item * rows->rows_each, count = MIN(rows->rows_each, rows->rows - first), rest = first;
    gsize index[STH_COPY_MAX_RANK] = {0};
    gssize at = plan->start;
    guint last = plan->rank - 1;
    for (guint axis = last; axis-- > 0;) {
        index[axis] = rest % plan->dims[axis];
        rest /= plan->dims[axis];
        at += (gssize)index[axis] * plan->stride[axis];
    }
    guint8 *out = rows->out + first * rows->inner * plan->size;
    for (gsize row = 0; row < count; row++, out += rows->inner * plan->size) {
        copy_row(out, rows->in + at * (gssize)plan->size, rows->inner, plan->stride[last], plan->size);
        for (guint axis = last; axis-- > 0;) {
            at += plan->stride[axis];
            if (++index[axis] < plan->dims[axis])
                break;
            at -= (gssize)plan->dims[axis] * plan->stride[axis];
            index[axis] = 0;
        }
    }
}

/* Transposing copy: the input's innermost axis is the output's axis `across`. Both are walked in tiles, so that each cache line of the
 * input is used whole. */
#define TILE 16

typedef struct {
    const SthCopy *plan;
    guint8 *out;
    const guint8 *in;
    gsize out_stride; /* of axis `across`, elements */
    gsize strips;     /* of TILE steps along `across` */
} Tiles;

#define TRANSPOSE(type)                                                                                                                              \
    for (gsize a = 0; a < height; a++)                                                                                                               \
        for (gsize b = 0; b < width; b++)                                                                                                            \
            ((type *)out)[a * out_stride + b] = ((const type *)in)[(gssize)a + (gssize)b * in_stride];

static void transpose_tile(gpointer out, gconstpointer in, gsize height, gsize width, gsize out_stride, gssize in_stride, gsize size)
{
    switch (size) {
        STH_EACH_SIZE(TRANSPOSE)
    }
}

/* One strip: TILE steps along `across`, the whole last axis, one position of the other axes. */
static void copy_strip(gpointer data, guint item, guint thread)
{
    const Tiles *tiles = data;
    const SthCopy *plan = tiles->plan;
    guint last = plan->rank - 1;
    gsize rest = item / tiles->strips, from = item % tiles->strips * TILE, height = MIN(TILE, plan->dims[plan->across] - from);
    gssize in_at = plan->start + (gssize)from;
    gsize out_at = from * tiles->out_stride, out_stride = plan->dims[last];
    for (guint axis = last; axis-- > 0; out_stride *= plan->dims[axis]) {
        if (axis == plan->across)
            continue;
        gsize index = rest % plan->dims[axis];
        rest /= plan->dims[axis];
        in_at += (gssize)index * plan->stride[axis];
        out_at += index * out_stride;
    }
    for (gsize b = 0; b < plan->dims[last]; b += TILE)
        transpose_tile(tiles->out + (out_at + b) * plan->size, tiles->in + (in_at + (gssize)b * plan->stride[last]) * (gssize)plan->size, height,
                       MIN(TILE, plan->dims[last] - b), tiles->out_stride, plan->stride[last], plan->size);
}

void sth_copy_run(const SthOpRun *run, const SthCopy *plan, gpointer out, gconstpointer in)
{
    gsize total = 1, out_stride = 1;
    for (guint axis = plan->rank; axis-- > 0;) {
        if (axis == plan->across)
            out_stride = total;
        total *= plan->dims[axis];
    }
    if (total == 0)
        return;
    gsize inner = plan->dims[plan->rank - 1];
    if (plan->across < plan->rank && inner >= 4 && plan->dims[plan->across] >= 4) {
        gsize along = plan->dims[plan->across];
        Tiles tiles = {plan, out, in, out_stride, (along + TILE - 1) / TILE};
        sth_op_parallel(run, copy_strip, &tiles, (guint)(total / inner / along * tiles.strips));
        return;
    }
    Rows rows = {plan, out, in, total / inner, MAX(1, STH_OP_CHUNK / inner), inner};
    sth_op_parallel(run, copy_rows, &rows, (guint)((rows.rows + rows.rows_each - 1) / rows.rows_each));
}
