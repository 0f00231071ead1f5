/* Concat and Split: runs of bytes put one after another, and taken apart again.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* The whole as [outer][row bytes]; part i is the bytes offset[i]…offset[i+1]-1 of each row. */
typedef struct {
    gsize outer, row;
    guint n;
    gsize pieces; /* a row, for the pool */
    gsize offset[];
} Rows;

/* Bytes of a row that one part of work moves. */
#define PIECE ((gsize)1 << 18)

static Rows *plan_rows(const GPtrArray *parts, const SthTensor *whole, guint axis)
{
    Rows *rows = g_malloc0(sizeof *rows + (parts->len + 1) * sizeof(gsize));
    gsize inner = sth_op_product(&whole->shape, axis + 1, whole->shape.rank) * sth_dtype_size(whole->dtype);
    rows->outer = sth_op_product(&whole->shape, 0, axis);
    rows->n = parts->len;
    for (guint i = 0; i < parts->len; i++) {
        const SthValue *part = parts->pdata[i];
        rows->offset[i + 1] = rows->offset[i] + (part != NULL ? (gsize)part->tensor.shape.dims[axis] * inner : 0);
    }
    rows->row = rows->offset[parts->len];
    rows->pieces = (rows->row + PIECE - 1) / PIECE;
    return rows;
}

typedef struct {
    const SthOpRun *run;
    const Rows *rows;
    gboolean split;
} Work;

static void move_piece(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const Rows *rows = work->rows;
    gsize outer = item / rows->pieces, from = item % rows->pieces * PIECE, to = MIN(from + PIECE, rows->row);
    guint8 *whole = work->split ? work->run->in[0].data : work->run->out[0].data;
    const SthTensor *parts = work->split ? work->run->out : work->run->in;
    for (guint i = 0; i < rows->n; i++) {
        gsize begin = MAX(from, rows->offset[i]), end = MIN(to, rows->offset[i + 1]), width = rows->offset[i + 1] - rows->offset[i];
        if (begin >= end || parts[i].dtype == STH_DTYPE_INVALID)
            continue;
        guint8 *part = (guint8 *)parts[i].data + outer * width + (begin - rows->offset[i]), *place = whole + outer * rows->row + begin;
        if (work->split)
            memcpy(part, place, end - begin);
        else
            memcpy(place, part, end - begin);
    }
}

static gboolean infer_concat(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    SthShape shape = sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 1), shape.rank, &axis, error))
        return FALSE;
    for (guint i = 1; i < node->inputs->len; i++) {
        if (!sth_op_require_types(node, i, STH_TYPES_ANY, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
        const SthShape *next = &sth_op_in(node, i)->shape;
        SthShape expected = *next;
        expected.dims[axis] = shape.dims[axis];
        if (next->rank != shape.rank || !sth_shape_equal(&expected, &shape)) {
            char *a = sth_shape_to_string(&shape), *b = sth_shape_to_string(next);
            sth_op_error(node, error, "input %u is %s, the ones before are %s: they differ in another axis than %u", i, b, a, axis);
            g_free(a);
            g_free(b);
            return FALSE;
        }
        if (__builtin_add_overflow(shape.dims[axis], next->dims[axis], &shape.dims[axis]))
            return sth_op_error(node, error, "the result is impossibly large");
    }
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare_concat(SthNode *node, GError **error)
{
    guint axis;
    const SthTensor *out = &sth_node_output(node, 0)->tensor;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 1), out->shape.rank, &axis, error))
        return FALSE;
    node->prepared = plan_rows(node->inputs, out, axis);
    return TRUE;
}

static void run_concat(const SthOpRun *run)
{
    const Rows *rows = run->prepared;
    Work work = {run, rows, FALSE};
    sth_op_parallel(run, move_piece, &work, (guint)(rows->outer * rows->pieces));
}

extern const SthOp sth_op_concat;
const SthOp sth_op_concat = {
    .name = "Concat", .since = 4, .min_in = 1, .max_in = G_MAXUINT, .infer = infer_concat, .prepare = prepare_concat, .run = run_concat};

/* Lengths of the parts: given, or equal ones of which the last may be shorter. */
static gboolean find_lengths(SthNode *node, gint64 dim, gint64 *lengths, GError **error)
{
    guint n;
    gboolean given;
    gint64 count = node->outputs->len, sum = 0;
    gint64 *listed = sth_op_ints_attr_or_input(node, "split", 1, &n, &given, error);
    if (given && listed == NULL)
        return FALSE;
    gboolean valid = TRUE;
    gint64 each = (dim + count - 1) / count;
    for (gint64 i = 0; i < count; i++) {
        lengths[i] = given ? (i < n ? listed[i] : -1) : CLAMP(dim - i * each, 0, each);
        valid = valid && lengths[i] >= 0 && lengths[i] <= dim;
        sum += valid ? lengths[i] : 0;
    }
    g_free(listed);
    if (valid && sum == dim && (!given || n == count) && (given || node->opset >= 18 || dim % count == 0))
        return TRUE;
    return sth_op_error(node, error, "cannot split %" G_GINT64_FORMAT " into these %" G_GINT64_FORMAT " parts", dim, count);
}

static gboolean infer_split(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->shape.rank, &axis, error))
        return FALSE;
    gint64 *lengths = g_new(gint64, node->outputs->len);
    gboolean done = find_lengths(node, in->shape.dims[axis], lengths, error);
    for (guint i = 0; i < node->outputs->len && done; i++) {
        SthShape shape = in->shape;
        shape.dims[axis] = lengths[i];
        sth_op_set_output(node, i, in->dtype, &shape);
    }
    g_free(lengths);
    return done;
}

static gboolean prepare_split(SthNode *node, GError **error)
{
    guint axis;
    const SthTensor *in = sth_op_in(node, 0);
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->shape.rank, &axis, error))
        return FALSE;
    gint64 *lengths = g_new(gint64, node->outputs->len);
    if (!find_lengths(node, in->shape.dims[axis], lengths, error)) {
        g_free(lengths);
        return FALSE;
    }
    Rows *rows = plan_rows(node->outputs, in, axis);
    /* From the lengths, not from the outputs: one that nobody wants has its place too. */
    gsize inner = sth_op_product(&in->shape, axis + 1, in->shape.rank) * sth_dtype_size(in->dtype);
    for (guint i = 0; i < rows->n; i++)
        rows->offset[i + 1] = rows->offset[i] + (gsize)lengths[i] * inner;
    rows->row = rows->offset[rows->n];
    rows->pieces = (rows->row + PIECE - 1) / PIECE;
    g_free(lengths);
    node->prepared = rows;
    return TRUE;
}

static void run_split(const SthOpRun *run)
{
    const Rows *rows = run->prepared;
    Work work = {run, rows, TRUE};
    sth_op_parallel(run, move_piece, &work, (guint)(rows->outer * rows->pieces));
}

extern const SthOp sth_op_split;
const SthOp sth_op_split = {
    .name = "Split", .since = 2, .min_in = 1, .max_in = 2, .constant_in = 1 << 1, .infer = infer_split, .prepare = prepare_split, .run = run_split};
