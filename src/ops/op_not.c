/* Not.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

static gboolean infer(SthNode *node, GError **error)
{
    if (!sth_op_require_type(node, 0, STH_DTYPE_BOOL, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_BOOL, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static void invert(const SthOpRun *run, gsize from, gsize n)
{
    const guint8 *in = run->in[0].data;
    guint8 *out = run->out[0].data;
    for (gsize i = from; i < from + n; i++)
        out[i] = !in[i];
}

static void run_not(const SthOpRun *run)
{
    sth_op_elementwise(run, invert);
}

extern const SthOp sth_op_not;
const SthOp sth_op_not = {.name = "Not", .since = 1, .flags = STH_OP_INPLACE_0, .min_in = 1, .max_in = 1, .infer = infer, .run = run_not};
