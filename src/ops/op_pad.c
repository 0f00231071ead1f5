/* Pad: constant, edge and reflect; pads as an attribute (up to opset 10) or as a constant input. Negative pads crop.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* Elements of a padded axis: each has an entry in a map. */
#define MAX_LENGTH ((gint64)1 << 26)

typedef enum { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT } PadMode;

/* The tensor as rows: the innermost axis that is padded, times all axes after it. */
typedef struct {
    guint rank;                                /* axes up to the innermost padded one */
    gsize in[STH_MAX_RANK], out[STH_MAX_RANK]; /* their lengths */
    gsize stride[STH_MAX_RANK];                /* of the input, bytes */
    gint64 *map[STH_MAX_RANK];                 /* by output position: input position, -1: the constant */
    gsize inner;                               /* bytes of one step along the last of these axes */
    gsize size;                                /* bytes of an element */
    gsize from, to;                            /* output steps of a row that are one stretch of the input */
    gsize rows, rows_each;
    guint8 value[sizeof(gint64)]; /* constant given as an attribute */
} PadPlan;

static gboolean find_mode(SthNode *node, PadMode *mode, GError **error)
{
    static const char *const names[] = {"constant", "edge", "reflect"};
    const char *given = sth_node_string(node, "mode", "constant");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(given, names[i]) == 0) {
            *mode = (PadMode)i;
            return TRUE;
        }
    return sth_op_error(node, error, "mode '%s' is not supported; constant, edge and reflect are", given);
}

/* Pads at the beginning and end of each axis. */
static gboolean find_pads(SthNode *node, gint64 begin[STH_MAX_RANK], gint64 end[STH_MAX_RANK], GError **error)
{
    guint rank = sth_op_in(node, 0)->shape.rank, n, n_axes = rank;
    gboolean given, some = FALSE;
    gint64 *pads = sth_op_ints_attr_or_input(node, "pads", 1, &n, &given, error), *axes = NULL;
    if (pads == NULL)
        return given ? FALSE : sth_op_error(node, error, "there are no pads");
    gboolean done = TRUE;
    if (sth_op_has_input(node, 3)) {
        some = TRUE;
        axes = sth_op_constant_ints(node, 3, &n_axes, error);
        done = axes != NULL;
    }
    memset(begin, 0, STH_MAX_RANK * sizeof *begin);
    memset(end, 0, STH_MAX_RANK * sizeof *end);
    if (done && n != 2 * n_axes)
        done = sth_op_error(node, error, "there are %u pads for %u axes; two for each are right", n, n_axes);
    for (guint i = 0; i < n_axes && done; i++) {
        guint axis = i;
        done = !some || sth_op_axis(node, axes[i], rank, &axis, error);
        if (done) {
            begin[axis] = pads[i];
            end[axis] = pads[i + n_axes];
        }
    }
    g_free(pads);
    g_free(axes);
    return done;
}

static gboolean check_value(SthNode *node, GError **error)
{
    if (!sth_op_has_input(node, 2))
        return TRUE;
    if (!sth_op_require_same_type(node, 0, 2, error))
        return FALSE;
    return sth_shape_elements(&sth_op_in(node, 2)->shape) == 1 || sth_op_error(node, error, "the value to pad with is not one number");
}

static gboolean infer(SthNode *node, GError **error)
{
    PadMode mode = PAD_CONSTANT;
    gint64 begin[STH_MAX_RANK], end[STH_MAX_RANK];
    if (!sth_op_require_types(node, 0, node->opset < 11 ? STH_TYPES_REAL : STH_TYPES_ANY, error) || !find_mode(node, &mode, error) ||
        !find_pads(node, begin, end, error) || !check_value(node, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    for (guint axis = 0; axis < shape.rank; axis++) {
        gint64 dim = in->shape.dims[axis], limit = mode == PAD_REFLECT ? dim - 1 : dim > 0 ? G_MAXINT32 : 0;
        gboolean padded = begin[axis] > 0 || end[axis] > 0, huge = ABS(begin[axis] / 2) > G_MAXINT32 || ABS(end[axis] / 2) > G_MAXINT32;
        if (huge || (mode != PAD_CONSTANT && padded && MAX(begin[axis], end[axis]) > limit))
            return sth_op_error(node, error, "axis %u has %" G_GINT64_FORMAT " elements, too few for its pads", axis, dim);
        shape.dims[axis] = dim + begin[axis] + end[axis];
        if (shape.dims[axis] < 0 || shape.dims[axis] > MAX_LENGTH)
            return sth_op_error(node, error, "axis %u would be %" G_GINT64_FORMAT " elements long", axis, shape.dims[axis]);
    }
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gint64 *make_map(PadMode mode, gint64 dim, gint64 begin, gint64 out)
{
    gint64 *map = g_new(gint64, MAX(out, 1));
    for (gint64 i = 0; i < out; i++) {
        gint64 at = i - begin;
        if (mode == PAD_REFLECT)
            at = at < 0 ? -at : at >= dim ? 2 * (dim - 1) - at : at;
        if (mode == PAD_EDGE)
            at = CLAMP(at, 0, dim - 1);
        map[i] = at >= 0 && at < dim ? at : -1;
    }
    return map;
}

static gboolean prepare(SthNode *node, GError **error)
{
    PadMode mode = PAD_CONSTANT;
    gint64 begin[STH_MAX_RANK], end[STH_MAX_RANK];
    if (!find_mode(node, &mode, error) || !find_pads(node, begin, end, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0), *out = &sth_node_output(node, 0)->tensor;
    PadPlan *plan = g_new0(PadPlan, 1);
    plan->size = sth_dtype_size(in->dtype);
    plan->rank = in->shape.rank;
    while (plan->rank > 0 && begin[plan->rank - 1] == 0 && end[plan->rank - 1] == 0)
        plan->rank--;
    plan->inner = sth_op_product(&in->shape, plan->rank, in->shape.rank) * plan->size;
    plan->rows = 1;
    gsize stride = plan->inner;
    for (guint axis = plan->rank; axis-- > 0; stride *= plan->in[axis]) {
        plan->in[axis] = (gsize)in->shape.dims[axis];
        plan->out[axis] = (gsize)out->shape.dims[axis];
        plan->stride[axis] = stride;
        plan->map[axis] = make_map(mode, in->shape.dims[axis], begin[axis], out->shape.dims[axis]);
        plan->rows *= axis + 1 < plan->rank ? plan->out[axis] : 1;
    }
    if (plan->rank > 0) {
        gint64 length = out->shape.dims[plan->rank - 1], dim = in->shape.dims[plan->rank - 1];
        plan->from = (gsize)CLAMP(begin[plan->rank - 1], 0, length);
        plan->to = (gsize)CLAMP(begin[plan->rank - 1] + dim, (gint64)plan->from, length);
        plan->rows_each = MAX(1, STH_OP_CHUNK * sizeof(float) / MAX(1, (gsize)length * plan->inner));
    }
    float value = sth_node_float(node, "value", 0);
    double wide = value;
    if (in->dtype == STH_DTYPE_FLOAT)
        memcpy(plan->value, &value, sizeof value);
    else if (in->dtype == STH_DTYPE_DOUBLE)
        memcpy(plan->value, &wide, sizeof wide);
    node->prepared = plan;
    return TRUE;
}

static void release(gpointer prepared)
{
    PadPlan *plan = prepared;
    for (guint axis = 0; axis < plan->rank; axis++)
        g_free(plan->map[axis]);
    g_free(plan);
}

typedef struct {
    const SthOpRun *run;
    const PadPlan *plan;
    const guint8 *value; /* the constant's bytes */
} Work;

static void fill(guint8 *out, gsize bytes, const guint8 *value, gsize size)
{
    guint64 any = 0;
    memcpy(&any, value, size);
    if (any == 0) {
        memset(out, 0, bytes);
        return;
    }
    for (gsize i = 0; i < bytes; i += size)
        memcpy(out + i, value, size);
}

/* One row of which the outer axes lie in the input at byte @base. */
static void pad_row(const Work *work, guint8 *out, const guint8 *in)
{
    const PadPlan *plan = work->plan;
    const gint64 *map = plan->map[plan->rank - 1];
    gsize inner = plan->inner;
    for (gsize i = 0; i < plan->out[plan->rank - 1]; i++) {
        if (i == plan->from && plan->to > plan->from) {
            memcpy(out + i * inner, in + (gsize)map[i] * inner, (plan->to - i) * inner);
            i = plan->to - 1;
        } else if (map[i] >= 0) {
            memcpy(out + i * inner, in + (gsize)map[i] * inner, inner);
        } else {
            fill(out + i * inner, inner, work->value, plan->size);
        }
    }
}

static void pad_rows(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const PadPlan *plan = work->plan;
    gsize width = plan->out[plan->rank - 1] * plan->inner, end = MIN(plan->rows, (item + 1) * plan->rows_each);
    for (gsize row = item * plan->rows_each; row < end; row++) {
        guint8 *out = (guint8 *)work->run->out[0].data + row * width;
        gsize at = 0, rest = row;
        gboolean inside = TRUE;
        for (guint axis = plan->rank - 1; axis-- > 0;) {
            gint64 index = plan->map[axis][rest % plan->out[axis]];
            rest /= plan->out[axis];
            inside = inside && index >= 0;
            at += inside ? (gsize)index * plan->stride[axis] : 0;
        }
        if (inside)
            pad_row(work, out, (const guint8 *)work->run->in[0].data + at);
        else
            fill(out, width, work->value, plan->size);
    }
}

static void run_pad(const SthOpRun *run)
{
    const PadPlan *plan = run->prepared;
    gsize bytes = sth_tensor_bytes(&run->out[0]);
    if (bytes == 0)
        return;
    if (plan->rank == 0) {
        memcpy(run->out[0].data, run->in[0].data, bytes);
        return;
    }
    gboolean given = run->n_in > 2 && run->in[2].dtype != STH_DTYPE_INVALID;
    Work work = {run, plan, given ? run->in[2].data : plan->value};
    sth_op_parallel(run, pad_rows, &work, (guint)((plan->rows + plan->rows_each - 1) / plan->rows_each));
}

extern const SthOp sth_op_pad;
const SthOp sth_op_pad = {.name = "Pad",
                          .since = 2,
                          .min_in = 1,
                          .max_in = 4,
                          .constant_in = 1 << 1 | 1 << 3,
                          .infer = infer,
                          .prepare = prepare,
                          .run = run_pad,
                          .release = release};
