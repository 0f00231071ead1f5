/* Elementwise operators of one input: one row each in the table at the end.
 *
 * Definitions: https://onnx.ai/onnx/operators/ under each operator's name.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

/* alpha and beta: attributes of these names, with the row's defaults. */
typedef struct {
    float alpha, beta;
} Parameters;

typedef struct {
    const SthOpRun *run;
    void (*apply)(const SthOpRun *run, gsize from, gsize n);
    gsize total;
} Parts;

static void run_part(gpointer data, guint item, guint thread)
{
    const Parts *parts = data;
    gsize from = (gsize)item * STH_OP_CHUNK;
    parts->apply(parts->run, from, MIN(STH_OP_CHUNK, parts->total - from));
}

static void run_parts(const SthOpRun *run, void (*apply)(const SthOpRun *run, gsize from, gsize n))
{
    Parts parts = {run, apply, (gsize)sth_shape_elements(&run->out[0].shape)};
    sth_op_parallel(run, run_part, &parts, (guint)((parts.total + STH_OP_CHUNK - 1) / STH_OP_CHUNK));
}

static gboolean infer_types(SthNode *node, guint types, GError **error)
{
    if (!sth_op_require_types(node, 0, types, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare_parameters(SthNode *node, float alpha, float beta)
{
    Parameters *p = g_new(Parameters, 1);
    p->alpha = sth_node_float(node, "alpha", alpha);
    p->beta = sth_node_float(node, sth_node_has(node, "gamma") ? "gamma" : "beta", beta);
    node->prepared = p;
    return TRUE;
}

static inline float relu(float x)
{
    return x > 0 ? x : 0;
}

static inline float clip01(float x)
{
    return x > 1 ? 1 : x > 0 ? x : 0;
}

static inline float softplus(float x)
{
    return relu(x) + log1pf(expf(-fabsf(x)));
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* STH_LOOP: out[i] = EXPRESSION of x, which is in[i]; @wide is the type that it is computed in. */
#define STH_LOOP(dtype, type, wide, EXPRESSION)                                                                                                      \
    case dtype: {                                                                                                                                    \
        const type *in = (const type *)run->in[0].data + from;                                                                                       \
        type *out = (type *)run->out[0].data + from;                                                                                                 \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            wide x = (wide)in[i];                                                                                                                    \
            out[i] = (type)(EXPRESSION);                                                                                                             \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

#define STH_ROW(ident, op_name, oldest, types, alpha, beta)                                                                                          \
    static void run_##ident(const SthOpRun *run)                                                                                                     \
    {                                                                                                                                                \
        run_parts(run, apply_##ident);                                                                                                               \
    }                                                                                                                                                \
    static gboolean infer_##ident(SthNode *node, GError **error)                                                                                     \
    {                                                                                                                                                \
        return infer_types(node, types, error);                                                                                                      \
    }                                                                                                                                                \
    static gboolean prepare_##ident(SthNode *node, GError **error)                                                                                   \
    {                                                                                                                                                \
        return prepare_parameters(node, alpha, beta);                                                                                                \
    }                                                                                                                                                \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {                                                                                                                   \
        .name = op_name,                                                                                                                             \
        .since = oldest,                                                                                                                             \
        .flags = STH_OP_INPLACE_0,                                                                                                                   \
        .min_in = 1,                                                                                                                                 \
        .max_in = 1,                                                                                                                                 \
        .infer = infer_##ident,                                                                                                                      \
        .prepare = prepare_##ident,                                                                                                                  \
        .run = run_##ident,                                                                                                                          \
    };

/* float32; a and b are alpha and beta. */
#define STH_UNARY(ident, op_name, oldest, default_alpha, default_beta, EXPRESSION)                                                                   \
    static void apply_##ident(const SthOpRun *run, gsize from, gsize n)                                                                              \
    {                                                                                                                                                \
        G_GNUC_UNUSED const float a = ((const Parameters *)run->prepared)->alpha, b = ((const Parameters *)run->prepared)->beta;                     \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_LOOP(STH_DTYPE_FLOAT, float, float, EXPRESSION)                                                                                      \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    STH_ROW(ident, op_name, oldest, STH_TYPES_FLOAT, default_alpha, default_beta)

/* Signed numbers; integers wrap. */
#define STH_UNARY_SIGNED(ident, op_name, oldest, REAL, INTEGER)                                                                                      \
    static void apply_##ident(const SthOpRun *run, gsize from, gsize n)                                                                              \
    {                                                                                                                                                \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_LOOP(STH_DTYPE_FLOAT, float, float, REAL)                                                                                            \
            STH_LOOP(STH_DTYPE_DOUBLE, double, double, REAL)                                                                                         \
            STH_LOOP(STH_DTYPE_INT8, gint8, gint64, INTEGER)                                                                                         \
            STH_LOOP(STH_DTYPE_INT16, gint16, gint64, INTEGER)                                                                                       \
            STH_LOOP(STH_DTYPE_INT32, gint32, gint64, INTEGER)                                                                                       \
            STH_LOOP(STH_DTYPE_INT64, gint64, gint64, INTEGER)                                                                                       \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    STH_ROW(ident, op_name, oldest, STH_TYPES_SIGNED, 0, 0)

STH_UNARY_SIGNED(relu, "Relu", 6, x > 0 ? x : 0, x > 0 ? x : 0)
STH_UNARY_SIGNED(neg, "Neg", 6, -x, (gint64)(0 - (guint64)x))
STH_UNARY_SIGNED(abs, "Abs", 6, x < 0 ? -x : x, x < 0 ? (gint64)(0 - (guint64)x) : x)
STH_UNARY_SIGNED(sign, "Sign", 9, x > 0 ? 1 : x < 0 ? -1 : x, (x > 0) - (x < 0))

STH_UNARY(sigmoid, "Sigmoid", 6, 0, 0, sigmoid(x))
STH_UNARY(tanh, "Tanh", 6, 0, 0, tanhf(x))
STH_UNARY(exp, "Exp", 6, 0, 0, expf(x))
STH_UNARY(log, "Log", 6, 0, 0, logf(x))
STH_UNARY(sqrt, "Sqrt", 6, 0, 0, sqrtf(x))
STH_UNARY(reciprocal, "Reciprocal", 6, 0, 0, 1.0f / x)
STH_UNARY(erf, "Erf", 9, 0, 0, erff(x))
STH_UNARY(floor, "Floor", 6, 0, 0, floorf(x))
STH_UNARY(ceil, "Ceil", 6, 0, 0, ceilf(x))
STH_UNARY(round, "Round", 11, 0, 0, rintf(x))
STH_UNARY(hard_sigmoid, "HardSigmoid", 6, 0.2f, 0.5f, clip01(a *x + b))
STH_UNARY(hard_swish, "HardSwish", 14, 0, 0, x *clip01(x *(1.0f / 6.0f) + 0.5f))
STH_UNARY(leaky_relu, "LeakyRelu", 6, 0.01f, 0, x < 0 ? a * x : x)
STH_UNARY(elu, "Elu", 6, 1.0f, 0, x < 0 ? a * expm1f(x) : x)
STH_UNARY(celu, "Celu", 12, 1.0f, 0, relu(x) + (x < 0 ? a * expm1f(x / a) : 0))
/* beta stands for gamma. */
STH_UNARY(selu, "Selu", 6, 1.67326319217681884765625f, 1.05070102214813232421875f, b *(x > 0 ? x : a * expm1f(x)))
STH_UNARY(softplus, "Softplus", 1, 0, 0, softplus(x))
STH_UNARY(softsign, "Softsign", 1, 0, 0, x / (1.0f + fabsf(x)))
