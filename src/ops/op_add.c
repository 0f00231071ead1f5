/* Add, and the clamp of its result that passes merge into it ("sth.min", "sth.max", floats only).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/op-helpers.h"

typedef struct {
    SthBroadcast walk;
    float min, max;
} Sum;

static gboolean infer(SthNode *node, GError **error)
{
    if (!sth_op_require_types(node, 0, STH_TYPES_NUMBER, error) || !sth_op_require_types(node, 1, STH_TYPES_NUMBER, error) ||
        !sth_op_require_same_type(node, 0, 1, error))
        return FALSE;
    SthShape second = sth_op_second_shape(node, -1), shape;
    if (!sth_op_broadcast(node, &sth_op_in(node, 0)->shape, &second, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Sum *sum = g_new0(Sum, 1);
    SthShape second = sth_op_second_shape(node, -1);
    const SthShape *in[2] = {&sth_op_in(node, 0)->shape, &second};
    sth_broadcast_plan(&sum->walk, &sth_node_output(node, 0)->tensor.shape, in, 2);
    sum->min = sth_node_float(node, "sth.min", -INFINITY);
    sum->max = sth_node_float(node, "sth.max", INFINITY);
    node->prepared = sum;
    return TRUE;
}

static void add_floats(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    const Sum *sum = run->prepared;
    const float *a = (const float *)run->in[0].data + in[0], *b = (const float *)run->in[1].data + in[1];
    float *to = (float *)run->out[0].data + out;
    if (step[0] != 0 && step[1] != 0)
        sth_kernels()->add_clamp(to, a, b, n, sum->min, sum->max);
    else if (step[0] != 0 || step[1] != 0)
        sth_kernels()->scale_shift(to, step[0] != 0 ? a : b, n, 1.0f, step[0] != 0 ? *b : *a, sum->min, sum->max);
    else
        for (gsize i = 0; i < n; i++)
            to[i] = fminf(fmaxf(*a + *b, sum->min), sum->max);
}

#define ADD(name, type, wide, ...)                                                                                                                   \
    case STH_DTYPE_##name: {                                                                                                                         \
        const type *a = (const type *)run->in[0].data + in[0], *b = (const type *)run->in[1].data + in[1];                                           \
        type *to = (type *)run->out[0].data + out;                                                                                                   \
        for (gsize i = 0; i < n; i++)                                                                                                                \
            to[i] = (type)((__VA_ARGS__)a[i * step[0]] + (__VA_ARGS__)b[i * step[1]]);                                                               \
        break;                                                                                                                                       \
    }

static void add_others(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    switch (run->in[0].dtype) {
        ADD(DOUBLE, double, double, double)
        STH_EACH_SIGNED(ADD, guint64)
        STH_EACH_UNSIGNED(ADD, guint64)
    default:
        break;
    }
}

static void run_add(const SthOpRun *run)
{
    sth_broadcast_run(run, &((const Sum *)run->prepared)->walk, run->in[0].dtype == STH_DTYPE_FLOAT ? add_floats : add_others);
}

extern const SthOp sth_op_add;
const SthOp sth_op_add = {.name = "Add",
                          .since = 6,
                          .flags = STH_OP_INPLACE_0 | STH_OP_INPLACE_1,
                          .min_in = 2,
                          .max_in = 2,
                          .infer = infer,
                          .prepare = prepare,
                          .run = run_add};
