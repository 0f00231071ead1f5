/* IsNaN and IsInf.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

static gboolean infer(SthNode *node, GError **error)
{
    if (!sth_op_require_types(node, 0, STH_TYPES_REAL, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_BOOL, &sth_op_in(node, 0)->shape);
    return TRUE;
}

#define LOOP(name, type, wide, TEST)                                                                                                                 \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = from; i < from + n; i++) {                                                                                                    \
            type x = ((const type *)run->in[0].data)[i];                                                                                             \
            ((guint8 *)run->out[0].data)[i] = (TEST) ? 1 : 0;                                                                                        \
        }                                                                                                                                            \
        break;

static void apply_is_nan(const SthOpRun *run, gsize from, gsize n)
{
    switch (run->in[0].dtype) {
        STH_EACH_REAL(LOOP, isnan(x))
    default:
        break;
    }
}

static void run_is_nan(const SthOpRun *run)
{
    sth_op_elementwise(run, apply_is_nan);
}

extern const SthOp sth_op_is_nan;
const SthOp sth_op_is_nan = {.name = "IsNaN", .since = 9, .min_in = 1, .max_in = 1, .infer = infer, .run = run_is_nan};

/* Which infinities count. */
typedef struct {
    gboolean negative, positive;
} Wanted;

static gboolean prepare_is_inf(SthNode *node, GError **error)
{
    Wanted *wanted = g_new(Wanted, 1);
    *wanted = (Wanted){sth_node_int(node, "detect_negative", 1) != 0, sth_node_int(node, "detect_positive", 1) != 0};
    node->prepared = wanted;
    return TRUE;
}

static void apply_is_inf(const SthOpRun *run, gsize from, gsize n)
{
    const Wanted wanted = *(const Wanted *)run->prepared;
    switch (run->in[0].dtype) {
        STH_EACH_REAL(LOOP, isinf(x) && (x < 0 ? wanted.negative : wanted.positive))
    default:
        break;
    }
}

static void run_is_inf(const SthOpRun *run)
{
    sth_op_elementwise(run, apply_is_inf);
}

extern const SthOp sth_op_is_inf;
const SthOp sth_op_is_inf = {.name = "IsInf", .since = 10, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare_is_inf, .run = run_is_inf};
