/* ArgMax and ArgMin: where along an axis the largest (smallest) element is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

typedef struct {
    SthAxis axis;
    gboolean last; /* of equal ones, the last instead of the first */
} Search;

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_NUMBER, error))
        return FALSE;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->rank, &axis, error))
        return FALSE;
    if (in->dims[axis] == 0)
        return sth_op_error(node, error, "axis %u has no elements", axis);
    gboolean keep = sth_node_int(node, "keepdims", 1) != 0;
    SthShape shape = {0};
    for (guint i = 0; i < in->rank; i++)
        if (i != axis || keep)
            shape.dims[shape.rank++] = i == axis ? 1 : in->dims[i];
    sth_op_set_output(node, 0, STH_DTYPE_INT64, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->rank, &axis, error))
        return FALSE;
    Search *search = g_new(Search, 1);
    *search = (Search){sth_op_around(in, axis, axis + 1), sth_node_int(node, "select_last_index", 0) != 0};
    node->prepared = search;
    return TRUE;
}

/* BETTER than the best so far, of x and best. */
#define FIND(name, type, wide, BETTER)                                                                                                               \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = from; i < from + n; i++) {                                                                                                    \
            const type *in = (const type *)run->in[0].data + i / axis.inner * axis.n * axis.inner + i % axis.inner;                                  \
            gsize top = 0;                                                                                                                           \
            for (gsize k = 1; k < axis.n; k++) {                                                                                                     \
                type x = in[k * axis.inner], best = in[top * axis.inner];                                                                            \
                top = BETTER || (search->last && x == best) ? k : top;                                                                               \
            }                                                                                                                                        \
            out[i] = (gint64)top;                                                                                                                    \
        }                                                                                                                                            \
        break;

#define SEARCH(ident, op_name, BETTER)                                                                                                               \
    static void find_##ident(const SthOpRun *run, gsize from, gsize n)                                                                               \
    {                                                                                                                                                \
        const Search *search = run->prepared;                                                                                                        \
        const SthAxis axis = search->axis;                                                                                                           \
        gint64 *out = run->out[0].data;                                                                                                              \
        switch (run->in[0].dtype) {                                                                                                                  \
            STH_EACH_NUMBER(FIND, BETTER)                                                                                                            \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    static void run_##ident(const SthOpRun *run)                                                                                                     \
    {                                                                                                                                                \
        sth_op_elementwise(run, find_##ident);                                                                                                       \
    }                                                                                                                                                \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {.name = op_name, .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_##ident};

SEARCH(arg_max, "ArgMax", x > best)
SEARCH(arg_min, "ArgMin", x < best)
