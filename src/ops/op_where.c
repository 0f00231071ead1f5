/* Where: picks from two inputs by a condition; all three broadcast.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;
    if (!sth_op_require_type(node, 0, STH_DTYPE_BOOL, error) || !sth_op_require_types(node, 1, STH_TYPES_ANY, error) ||
        !sth_op_require_types(node, 2, STH_TYPES_ANY, error) || !sth_op_require_same_type(node, 1, 2, error) ||
        !sth_op_broadcast(node, &sth_op_in(node, 1)->shape, &sth_op_in(node, 2)->shape, &shape, error) ||
        !sth_op_broadcast(node, &sth_op_in(node, 0)->shape, &shape, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 1)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthBroadcast *plan = g_new0(SthBroadcast, 1);
    const SthShape *in[3] = {&sth_op_in(node, 0)->shape, &sth_op_in(node, 1)->shape, &sth_op_in(node, 2)->shape};
    sth_broadcast_plan(plan, &sth_node_output(node, 0)->tensor.shape, in, 3);
    node->prepared = plan;
    return TRUE;
}

#define PICK(type)                                                                                                                                   \
    for (gsize i = 0; i < n; i++)                                                                                                                    \
        ((type *)run->out[0].data)[out + i] =                                                                                                        \
            condition[i * step[0]] ? ((const type *)run->in[1].data)[in[1] + i * step[1]] : ((const type *)run->in[2].data)[in[2] + i * step[2]];

static void walk(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    const guint8 *condition = (const guint8 *)run->in[0].data + in[0];
    switch (sth_dtype_size(run->out[0].dtype)) {
        STH_EACH_SIZE(PICK)
    }
}

static void run_where(const SthOpRun *run)
{
    sth_broadcast_run(run, run->prepared, walk);
}

extern const SthOp sth_op_where;
const SthOp sth_op_where = {.name = "Where", .since = 9, .min_in = 3, .max_in = 3, .infer = infer, .prepare = prepare, .run = run_where};
