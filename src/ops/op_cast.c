/* Cast and CastLike between all element types.
 *
 * Each element goes through one wide type: int64 where both ends are integers, else float64 (elements.h says what is lost and how it is rounded;
 * ONNX leaves open what becomes of floats that no integer holds).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

static gboolean infer_cast(SthNode *node, GError **error)
{
    gint64 to = sth_node_int(node, "to", 0);
    SthDType dtype = sth_dtype_from_onnx(to);
    if (dtype == STH_DTYPE_INVALID)
        return sth_op_error(node, error, "a cast to type %" G_GINT64_FORMAT " of ONNX is not supported", to);
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    sth_op_set_output(node, 0, dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean infer_cast_like(SthNode *node, GError **error)
{
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 1)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

#define BLOCK 512 /* elements that go through the wide type at once */

static void cast_part(const SthOpRun *run, gsize first, gsize count)
{
    gboolean exact = !sth_dtype_is_float(run->in[0].dtype) && !sth_dtype_is_float(run->out[0].dtype);
    for (gsize from = first; from < first + count; from += BLOCK) {
        gsize n = MIN(BLOCK, first + count - from);
        if (exact) {
            gint64 wide[BLOCK];
            sth_elements_to_integers(wide, &run->in[0], from, n);
            sth_elements_from_integers(&run->out[0], wide, from, n);
        } else {
            double wide[BLOCK];
            sth_elements_to_doubles(wide, &run->in[0], from, n);
            sth_elements_from_doubles(&run->out[0], wide, from, n);
        }
    }
}

static void run_cast(const SthOpRun *run)
{
    if (run->in[0].dtype == run->out[0].dtype)
        memcpy(run->out[0].data, run->in[0].data, sth_tensor_bytes(&run->out[0]));
    else
        sth_op_elementwise(run, cast_part);
}

extern const SthOp sth_op_cast;
const SthOp sth_op_cast = {.name = "Cast", .since = 6, .flags = STH_OP_HALF, .min_in = 1, .max_in = 1, .infer = infer_cast, .run = run_cast};

extern const SthOp sth_op_cast_like;
const SthOp sth_op_cast_like = {
    .name = "CastLike", .since = 15, .flags = STH_OP_HALF, .min_in = 2, .max_in = 2, .infer = infer_cast_like, .run = run_cast};
