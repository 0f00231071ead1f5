/* Elementwise operators of one input: one row each in the table at the end.
 *
 * Definitions: https://onnx.ai/onnx/operators/ under each operator's name.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <tgmath.h>

#include "ops/op-helpers.h"

/* Two attributes, named by the row. */
typedef struct {
    float a, b;
} Parameters;

static gboolean infer_types(SthNode *node, guint types, GError **error)
{
    if (!sth_op_require_types(node, 0, types, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

/* out[i] = EXPRESSION of x, which is in[i]; @wide is the type that it is computed in: a function of <tgmath.h> takes that type. */
#define LOOP(name, type, wide, EXPRESSION)                                                                                                           \
    case STH_DTYPE_##name: {                                                                                                                         \
        const type *in = (const type *)run->in[0].data + from;                                                                                       \
        type *out = (type *)run->out[0].data + from;                                                                                                 \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            wide x = (wide)in[i];                                                                                                                    \
            out[i] = (type)(EXPRESSION);                                                                                                             \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

#define ROW(ident, op_name, oldest, types, a_name, a_default, b_name, b_default, CASES)                                                              \
    static void apply_##ident(const SthOpRun *run, gsize from, gsize n)                                                                              \
    {                                                                                                                                                \
        G_GNUC_UNUSED const float a = ((const Parameters *)run->prepared)->a, b = ((const Parameters *)run->prepared)->b;                            \
        switch (run->in[0].dtype) {                                                                                                                  \
            CASES                                                                                                                                    \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    static void run_##ident(const SthOpRun *run)                                                                                                     \
    {                                                                                                                                                \
        sth_op_elementwise(run, apply_##ident);                                                                                                      \
    }                                                                                                                                                \
    static gboolean infer_##ident(SthNode *node, GError **error)                                                                                     \
    {                                                                                                                                                \
        return infer_types(node, types, error);                                                                                                      \
    }                                                                                                                                                \
    static gboolean prepare_##ident(SthNode *node, GError **error)                                                                                   \
    {                                                                                                                                                \
        Parameters *p = g_new(Parameters, 1);                                                                                                        \
        *p = (Parameters){sth_node_float(node, a_name, a_default), sth_node_float(node, b_name, b_default)};                                         \
        node->prepared = p;                                                                                                                          \
        return TRUE;                                                                                                                                 \
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

/* Floats. */
#define STH_UNARY(ident, op_name, oldest, EXPRESSION) ROW(ident, op_name, oldest, STH_TYPES_REAL, "", 0, "", 0, STH_EACH_REAL(LOOP, EXPRESSION))
/* Floats, with attributes a and b: their names and defaults. */
#define STH_UNARY_A(ident, op_name, oldest, a_name, a_default, EXPRESSION)                                                                           \
    ROW(ident, op_name, oldest, STH_TYPES_REAL, a_name, a_default, "", 0, STH_EACH_REAL(LOOP, EXPRESSION))
#define STH_UNARY_AB(ident, op_name, oldest, a_name, a_default, b_name, b_default, EXPRESSION)                                                       \
    ROW(ident, op_name, oldest, STH_TYPES_REAL, a_name, a_default, b_name, b_default, STH_EACH_REAL(LOOP, EXPRESSION))
/* Numbers; integers wrap. */
#define STH_UNARY_NUMBER(ident, op_name, oldest, REAL, SIGNED, UNSIGNED)                                                                             \
    ROW(ident, op_name, oldest, STH_TYPES_NUMBER, "", 0, "", 0,                                                                                      \
        STH_EACH_REAL(LOOP, REAL) STH_EACH_SIGNED(LOOP, SIGNED) STH_EACH_UNSIGNED(LOOP, UNSIGNED))

#define NEGATIVE(x) ((gint64)(0 - (guint64)(x)))
#define ABOVE_0(x) ((x) > 0 ? (x) : 0)
#define CLIP_01(x) ((x) > 1 ? 1 : (x) > 0 ? (x) : 0)
#define SOFTPLUS(x) (ABOVE_0(x) + log1p(exp(-fabs(x))))

STH_UNARY_NUMBER(relu, "Relu", 6, ABOVE_0(x), ABOVE_0(x), x)
STH_UNARY_NUMBER(neg, "Neg", 6, -x, NEGATIVE(x), -x)
STH_UNARY_NUMBER(abs, "Abs", 6, fabs(x), x < 0 ? NEGATIVE(x) : x, x)
STH_UNARY_NUMBER(sign, "Sign", 9, x > 0 ? 1 : x < 0 ? -1 : x, (x > 0) - (x < 0), x > 0)

STH_UNARY(sigmoid, "Sigmoid", 6, 1 / (1 + exp(-x)))
STH_UNARY(exp, "Exp", 6, exp(x))
STH_UNARY(log, "Log", 6, log(x))
STH_UNARY(sqrt, "Sqrt", 6, sqrt(x))
STH_UNARY(reciprocal, "Reciprocal", 6, 1 / x)
STH_UNARY(erf, "Erf", 9, erf(x))
STH_UNARY(floor, "Floor", 6, floor(x))
STH_UNARY(ceil, "Ceil", 6, ceil(x))
STH_UNARY(round, "Round", 11, rint(x)) /* halves to even */
STH_UNARY(sin, "Sin", 7, sin(x))
STH_UNARY(cos, "Cos", 7, cos(x))
STH_UNARY(tan, "Tan", 7, tan(x))
STH_UNARY(asin, "Asin", 7, asin(x))
STH_UNARY(acos, "Acos", 7, acos(x))
STH_UNARY(atan, "Atan", 7, atan(x))
STH_UNARY(sinh, "Sinh", 9, sinh(x))
STH_UNARY(cosh, "Cosh", 9, cosh(x))
STH_UNARY(tanh, "Tanh", 6, tanh(x))
STH_UNARY(asinh, "Asinh", 9, asinh(x))
STH_UNARY(acosh, "Acosh", 9, acosh(x))
STH_UNARY(atanh, "Atanh", 9, atanh(x))
STH_UNARY(hard_swish, "HardSwish", 14, x *CLIP_01(x / 6 + (float)0.5))
STH_UNARY(mish, "Mish", 18, x *tanh(SOFTPLUS(x)))
STH_UNARY(softplus, "Softplus", 1, SOFTPLUS(x))
STH_UNARY(softsign, "Softsign", 1, x / (1 + fabs(x)))

STH_UNARY_A(celu, "Celu", 12, "alpha", 1, x > 0 ? x : a * expm1(x / a))
STH_UNARY_A(elu, "Elu", 6, "alpha", 1, x > 0 ? x : a * expm1(x))
STH_UNARY_A(leaky_relu, "LeakyRelu", 6, "alpha", 0.01f, x < 0 ? a * x : x)
STH_UNARY_A(thresholded_relu, "ThresholdedRelu", 10, "alpha", 1, x > a ? x : 0)
STH_UNARY_AB(hard_sigmoid, "HardSigmoid", 6, "alpha", 0.2f, "beta", 0.5f, CLIP_01(a *x + b))
STH_UNARY_AB(selu, "Selu", 6, "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f, b *(x > 0 ? x : a * expm1(x)))
STH_UNARY_AB(shrink, "Shrink", 9, "lambd", 0.5f, "bias", 0, x<-a ? x + b : x> a ? x - b : 0)
