/* Slice: starts, ends, axes, steps as attributes (up to opset 9) or as constant inputs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"
#include "ops/selection.h"

/* One axis, clamped as the specification says: forwards 0…dim, backwards -1…dim-1. */
static gboolean clamp_axis(SthNode *node, guint axis, gint64 start, gint64 end, gint64 step, SthSliceWindow *window, GError **error)
{
    gint64 dim = sth_op_in(node, 0)->shape.dims[axis];
    if (step == 0 || step == G_MININT64)
        return sth_op_error(node, error, "the step of axis %u is %" G_GINT64_FORMAT, axis, step);
    start = start < 0 ? start + dim : start;
    end = end < 0 ? end + dim : end;
    if (step > 0) {
        start = CLAMP(start, 0, dim);
        end = CLAMP(end, 0, dim);
        window->length[axis] = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
        start = CLAMP(start, 0, MAX(dim - 1, 0));
        end = CLAMP(end, -1, dim - 1);
        window->length[axis] = start > end && dim > 0 ? (start - end - 1) / -step + 1 : 0;
    }
    window->start[axis] = start;
    window->step[axis] = step;
    return TRUE;
}

typedef struct {
    gint64 *list[4]; /* starts, ends, axes, steps; the last two may be NULL */
    guint n[4];
} Lists;

static gboolean read_lists(SthNode *node, Lists *lists, GError **error)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    for (guint i = 0; i < 4; i++) {
        gboolean given;
        lists->list[i] = sth_op_ints_attr_or_input(node, names[i], i + 1, &lists->n[i], &given, error);
        if (given && lists->list[i] == NULL)
            return FALSE;
        if (!given && i < 2)
            return sth_op_error(node, error, "there are no %s", names[i]);
        if (given && lists->n[i] != lists->n[0])
            return sth_op_error(node, error, "%s and %s have %u and %u entries", names[0], names[i], lists->n[0], lists->n[i]);
    }
    return TRUE;
}

static gboolean apply_lists(SthNode *node, const Lists *lists, SthSliceWindow *window, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    guint seen = 0;
    for (guint axis = 0; axis < in->rank; axis++) {
        window->start[axis] = 0;
        window->step[axis] = 1;
        window->length[axis] = in->dims[axis];
    }
    for (guint i = 0; i < lists->n[0]; i++) {
        guint axis;
        if (!sth_op_axis(node, lists->list[2] != NULL ? lists->list[2][i] : i, in->rank, &axis, error))
            return FALSE;
        if (seen & (1u << axis))
            return sth_op_error(node, error, "axis %u is listed twice", axis);
        seen |= 1u << axis;
        if (!clamp_axis(node, axis, lists->list[0][i], lists->list[1][i], lists->list[3] != NULL ? lists->list[3][i] : 1, window, error))
            return FALSE;
    }
    return TRUE;
}

gboolean sth_slice_window(SthNode *node, SthSliceWindow *window, GError **error)
{
    Lists lists = {0};
    gboolean done = read_lists(node, &lists, error) && apply_lists(node, &lists, window, error);
    for (guint i = 0; i < 4; i++)
        g_free(lists.list[i]);
    return done;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthSliceWindow window;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !sth_slice_window(node, &window, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = {.rank = in->shape.rank};
    for (guint axis = 0; axis < shape.rank; axis++)
        shape.dims[axis] = window.length[axis];
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthSliceWindow window;
    if (!sth_slice_window(node, &window, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    gsize dims[STH_MAX_RANK];
    gssize strides[STH_MAX_RANK], start = 0;
    for (guint axis = 0; axis < in->shape.rank; axis++) {
        gssize stride = (gssize)sth_op_product(&in->shape, axis + 1, in->shape.rank);
        dims[axis] = (gsize)window.length[axis];
        /* A step that is never made may be as large as it likes. */
        strides[axis] = window.length[axis] > 1 ? stride * window.step[axis] : 0;
        start += stride * window.start[axis];
    }
    SthCopy *plan = g_new(SthCopy, 1);
    sth_copy_plan(plan, sth_dtype_size(in->dtype), in->shape.rank, dims, strides, start);
    node->prepared = plan;
    return TRUE;
}

static void run_slice(const SthOpRun *run)
{
    sth_copy_run(run, run->prepared, run->out[0].data, run->in[0].data);
}

extern const SthOp sth_op_slice;
const SthOp sth_op_slice = {.name = "Slice",
                            .since = 1,
                            .min_in = 1,
                            .max_in = 5,
                            .constant_in = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
                            .infer = infer,
                            .prepare = prepare,
                            .run = run_slice};
