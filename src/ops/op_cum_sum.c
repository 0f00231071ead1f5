/* CumSum: running sums along an axis.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

typedef struct {
    SthAxis axis;
    gboolean exclusive, reverse;
} Running;

static gboolean find_axis(SthNode *node, guint *axis, GError **error)
{
    guint n;
    gint64 *given = sth_op_constant_ints(node, 1, &n, error);
    if (given == NULL)
        return FALSE;
    gboolean done =
        n == 1 ? sth_op_axis(node, given[0], sth_op_in(node, 0)->shape.rank, axis, error) : sth_op_error(node, error, "the axis is not one number");
    g_free(given);
    return done;
}

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_NUMBER, error) || !find_axis(node, &axis, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    if (!find_axis(node, &axis, error))
        return FALSE;
    Running *running = g_new(Running, 1);
    running->axis = sth_op_around(&sth_op_in(node, 0)->shape, axis, axis + 1);
    running->exclusive = sth_node_int(node, "exclusive", 0) != 0;
    running->reverse = sth_node_int(node, "reverse", 0) != 0;
    node->prepared = running;
    return TRUE;
}

/* Sums of floats in double. */
#define ADD_UP(name, type, unused, wide)                                                                                                             \
    case STH_DTYPE_##name: {                                                                                                                         \
        const type *in = (const type *)run->in[0].data + at;                                                                                         \
        type *out = (type *)run->out[0].data + at;                                                                                                   \
        wide sum = 0;                                                                                                                                \
        for (gsize k = 0; k < axis->n; k++) {                                                                                                        \
            gsize i = (running->reverse ? axis->n - 1 - k : k) * axis->inner;                                                                        \
            wide next = sum + (wide)in[i];                                                                                                           \
            out[i] = (type)(running->exclusive ? sum : next);                                                                                        \
            sum = next;                                                                                                                              \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

/* @item: one line along the axis. */
static void add_up(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Running *running = run->prepared;
    const SthAxis *axis = &running->axis;
    gsize at = item / axis->inner * axis->n * axis->inner + item % axis->inner;
    switch (run->in[0].dtype) {
        STH_EACH_REAL(ADD_UP, double)
        STH_EACH_SIGNED(ADD_UP, guint64)
        STH_EACH_UNSIGNED(ADD_UP, guint64)
    default:
        break;
    }
}

static void run_cum_sum(const SthOpRun *run)
{
    const SthAxis *axis = &((const Running *)run->prepared)->axis;
    sth_op_parallel(run, add_up, (gpointer)run, (guint)(axis->outer * axis->inner));
}

extern const SthOp sth_op_cum_sum;
const SthOp sth_op_cum_sum = {
    .name = "CumSum", .since = 11, .min_in = 2, .max_in = 2, .constant_in = 1 << 1, .infer = infer, .prepare = prepare, .run = run_cum_sum};
