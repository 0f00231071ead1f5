/* TopK: the k largest (smallest) elements along an axis, in order, and where they are; of equal ones the first come first.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* An element as a number that orders as it does: whatever its type, one comparison serves. */
typedef struct {
    guint64 key;
    gsize index;
} Entry;

typedef struct {
    SthAxis axis; /* of the input; the output has k in place of n */
    gsize k;
    gboolean largest;
} Selection;

static gboolean find_selection(SthNode *node, Selection *selection, guint *axis, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    guint n;
    gboolean given;
    if (!sth_op_axis(node, sth_node_int(node, "axis", -1), in->rank, axis, error))
        return FALSE;
    gint64 one = sth_node_int(node, "k", -1), *k = one >= 0 ? NULL : sth_op_ints_attr_or_input(node, "", 1, &n, &given, error);
    if (one < 0 && k == NULL)
        return given ? FALSE : sth_op_error(node, error, "there is no k");
    if (k != NULL)
        one = n == 1 ? k[0] : -1;
    g_free(k);
    if (one < 0 || one > in->dims[*axis])
        return sth_op_error(node, error, "k is not a number from 0 to the axis's %" G_GINT64_FORMAT " elements", in->dims[*axis]);
    *selection = (Selection){sth_op_around(in, *axis, *axis + 1), (gsize)one, sth_node_int(node, "largest", 1) != 0};
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    Selection selection = {0};
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_NUMBER, error) || !find_selection(node, &selection, &axis, error))
        return FALSE;
    SthShape shape = sth_op_in(node, 0)->shape;
    shape.dims[axis] = (gint64)selection.k;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    sth_op_set_output(node, 1, STH_DTYPE_INT64, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    Selection *selection = g_new(Selection, 1);
    node->prepared = selection;
    if (!find_selection(node, selection, &axis, error))
        return FALSE;
    node->thread_scratch = selection->k * sizeof(Entry);
    return TRUE;
}

static guint64 key_of(const SthTensor *tensor, gsize at)
{
    const guint64 sign = G_GUINT64_CONSTANT(1) << 63;
    guint64 bits;
    if (sth_dtype_is_float(tensor->dtype)) {
        double value;
        sth_elements_to_doubles(&value, tensor, at, 1);
        value = value == 0 ? 0 : value; /* -0 equals 0 */
        memcpy(&bits, &value, sizeof bits);
        return bits & sign ? ~bits : bits | sign;
    }
    bits = (guint64)sth_element_integer(tensor, at);
    return tensor->dtype == STH_DTYPE_UINT64 ? bits : bits ^ sign;
}

static gboolean comes_before(const Entry *a, const Entry *b)
{
    return a->key != b->key ? a->key > b->key : a->index < b->index;
}

/* Lets entry @at of a heap of n, whose root is the last in order, sink to its place. */
static void sink(Entry *heap, gsize n, gsize at)
{
    for (gsize child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && comes_before(&heap[child], &heap[child + 1]))
            child++;
        if (!comes_before(&heap[at], &heap[child]))
            return;
        Entry entry = heap[at];
        heap[at] = heap[child];
        heap[child] = entry;
    }
}

/* @item: one line along the axis. */
static void select_line(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Selection *selection = run->prepared;
    const gsize k = selection->k, inner = selection->axis.inner, size = sth_dtype_size(run->in[0].dtype);
    gsize outer = item / inner, lane = item % inner, at = outer * selection->axis.n * inner + lane;
    Entry *heap = (Entry *)(run->thread_scratch + thread * run->thread_stride);
    for (gsize i = 0; i < selection->axis.n; i++) {
        guint64 key = key_of(&run->in[0], at + i * inner);
        Entry entry = {selection->largest ? key : ~key, i};
        if (i < k) {
            heap[i] = entry;
            for (gsize root = i + 1 == k ? k / 2 : 0; root-- > 0;)
                sink(heap, k, root);
        } else if (comes_before(&entry, &heap[0])) {
            heap[0] = entry;
            sink(heap, k, 0);
        }
    }
    for (gsize left = k; left-- > 0;) {
        gsize to = (outer * k + left) * inner + lane;
        Entry last = heap[0];
        heap[0] = heap[left];
        sink(heap, left, 0);
        if (run->out[0].dtype != STH_DTYPE_INVALID)
            memcpy((guint8 *)run->out[0].data + to * size, (const guint8 *)run->in[0].data + (at + last.index * inner) * size, size);
        if (run->n_out > 1 && run->out[1].dtype != STH_DTYPE_INVALID)
            ((gint64 *)run->out[1].data)[to] = (gint64)last.index;
    }
}

static void run_top_k(const SthOpRun *run)
{
    const Selection *selection = run->prepared;
    if (selection->k > 0)
        sth_op_parallel(run, select_line, (gpointer)run, (guint)(selection->axis.outer * selection->axis.inner));
}

extern const SthOp sth_op_top_k;
const SthOp sth_op_top_k = {
    .name = "TopK", .since = 1, .min_in = 1, .max_in = 2, .constant_in = 1 << 1, .infer = infer, .prepare = prepare, .run = run_top_k};
