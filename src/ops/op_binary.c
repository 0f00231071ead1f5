/* Elementwise operators of two inputs that broadcast, and their relatives of any number: arithmetic, comparison, logic. One row each at the end.
 *
 * Definitions: https://onnx.ai/onnx/operators/ under each operator's name; broadcasting as NumPy does it (Broadcasting.md).
 * Integers wrap around; an integer divided by zero gives zero (ONNX leaves it open).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* How a node of opset 6 says which axes its second input has; later, the last ones always. */
static gboolean check_legacy_broadcast(SthNode *node, GError **error)
{
    if (node->opset >= 7 || !sth_node_has(node, "axis"))
        return TRUE;
    guint suffix = sth_op_in(node, 0)->shape.rank - sth_op_in(node, 1)->shape.rank;
    if (sth_node_int(node, "axis", 0) == (gint64)suffix)
        return TRUE;
    return sth_op_error(node, error, "broadcasting by the attribute 'axis' (before opset 7) is supported for the last axes alone");
}

static gboolean infer_shapes(SthNode *node, guint types, SthDType result, GError **error)
{
    if (!sth_op_require_types(node, 0, types, error))
        return FALSE;
    SthShape shape = sth_op_in(node, 0)->shape;
    for (guint i = 1; i < node->inputs->len; i++) {
        if (!sth_op_require_types(node, i, types, error) || !sth_op_require_same_type(node, 0, i, error) ||
            !sth_op_broadcast(node, &shape, &sth_op_in(node, i)->shape, &shape, error) || !check_legacy_broadcast(node, error))
            return FALSE;
    }
    sth_op_set_output(node, 0, result != STH_DTYPE_INVALID ? result : sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

/* One walk for two inputs: both, then the result so far and the next one. */
static gboolean prepare_walks(SthNode *node)
{
    const SthShape *out = &sth_node_output(node, 0)->tensor.shape;
    guint n = node->inputs->len;
    SthBroadcast *plans = g_new0(SthBroadcast, MAX(n, 2) - 1);
    for (guint i = 0; i + 1 < MAX(n, 2); i++) {
        const SthShape *in[2] = {i == 0 ? &sth_op_in(node, 0)->shape : out, n > 1 ? &sth_op_in(node, i + 1)->shape : out};
        sth_broadcast_plan(&plans[i], out, in, 2);
    }
    node->prepared = plans;
    return TRUE;
}

/* Inputs 0 and 1, then the output as first input with each further one. Not in place: an input may be named twice. */
static void run_walks(const SthOpRun *run, SthBroadcastRun func)
{
    const SthBroadcast *plans = run->prepared;
    if (run->n_in == 1) {
        memcpy(run->out[0].data, run->in[0].data, sth_tensor_bytes(&run->out[0]));
        return;
    }
    SthTensor in[2] = {run->in[0], run->in[1]};
    SthOpRun step = *run;
    step.in = in;
    step.n_in = 2;
    sth_broadcast_run(&step, &plans[0], func);
    in[0] = run->out[0];
    for (guint i = 2; i < run->n_in; i++) {
        in[1] = run->in[i];
        sth_broadcast_run(&step, &plans[i - 1], func);
    }
}

static inline gint64 divide(gint64 a, gint64 b)
{
    return b == 0 ? 0 : b == -1 ? (gint64)(0 - (guint64)a) : a / b;
}

static inline guint64 divide_unsigned(guint64 a, guint64 b)
{
    return b == 0 ? 0 : a / b;
}

/* Three loops, so that the compiler makes vector code of each. */
#define STH_LOOP(dtype, type, wide, result, EXPRESSION)                                                                                              \
    case dtype: {                                                                                                                                    \
        const type *pa = (const type *)run->in[0].data + in[0], *pb = (const type *)run->in[1].data + in[1];                                         \
        result *po = (result *)run->out[0].data + out;                                                                                               \
        if (step[0] != 0 && step[1] != 0) {                                                                                                          \
            for (gsize i = 0; i < n; i++) {                                                                                                          \
                G_GNUC_UNUSED wide a = (wide)pa[i], b = (wide)pb[i];                                                                                 \
                po[i] = (result)(EXPRESSION);                                                                                                        \
            }                                                                                                                                        \
        } else if (step[0] != 0) {                                                                                                                   \
            G_GNUC_UNUSED wide b = (wide)pb[0];                                                                                                      \
            for (gsize i = 0; i < n; i++) {                                                                                                          \
                wide a = (wide)pa[i];                                                                                                                \
                po[i] = (result)(EXPRESSION);                                                                                                        \
            }                                                                                                                                        \
        } else {                                                                                                                                     \
            wide a = (wide)pa[0];                                                                                                                    \
            for (gsize i = 0; i < n; i++) {                                                                                                          \
                G_GNUC_UNUSED wide b = (wide)pb[i * step[1]];                                                                                        \
                po[i] = (result)(EXPRESSION);                                                                                                        \
            }                                                                                                                                        \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

#define STH_ROW(ident, op_name, oldest, op_flags, least, most, types, result)                                                                        \
    static void run_##ident(const SthOpRun *run)                                                                                                     \
    {                                                                                                                                                \
        run_walks(run, walk_##ident);                                                                                                                \
    }                                                                                                                                                \
    static gboolean infer_##ident(SthNode *node, GError **error)                                                                                     \
    {                                                                                                                                                \
        return infer_shapes(node, types, result, error);                                                                                             \
    }                                                                                                                                                \
    static gboolean prepare_##ident(SthNode *node, GError **error)                                                                                   \
    {                                                                                                                                                \
        return prepare_walks(node);                                                                                                                  \
    }                                                                                                                                                \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {                                                                                                                   \
        .name = op_name,                                                                                                                             \
        .since = oldest,                                                                                                                             \
        .flags = op_flags,                                                                                                                           \
        .min_in = least,                                                                                                                             \
        .max_in = most,                                                                                                                              \
        .infer = infer_##ident,                                                                                                                      \
        .prepare = prepare_##ident,                                                                                                                  \
        .run = run_##ident,                                                                                                                          \
    };

/* Numbers: floats, signed and unsigned integers. The result is of the inputs' type. */
#define STH_ARITHMETIC(ident, op_name, oldest, least, most, REAL, INTEGER, UNSIGNED)                                                                 \
    static void walk_##ident(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)                                            \
    {                                                                                                                                                \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_LOOP(STH_DTYPE_FLOAT, float, float, float, REAL)                                                                                     \
            STH_LOOP(STH_DTYPE_DOUBLE, double, double, double, REAL)                                                                                 \
            STH_LOOP(STH_DTYPE_INT8, gint8, gint64, gint8, INTEGER)                                                                                  \
            STH_LOOP(STH_DTYPE_INT16, gint16, gint64, gint16, INTEGER)                                                                               \
            STH_LOOP(STH_DTYPE_INT32, gint32, gint64, gint32, INTEGER)                                                                               \
            STH_LOOP(STH_DTYPE_INT64, gint64, gint64, gint64, INTEGER)                                                                               \
            STH_LOOP(STH_DTYPE_UINT8, guint8, guint64, guint8, UNSIGNED)                                                                             \
            STH_LOOP(STH_DTYPE_UINT16, guint16, guint64, guint16, UNSIGNED)                                                                          \
            STH_LOOP(STH_DTYPE_UINT32, guint32, guint64, guint32, UNSIGNED)                                                                          \
            STH_LOOP(STH_DTYPE_UINT64, guint64, guint64, guint64, UNSIGNED)                                                                          \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    STH_ROW(ident, op_name, oldest, least == 2 ? STH_OP_INPLACE_0 | STH_OP_INPLACE_1 : 0, least, most, STH_TYPES_NUMBER, STH_DTYPE_INVALID)

/* Numbers in, bool out. */
#define STH_COMPARISON(ident, op_name, oldest, types, EXPRESSION)                                                                                    \
    static void walk_##ident(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)                                            \
    {                                                                                                                                                \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_LOOP(STH_DTYPE_FLOAT, float, float, guint8, EXPRESSION)                                                                              \
            STH_LOOP(STH_DTYPE_DOUBLE, double, double, guint8, EXPRESSION)                                                                           \
            STH_LOOP(STH_DTYPE_INT8, gint8, gint8, guint8, EXPRESSION)                                                                               \
            STH_LOOP(STH_DTYPE_INT16, gint16, gint16, guint8, EXPRESSION)                                                                            \
            STH_LOOP(STH_DTYPE_INT32, gint32, gint32, guint8, EXPRESSION)                                                                            \
            STH_LOOP(STH_DTYPE_INT64, gint64, gint64, guint8, EXPRESSION)                                                                            \
            STH_LOOP(STH_DTYPE_UINT8, guint8, guint8, guint8, EXPRESSION)                                                                            \
            STH_LOOP(STH_DTYPE_UINT16, guint16, guint16, guint8, EXPRESSION)                                                                         \
            STH_LOOP(STH_DTYPE_UINT32, guint32, guint32, guint8, EXPRESSION)                                                                         \
            STH_LOOP(STH_DTYPE_UINT64, guint64, guint64, guint8, EXPRESSION)                                                                         \
            STH_LOOP(STH_DTYPE_BOOL, guint8, guint8, guint8, EXPRESSION)                                                                             \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    STH_ROW(ident, op_name, oldest, 0, 2, 2, types, STH_DTYPE_BOOL)

#define STH_LOGIC(ident, op_name, EXPRESSION)                                                                                                        \
    static void walk_##ident(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)                                            \
    {                                                                                                                                                \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_LOOP(STH_DTYPE_BOOL, guint8, guint8, guint8, EXPRESSION)                                                                             \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    STH_ROW(ident, op_name, 7, 0, 2, 2, STH_TYPES_BOOL, STH_DTYPE_BOOL)

#define WRAP(a, sign, b) ((gint64)((guint64)(a)sign(guint64)(b)))
#define MINIMUM(a, b) (a < b ? a : b)
#define MAXIMUM(a, b) (a > b ? a : b)

STH_ARITHMETIC(sub, "Sub", 6, 2, 2, a - b, WRAP(a, -, b), a - b)
STH_ARITHMETIC(mul, "Mul", 6, 2, 2, a *b, WRAP(a, *, b), a *b)
STH_ARITHMETIC(div, "Div", 6, 2, 2, a / b, divide(a, b), divide_unsigned(a, b))
STH_ARITHMETIC(min, "Min", 6, 1, G_MAXUINT, a != a ? a : MINIMUM(a, b), MINIMUM(a, b), MINIMUM(a, b))
STH_ARITHMETIC(max, "Max", 6, 1, G_MAXUINT, a != a ? a : MAXIMUM(a, b), MAXIMUM(a, b), MAXIMUM(a, b))
STH_ARITHMETIC(sum, "Sum", 6, 1, G_MAXUINT, a + b, WRAP(a, +, b), a + b)
/* b is the slope. */
STH_ARITHMETIC(prelu, "PRelu", 7, 2, 2, a < 0 ? a * b : a, a < 0 ? WRAP(a, *, b) : a, a)

STH_COMPARISON(equal, "Equal", 7, STH_TYPES_NUMBER | STH_TYPES_BOOL, a == b)
STH_COMPARISON(less, "Less", 7, STH_TYPES_NUMBER, a < b)
STH_COMPARISON(greater, "Greater", 7, STH_TYPES_NUMBER, a > b)
STH_COMPARISON(less_or_equal, "LessOrEqual", 12, STH_TYPES_NUMBER, a <= b)
STH_COMPARISON(greater_or_equal, "GreaterOrEqual", 12, STH_TYPES_NUMBER, a >= b)

STH_LOGIC(and, "And", a &b)
STH_LOGIC(or, "Or", a | b)
STH_LOGIC(xor, "Xor", a ^ b)
