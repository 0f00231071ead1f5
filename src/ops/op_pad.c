/* Pad: constant, edge, reflect and wrap; pads as an attribute (up to opset 10) or as a constant input. Negative pads crop, before the others
 * are filled from what is left.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/axis_map.h"
#include "ops/elements.h"
#include "ops/selection.h"

typedef enum { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } PadMode;

typedef struct {
    SthAxisMap *map;
    guint8 value[sizeof(gint64)]; /* constant given as an attribute */
} Pad;

static gboolean find_mode(SthNode *node, PadMode *mode, GError **error)
{
    static const char *const names[] = {"constant", "edge", "reflect", "wrap"};
    const char *given = sth_node_string(node, "mode", "constant");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(given, names[i]) == 0) {
            *mode = (PadMode)i;
            return TRUE;
        }
    return sth_op_error(node, error, "mode '%s' is not supported; constant, edge, reflect and wrap are", given);
}

gboolean sth_pad_amounts(SthNode *node, gint64 begin[STH_MAX_RANK], gint64 end[STH_MAX_RANK], GError **error)
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
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !find_mode(node, &mode, error) || !sth_pad_amounts(node, begin, end, error) ||
        !check_value(node, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    for (guint axis = 0; axis < shape.rank; axis++) {
        if (ABS(begin[axis] / 2) > G_MAXINT32 || ABS(end[axis] / 2) > G_MAXINT32)
            return sth_op_error(node, error, "the pads of axis %u are out of range", axis);
        gint64 left = shape.dims[axis] + MIN(0, begin[axis]) + MIN(0, end[axis]), added = MAX(0, begin[axis]) + MAX(0, end[axis]);
        shape.dims[axis] = left + added;
        if (left < 0 || shape.dims[axis] > STH_AXIS_MAP_MAX)
            return sth_op_error(node, error, "axis %u would be %" G_GINT64_FORMAT " elements long", axis, shape.dims[axis]);
        if (mode != PAD_CONSTANT && added > 0 && left == 0)
            return sth_op_error(node, error, "axis %u has no elements to fill the pads from", axis);
    }
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

/* What lies @at steps from the first of the @n elements that are left of an axis from its element @first on. */
static gint64 position(PadMode mode, gint64 first, gint64 n, gint64 at)
{
    gint64 period = n;
    switch (mode) {
    case PAD_EDGE:
        return first + CLAMP(at, 0, n - 1);
    case PAD_REFLECT:
        period = MAX(1, 2 * (n - 1));
        at = (at % period + period) % period;
        return first + MIN(at, period - at);
    case PAD_WRAP:
        return first + (at % period + period) % period;
    default:
        return at >= 0 && at < n ? first + at : -1;
    }
}

static gboolean prepare(SthNode *node, GError **error)
{
    PadMode mode = PAD_CONSTANT;
    gint64 begin[STH_MAX_RANK], end[STH_MAX_RANK], *maps[STH_MAX_RANK] = {NULL};
    if (!find_mode(node, &mode, error) || !sth_pad_amounts(node, begin, end, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0), *out = &sth_node_output(node, 0)->tensor;
    for (guint axis = 0; axis < in->shape.rank; axis++) {
        gint64 first = MAX(0, -begin[axis]), left = in->shape.dims[axis] - first + MIN(0, end[axis]);
        if (begin[axis] == 0 && end[axis] == 0)
            continue;
        maps[axis] = g_new(gint64, MAX(1, out->shape.dims[axis]));
        for (gint64 i = 0; i < out->shape.dims[axis]; i++)
            maps[axis][i] = position(mode, first, left, i - MAX(0, begin[axis]));
    }
    Pad *pad = g_new0(Pad, 1);
    pad->map = sth_axis_map_new(&in->shape, &out->shape, sth_dtype_size(in->dtype), maps);
    const SthTensor value = {.dtype = in->dtype, .data = pad->value};
    const double given = (double)sth_node_float(node, "value", 0);
    sth_elements_from_doubles(&value, &given, 0, 1);
    node->prepared = pad;
    return TRUE;
}

static void release(gpointer prepared)
{
    Pad *pad = prepared;
    sth_axis_map_free(pad->map);
    g_free(pad);
}

static void run_pad(const SthOpRun *run)
{
    const Pad *pad = run->prepared;
    gboolean given = run->n_in > 2 && run->in[2].dtype != STH_DTYPE_INVALID;
    sth_axis_map_run(run, pad->map, run->out[0].data, run->in[0].data, given ? run->in[2].data : pad->value);
}

extern const SthOp sth_op_pad;
const SthOp sth_op_pad = {.name = "Pad",
                          .since = 2,
                          .flags = STH_OP_HALF,
                          .min_in = 1,
                          .max_in = 4,
                          .constant_in = 1 << 1 | 1 << 3,
                          .infer = infer,
                          .prepare = prepare,
                          .run = run_pad,
                          .release = release};
