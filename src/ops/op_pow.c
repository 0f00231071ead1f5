/* Pow. The exponent may be of another type than the base; the result is of the base's type, integers saturate.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape, second = sth_op_second_shape(node, -1);
    if (!sth_op_require_types(node, 0, STH_TYPES_REAL | STH_TYPES_INDEX, error) || !sth_op_require_types(node, 1, STH_TYPES_NUMBER, error) ||
        !sth_op_broadcast(node, &sth_op_in(node, 0)->shape, &second, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthBroadcast *plan = g_new0(SthBroadcast, 1);
    SthShape second = sth_op_second_shape(node, -1);
    const SthShape *in[2] = {&sth_op_in(node, 0)->shape, &second};
    sth_broadcast_plan(plan, &sth_node_output(node, 0)->tensor.shape, in, 2);
    node->prepared = plan;
    return TRUE;
}

#define BLOCK 256 /* elements that are computed in double at once */

/* Elements that stand still (step 0) or follow each other. */
static void load(double *wide, const SthTensor *tensor, gsize at, gsize step, gsize n)
{
    sth_elements_to_doubles(wide, tensor, at, step != 0 ? n : 1);
    for (gsize i = 1; i < n && step == 0; i++)
        wide[i] = wide[0];
}

static void raise_any(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    double base[BLOCK], exponent[BLOCK];
    for (gsize done = 0; done < n; done += BLOCK) {
        gsize count = MIN(BLOCK, n - done);
        load(base, &run->in[0], in[0] + done * step[0], step[0], count);
        load(exponent, &run->in[1], in[1] + done * step[1], step[1], count);
        for (gsize i = 0; i < count; i++)
            base[i] = pow(base[i], exponent[i]);
        sth_elements_from_doubles(&run->out[0], base, out + done, count);
    }
}

/* float32 to one power, most often the square of a normalisation. */
static void raise_floats(float *to, const float *x, gsize step, gsize n, float power)
{
    if (power == 2.0f)
        for (gsize i = 0; i < n; i++)
            to[i] = x[i * step] * x[i * step];
    else if (power == 0.5f)
        for (gsize i = 0; i < n; i++)
            to[i] = sqrtf(x[i * step]);
    else
        for (gsize i = 0; i < n; i++)
            to[i] = powf(x[i * step], power);
}

static void walk(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    if (run->in[0].dtype == STH_DTYPE_FLOAT && step[1] == 0) {
        double power;
        sth_elements_to_doubles(&power, &run->in[1], in[1], 1);
        raise_floats((float *)run->out[0].data + out, (const float *)run->in[0].data + in[0], step[0], n, (float)power);
    } else {
        raise_any(run, out, in, step, n);
    }
}

static void run_pow(const SthOpRun *run)
{
    sth_broadcast_run(run, run->prepared, walk);
}

extern const SthOp sth_op_pow;
const SthOp sth_op_pow = {
    .name = "Pow", .since = 6, .flags = STH_OP_INPLACE_0, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run_pow};
