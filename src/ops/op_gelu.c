/* Gelu: x times the standard normal distribution's share below x, exactly or by its tanh approximation.
 *
 * Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv 1606.08415; https://onnx.ai/onnx/operators/onnx__Gelu.html
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <tgmath.h>

#include "ops/op-helpers.h"

static gboolean infer(SthNode *node, GError **error)
{
    const char *approximate = sth_node_string(node, "approximate", "none");
    if (strcmp(approximate, "none") != 0 && strcmp(approximate, "tanh") != 0)
        return sth_op_error(node, error, "approximate='%s' is not supported; 'none' and 'tanh' are", approximate);
    if (!sth_op_require_types(node, 0, STH_TYPES_REAL, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    gboolean *by_tanh = g_new(gboolean, 1);
    *by_tanh = strcmp(sth_node_string(node, "approximate", "none"), "tanh") == 0;
    node->prepared = by_tanh;
    return TRUE;
}

#define SQRT_2_OVER_PI 0.7978845608028654
#define SQRT_HALF 0.7071067811865476
#define BY_TANH x *(1 + tanh((type)SQRT_2_OVER_PI * (x + (type)0.044715 * x * x * x))) / 2
#define BY_ERF x *(1 + erf(x * (type)SQRT_HALF)) / 2

#define LOOP(name, type_, wide, ...)                                                                                                                 \
    case STH_DTYPE_##name: {                                                                                                                         \
        typedef type_ type;                                                                                                                          \
        const type *in = (const type *)run->in[0].data + from;                                                                                       \
        type *out = (type *)run->out[0].data + from;                                                                                                 \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            type x = in[i];                                                                                                                          \
            out[i] = by_tanh ? BY_TANH : BY_ERF;                                                                                                     \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

static void apply(const SthOpRun *run, gsize from, gsize n)
{
    const gboolean by_tanh = *(const gboolean *)run->prepared;
    switch (run->in[0].dtype) {
        STH_EACH_REAL(LOOP, )
    default:
        break;
    }
}

static void run_gelu(const SthOpRun *run)
{
    sth_op_elementwise(run, apply);
}

extern const SthOp sth_op_gelu;
const SthOp sth_op_gelu = {
    .name = "Gelu", .since = 20, .flags = STH_OP_INPLACE_0, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_gelu};
