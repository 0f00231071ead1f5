/* Elementwise operators of two inputs that broadcast, and their relatives of any number: arithmetic, comparison, logic. One row each at the end.
 *
 * Definitions: https://onnx.ai/onnx/operators/ under each operator's name; broadcasting as NumPy does it (Broadcasting.md).
 * Integers wrap around; an integer divided by zero, or the rest of it, is zero (ONNX leaves it open).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <tgmath.h>

#include "ops/op-helpers.h"

/* Before opset 7 the last axes of input 0 were meant, or those that 'axis' told; PRelu's slopes belonged to the channels. */
static gint64 legacy_axis(const SthNode *node)
{
    return strcmp(node->op_type, "PRelu") == 0 ? 1 : -1;
}

static gboolean infer_shapes(SthNode *node, guint types, SthDType result, GError **error)
{
    if (!sth_op_require_types(node, 0, types, error))
        return FALSE;
    SthShape shape = sth_op_in(node, 0)->shape;
    for (guint i = 1; i < node->inputs->len; i++) {
        if (!sth_op_require_types(node, i, types, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
        SthShape next = i == 1 ? sth_op_second_shape(node, legacy_axis(node)) : sth_op_in(node, i)->shape;
        if (!sth_op_broadcast(node, &shape, &next, &shape, error))
            return FALSE;
    }
    sth_op_set_output(node, 0, result != STH_DTYPE_INVALID ? result : sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

/* One walk for two inputs: both, then the result so far and the next one. */
typedef struct {
    gboolean fmod; /* of Mod: the rest has the sign of the dividend, as in C */
    SthBroadcast plan[];
} Walks;

static gboolean prepare_walks(SthNode *node)
{
    const SthShape *out = &sth_node_output(node, 0)->tensor.shape;
    guint n = node->inputs->len;
    Walks *walks = g_malloc0(sizeof *walks + MAX(n, 2) * sizeof *walks->plan);
    walks->fmod = sth_node_int(node, "fmod", 0) != 0;
    for (guint i = 1; i < n; i++) {
        SthShape next = i == 1 ? sth_op_second_shape(node, legacy_axis(node)) : sth_op_in(node, i)->shape;
        const SthShape *in[2] = {i == 1 ? &sth_op_in(node, 0)->shape : out, &next};
        sth_broadcast_plan(&walks->plan[i - 1], out, in, 2);
    }
    node->prepared = walks;
    return TRUE;
}

/* Inputs 0 and 1, then the output as first input with each further one. */
static void run_walks(const SthOpRun *run, SthBroadcastRun func)
{
    const Walks *walks = run->prepared;
    if (run->n_in == 1) {
        memcpy(run->out[0].data, run->in[0].data, sth_tensor_bytes(&run->out[0]));
        return;
    }
    SthTensor in[2] = {run->in[0], run->in[1]};
    SthOpRun step = *run;
    step.in = in;
    step.n_in = 2;
    sth_broadcast_run(&step, &walks->plan[0], func);
    in[0] = run->out[0];
    for (guint i = 2; i < run->n_in; i++) {
        in[1] = run->in[i];
        sth_broadcast_run(&step, &walks->plan[i - 1], func);
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

/* Integers: of the divisor's sign, as in Python, or of the dividend's. */
static inline gint64 rest(gint64 a, gint64 b, gboolean fmod)
{
    gint64 r = b == 0 || b == -1 ? 0 : a % b;
    return !fmod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* Three loops, so that the compiler makes vector code of each. */
#define LOOP(name, type, wide, result, EXPRESSION)                                                                                                   \
    case STH_DTYPE_##name: {                                                                                                                         \
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

#define SAME(name, type, wide, EXPRESSION) LOOP(name, type, wide, type, EXPRESSION)
#define TRUTH(name, type, wide, EXPRESSION) LOOP(name, type, wide, guint8, EXPRESSION)

#define WALK(ident, CASES)                                                                                                                           \
    static void walk_##ident(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)                                            \
    {                                                                                                                                                \
        switch (run->in[0].dtype) {                                                                                                                  \
            CASES                                                                                                                                    \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
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

/* Where two inputs are all, the result may stand in the place of one: it has each element's own place. Further inputs may be the first again. */
#define IN_PLACE(most) ((most) == 2 ? STH_OP_INPLACE_0 | STH_OP_INPLACE_1 : 0)

/* Numbers: floats, signed and unsigned integers. The result is of the inputs' type. */
#define STH_ARITHMETIC(ident, op_name, oldest, least, most, REAL, SIGNED, UNSIGNED)                                                                  \
    WALK(ident, STH_EACH_REAL(SAME, REAL) STH_EACH_SIGNED(SAME, SIGNED) STH_EACH_UNSIGNED(SAME, UNSIGNED))                                           \
    STH_ROW(ident, op_name, oldest, IN_PLACE(most), least, most, STH_TYPES_NUMBER, STH_DTYPE_INVALID)

#define STH_COMPARISON(ident, op_name, oldest, types, EXPRESSION)                                                                                    \
    WALK(ident, STH_EACH_NUMBER(TRUTH, EXPRESSION) TRUTH(BOOL, guint8, guint8, EXPRESSION))                                                          \
    STH_ROW(ident, op_name, oldest, 0, 2, 2, types, STH_DTYPE_BOOL)

#define STH_LOGIC(ident, op_name, EXPRESSION)                                                                                                        \
    WALK(ident, SAME(BOOL, guint8, guint8, EXPRESSION))                                                                                              \
    STH_ROW(ident, op_name, 1, IN_PLACE(2), 2, 2, STH_TYPES_BOOL, STH_DTYPE_BOOL)

#define WRAP(a, sign, b) ((gint64)((guint64)(a)sign(guint64)(b)))
#define MINIMUM(a, b) (a < b ? a : b)
#define MAXIMUM(a, b) (a > b ? a : b)
#define FMOD ((const Walks *)run->prepared)->fmod

STH_ARITHMETIC(sub, "Sub", 6, 2, 2, a - b, WRAP(a, -, b), a - b)
STH_ARITHMETIC(mul, "Mul", 6, 2, 2, a *b, WRAP(a, *, b), a *b)
STH_ARITHMETIC(div, "Div", 6, 2, 2, a / b, divide(a, b), divide_unsigned(a, b))
STH_ARITHMETIC(mod, "Mod", 10, 2, 2, fmod(a, b), rest(a, b, FMOD), b == 0 ? 0 : a % b)
STH_ARITHMETIC(min, "Min", 6, 1, G_MAXUINT, a != a ? a : MINIMUM(a, b), MINIMUM(a, b), MINIMUM(a, b))
STH_ARITHMETIC(max, "Max", 6, 1, G_MAXUINT, a != a ? a : MAXIMUM(a, b), MAXIMUM(a, b), MAXIMUM(a, b))
STH_ARITHMETIC(sum, "Sum", 6, 1, G_MAXUINT, a + b, WRAP(a, +, b), a + b)
/* b is the slope. */
STH_ARITHMETIC(prelu, "PRelu", 6, 2, 2, a < 0 ? a * b : a, a < 0 ? WRAP(a, *, b) : a, a)

STH_COMPARISON(equal, "Equal", 1, STH_TYPES_NUMBER | STH_TYPES_BOOL, a == b)
STH_COMPARISON(less, "Less", 1, STH_TYPES_NUMBER, a < b)
STH_COMPARISON(greater, "Greater", 1, STH_TYPES_NUMBER, a > b)
STH_COMPARISON(less_or_equal, "LessOrEqual", 12, STH_TYPES_NUMBER, a <= b)
STH_COMPARISON(greater_or_equal, "GreaterOrEqual", 12, STH_TYPES_NUMBER, a >= b)

STH_LOGIC(and, "And", a &b)
STH_LOGIC(or, "Or", a | b)
STH_LOGIC(xor, "Xor", a ^ b)

#define DIVIDE_ALL(name, type, unused, ...)                                                                                                          \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = from; i < from + n; i++)                                                                                                      \
            ((type *)run->out[0].data)[i] /= (type)run->n_in;                                                                                        \
        break;

static void divide_by_inputs(const SthOpRun *run, gsize from, gsize n)
{
    switch (run->out[0].dtype) {
        STH_EACH_REAL(DIVIDE_ALL, )
    default:
        break;
    }
}

static gboolean infer_mean(SthNode *node, GError **error)
{
    return infer_shapes(node, STH_TYPES_REAL, STH_DTYPE_INVALID, error);
}

static void run_mean(const SthOpRun *run)
{
    run_walks(run, walk_sum);
    sth_op_elementwise(run, divide_by_inputs);
}

extern const SthOp sth_op_mean;
const SthOp sth_op_mean = {
    .name = "Mean", .since = 6, .min_in = 1, .max_in = G_MAXUINT, .infer = infer_mean, .prepare = prepare_sum, .run = run_mean};
