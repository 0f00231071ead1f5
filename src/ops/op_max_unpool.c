/* MaxUnpool: puts elements back to the positions that MaxPool noted, and zeros elsewhere. Positions outside of the result are left out.
 *
 * Positions count the elements of the shape that MaxPool's input must have had; where another output_shape is given, they stay in their row and
 * column.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/sliding.h"
#include "ops/op-helpers.h"

/* The shape that MaxPool's input must have had. */
static gboolean find_shape(const SthNode *node, SthShape *shape, GError **error)
{
    SthSliding s;

    *shape = sth_op_in(node, 0)->shape;
    if (!sth_sliding_read(&s, node, NULL, error) || !sth_sliding_read_pads(&s, node, shape->rank - 2, error))
        return FALSE;
    for (guint i = 2; i < shape->rank; i++) {
        const guint axis = STH_AXES - shape->rank + i;

        shape->dims[i] = (s.in[axis] - 1) * s.stride[axis] + s.kernel[axis] - s.pad[axis] - s.pad_end[axis];
        if (shape->dims[i] < 1)
            return sth_op_error(node, error, "the result would be %" G_GINT64_FORMAT " elements long", shape->dims[i]);
    }
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;

    if (!sth_op_require_types(node, 0, STH_TYPES_FLOAT, error) || !sth_op_require_type(node, 1, STH_DTYPE_INT64, error) ||
        !find_shape(node, &shape, error))
        return FALSE;
    if (!sth_shape_equal(&sth_op_in(node, 0)->shape, &sth_op_in(node, 1)->shape))
        return sth_op_error(node, error, "elements and positions have different shapes");
    if (sth_op_has_input(node, 2)) {
        guint n;
        gint64 *given = sth_op_constant_ints(node, 2, &n, error);
        const gboolean fits = given && n == shape.rank;

        if (given && !fits)
            sth_op_error(node, error, "output_shape has %u numbers for %u axes", n, shape.rank);
        memcpy(shape.dims, fits ? given : shape.dims, shape.rank * sizeof *shape.dims);
        g_free(given);
        if (!fits)
            return FALSE;
    }
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthShape *shape = g_new0(SthShape, 1);

    node->prepared = shape;
    return find_shape(node, shape, error);
}

/* The element of @to that stands where element @at of @from does; -1: none does. */
static gint64 move(gint64 at, const SthShape *from, const SthShape *to)
{
    gint64 place = 0, stride = 1;

    for (guint i = from->rank; i-- > 0; at /= from->dims[i]) {
        const gint64 index = i > 0 ? at % from->dims[i] : at;

        if (index < 0 || index >= to->dims[i])
            return -1;
        place += index * stride;
        stride *= to->dims[i];
    }
    return place;
}

static void run(const SthOpRun *run)
{
    const SthShape *shape = run->prepared;
    const gint64 n = sth_shape_elements(&run->in[0].shape), *positions = run->in[1].data;
    float *out = run->out[0].data;

    memset(out, 0, sth_tensor_bytes(&run->out[0]));
    for (gint64 i = 0; i < n; i++) {
        const gint64 place = positions[i] < 0 ? -1 : move(positions[i], shape, &run->out[0].shape);

        if (place >= 0)
            out[place] = ((const float *)run->in[0].data)[i];
    }
}

extern const SthOp sth_op_max_unpool;
const SthOp sth_op_max_unpool = {
    .name = "MaxUnpool", .since = 9, .min_in = 2, .max_in = 3, .constant_in = 1 << 2, .infer = infer, .prepare = prepare, .run = run};
