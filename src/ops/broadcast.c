/* Walks over inputs that broadcast to one shape.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

void sth_broadcast_plan(SthBroadcast *plan, const SthShape *out, const SthShape *const *in, guint n_in)
{
    *plan = (SthBroadcast){.n_in = n_in};
    guint last_pattern = 0;
    for (guint axis = 0; axis < out->rank; axis++) {
        guint pattern = 0; /* inputs that move along this axis, a bit each */
        if (out->dims[axis] == 1)
            continue;
        for (guint i = 0; i < n_in; i++) {
            guint missing = out->rank - in[i]->rank;
            if (axis >= missing && in[i]->dims[axis - missing] != 1)
                pattern |= 1u << i;
        }
        if (plan->rank > 0 && pattern == last_pattern)
            plan->dims[plan->rank - 1] *= (gsize)out->dims[axis];
        else
            plan->dims[plan->rank++] = (gsize)out->dims[axis];
        for (guint i = 0; i < n_in; i++)
            plan->stride[i][plan->rank - 1] = pattern >> i & 1;
        last_pattern = pattern;
    }
    if (plan->rank == 0) {
        plan->rank = 1;
        plan->dims[0] = 1;
    }
    gsize moved[3] = {1, 1, 1};
    plan->rows = 1;
    plan->inner = plan->dims[plan->rank - 1];
    for (guint axis = plan->rank; axis-- > 0;) {
        for (guint i = 0; i < n_in; i++) {
            gsize moves = plan->stride[i][axis];
            plan->stride[i][axis] = moves ? moved[i] : 0;
            moved[i] *= moves ? plan->dims[axis] : 1;
        }
        if (axis + 1 < plan->rank)
            plan->rows *= plan->dims[axis];
    }
    plan->piece = MIN(MAX(plan->inner, 1), STH_OP_CHUNK);
    plan->rows_each = MAX(1, STH_OP_CHUNK / plan->piece);
}

typedef struct {
    const SthOpRun *run;
    const SthBroadcast *plan;
    SthBroadcastRun func;
    gsize pieces; /* a row */
} Walk;

static void walk_part(gpointer data, guint item, guint thread)
{
    const Walk *walk = data;
    const SthBroadcast *plan = walk->plan;
    gsize first = item / walk->pieces * plan->rows_each, from = item % walk->pieces * plan->piece;
    gsize n = MIN(plan->piece, plan->inner - from), count = MIN(plan->rows_each, plan->rows - first);
    gsize index[STH_MAX_RANK] = {0}, at[3] = {0, 0, 0}, step[3] = {0, 0, 0}, rest = first;
    guint last = plan->rank - 1;
    for (guint i = 0; i < plan->n_in; i++) {
        step[i] = plan->stride[i][last];
        at[i] = from * step[i];
    }
    for (guint axis = last; axis-- > 0;) {
        index[axis] = rest % plan->dims[axis];
        rest /= plan->dims[axis];
        for (guint i = 0; i < plan->n_in; i++)
            at[i] += index[axis] * plan->stride[i][axis];
    }
    for (gsize row = first; row < first + count; row++) {
        walk->func(walk->run, row * plan->inner + from, at, step, n);
        for (guint axis = last; axis-- > 0;) {
            for (guint i = 0; i < plan->n_in; i++)
                at[i] += plan->stride[i][axis];
            if (++index[axis] < plan->dims[axis])
                break;
            for (guint i = 0; i < plan->n_in; i++)
                at[i] -= plan->dims[axis] * plan->stride[i][axis];
            index[axis] = 0;
        }
    }
}

void sth_broadcast_run(const SthOpRun *run, const SthBroadcast *plan, SthBroadcastRun func)
{
    Walk walk = {run, plan, func, (plan->inner + plan->piece - 1) / plan->piece};
    gsize groups = (plan->rows + plan->rows_each - 1) / plan->rows_each;
    sth_op_parallel(run, walk_part, &walk, (guint)(groups * walk.pieces));
}
