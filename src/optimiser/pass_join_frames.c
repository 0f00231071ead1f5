/* Networks of clips whose frames are the batch of 2-D operators become networks of volumes [N, C, T, H, W]:
 *
 *   [N*T, C, H, W] -> Conv 3x3 -> Relu -> Reshape, Transpose -> [N, C, T, H*W] -> Conv 3x1 -> Transpose, Reshape -> …
 *   [N, C, T, H, W] -> Conv 1x3x3 -> Relu -> Conv 3x1x1 -> …
 *
 * Likewise channels last. The operators are walked in running order; each value is known as its volume rearranged (arrangement.h), and an operator that
 * has a rule (join.h) works on the volume. What it made until now is made of the volume by a Transpose and a Reshape, which nobody reads where the
 * next operator works on the volume too. So the exporter's own Transposes and Reshapes go wherever they stand and however often.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op.h"
#include "optimiser/join.h"
#include "optimiser/optimiser.h"
#include "optimiser/views.h"

extern const SthPass sth_pass_drop_dead;

static void learn(SthJoin *join, SthValue *value, const SthArrangement *arrangement)
{
    g_hash_table_insert(join->arrangements, value, g_memdup2(arrangement, sizeof *arrangement));
}

/* @value is a volume itself. */
static void learn_volume(SthJoin *join, SthValue *value)
{
    SthArrangement itself;
    const SthGrouping axes = {STH_TWIN_AXES, {1, 1, 1, 1, 1}, {{0}, {1}, {2}, {3}, {4}}};

    if (value->tensor.shape.rank != STH_TWIN_AXES)
        return;
    sth_arrangement_init(&itself, value, &axes);
    learn(join, value, &itself);
}

/* Clips and frames of which the batch of 2-D operators consists, as the first Reshape of pictures says that takes one apart. FALSE: none does. */
static gboolean find_frames(const SthGraph *graph, gint64 *clips, gint64 *frames)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        const SthShape *in, *out;
        if (strcmp(node->op_type, "Reshape") != 0 || !sth_node_input(node, 0)->producer)
            continue;
        in = &sth_node_input(node, 0)->tensor.shape;
        out = &sth_node_output(node, 0)->tensor.shape;
        if (in->rank == 4 && in->dims[2] * in->dims[3] > 1 && out->rank >= 4 && out->dims[1] > 1 && out->dims[0] * out->dims[1] == in->dims[0] &&
            out->dims[2] == in->dims[1]) {
            *clips = out->dims[0];
            *frames = out->dims[1];
            return TRUE;
        }
    }
    return FALSE;
}

/* What a 2-D Conv, or a Pad before it, reads from elsewhere, its frames in the batch, is made a volume. */
static SthArrangement *enter(SthJoin *join, const SthNode *conv, gint64 clips, gint64 frames)
{
    SthValue *x = sth_node_input(conv, 0);
    const SthGrouping axes = {4, {2, 1, 1, 1}, {{STH_TWIN_N, STH_TWIN_T}, {STH_TWIN_C}, {STH_TWIN_H}, {STH_TWIN_W}}};
    const gint64 *size = x->tensor.shape.dims;
    const gint64 dims[] = {clips, size[1], frames, size[2], size[3]};
    SthValue shape = {.tensor.shape = {STH_TWIN_AXES, {clips, size[1], frames, size[2], size[3]}}};
    SthArrangement entered;

    sth_arrangement_init(&entered, &shape, &axes);
    entered.twin = sth_join_volume(join, x, &entered, dims);
    learn(join, x, &entered);
    return g_hash_table_lookup(join->arrangements, x);
}

/* Operators that move nothing but axes. TRUE: the node is one, and what is known of its input is known of its output. */
static gboolean pass_view(SthJoin *join, const SthNode *node, const SthArrangement *arrangement)
{
    SthGrouping in, out;
    SthArrangement turned;
    guint perm[STH_MAX_RANK];

    if (node->op->flags & STH_OP_VIEW) {
        learn(join, sth_node_output(node, 0), arrangement);
        return TRUE;
    }
    if (strcmp(node->op_type, "Transpose") != 0)
        return FALSE;
    if (!sth_arrangement_group(arrangement, &sth_node_input(node, 0)->tensor.shape, &in))
        return TRUE;
    sth_transpose_axes(node, perm);
    out = in;
    for (guint i = 0; i < in.rank; i++) {
        out.n[i] = in.n[perm[i]];
        memcpy(out.axis[i], in.axis[perm[i]], sizeof in.axis[perm[i]]);
    }
    sth_arrangement_init(&turned, arrangement->twin, &out);
    learn(join, sth_node_output(node, 0), &turned);
    return TRUE;
}

/* The input by which the node is looked at: the first that is arranged, if possible as large as the result. */
static gboolean find_entry(SthJoin *join, const SthNode *node, SthJoinEntry *entry)
{
    const SthValue *out = sth_node_output(node, 0);

    entry->arrangement = NULL;
    for (guint i = 0; i < node->inputs->len; i++) {
        SthValue *value = sth_node_input(node, i);
        const SthArrangement *known = value ? g_hash_table_lookup(join->arrangements, value) : NULL;
        if (!known || (entry->arrangement && (!out || !sth_shape_equal(&value->tensor.shape, &out->tensor.shape))))
            continue;
        entry->arrangement = known;
        entry->input = i;
        if (i == 0 || (out && sth_shape_equal(&value->tensor.shape, &out->tensor.shape)))
            break;
    }
    return entry->arrangement != NULL;
}

/* The node makes the volume of its output @index from now on; what it made is made of that. */
static void leave(SthJoin *join, SthNode *node, guint index, const SthGrouping *axes, const SthShape *old)
{
    SthValue *out = sth_node_output(node, index), *twin;
    g_autofree char *name = g_strdup_printf("%s/volume", out->name);
    SthArrangement made;
    SthShape shape = {STH_TWIN_AXES, {1, 1, 1, 1, 1}}, turned = {.rank = STH_TWIN_AXES};
    gint64 perm[STH_TWIN_AXES];
    SthValue *x;
    SthNode *view;

    for (guint i = 0; i < axes->rank; i++) {
        for (guint k = 0; k < axes->n[i]; k++)
            shape.dims[axes->axis[i][k]] = axes->n[i] == 1 ? out->tensor.shape.dims[i] : old->dims[axes->axis[i][k]];
    }
    twin = sth_graph_add_value(join->graph, name);
    twin->tensor.dtype = out->tensor.dtype;
    twin->tensor.shape = shape;
    twin->inferred = TRUE;
    sth_node_set_output(node, index, twin);
    sth_arrangement_init(&made, twin, axes);
    learn_volume(join, twin);
    learn(join, out, &made);

    x = twin;
    if (!sth_arrangement_in_order(&made)) {
        sth_arrangement_permutation(&made, perm);
        for (guint i = 0; i < STH_TWIN_AXES; i++)
            turned.dims[i] = shape.dims[perm[i]];
        view = sth_join_add(join, out->name, "Transpose", node->opset, twin, &turned);
        sth_node_set_ints(view, "perm", perm, STH_TWIN_AXES);
        x = sth_node_output(view, 0);
    }
    view = sth_join_add(join, out->name, "Reshape", node->opset, x, &out->tensor.shape);
    sth_node_set_output(view, 0, out);
    sth_node_become_reshape(join->graph, view, x);
}

/* Makes the node work on volumes, if it can and does not yet; TRUE: it is in the new order now. */
static gboolean join_node(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthJoinRule *rule)
{
    SthGrouping out;
    const SthShape old = entry->arrangement->twin->tensor.shape;

    if (!rule(join, node, entry, &out))
        return FALSE;
    g_ptr_array_add(join->order, node);
    for (guint i = 0; i < node->outputs->len; i++) {
        if (sth_node_output(node, i))
            leave(join, node, i, &out, &old);
    }
    return TRUE;
}

static guint visit(SthJoin *join, SthNode *node, gint64 clips, gint64 frames)
{
    SthJoinRule *rule = sth_join_rule(node);
    SthValue *first = sth_node_input(node, 0);
    const gboolean conv = strcmp(node->op_type, "Conv") == 0;
    SthJoinEntry entry = {0};
    gboolean known = find_entry(join, node, &entry);

    if ((conv || strcmp(node->op_type, "Pad") == 0) && !known && frames > 0 && first->tensor.shape.rank == 4 &&
        first->tensor.shape.dims[0] == clips * frames) {
        entry.arrangement = enter(join, node, clips, frames);
        known = TRUE;
    }
    if (known && entry.input == 0 && pass_view(join, node, entry.arrangement)) {
        g_ptr_array_add(join->order, node);
        return 0;
    }
    if (known && rule && (entry.arrangement->twin != sth_node_input(node, entry.input)) &&
        sth_arrangement_group(entry.arrangement, &sth_node_input(node, entry.input)->tensor.shape, &entry.in) && join_node(join, node, &entry, rule))
        return 1;
    g_ptr_array_add(join->order, node);
    if (rule && (conv || (known && entry.arrangement->twin == sth_node_input(node, entry.input)))) {
        for (guint i = 0; i < node->outputs->len; i++) {
            if (sth_node_output(node, i))
                learn_volume(join, sth_node_output(node, i));
        }
    }
    return 0;
}

static guint run(SthGraph *graph)
{
    SthJoin join = {graph, g_hash_table_new_full(NULL, NULL, NULL, g_free), g_ptr_array_new()};
    g_autofree gpointer *nodes = g_memdup2(graph->nodes->pdata, graph->nodes->len * sizeof(gpointer));
    const guint n = graph->nodes->len;
    gint64 clips = 0, frames = 0;
    guint changes = 0;

    find_frames(graph, &clips, &frames);
    for (guint i = 0; i < n; i++)
        changes += visit(&join, nodes[i], clips, frames);
    /* The same nodes as the graph's, those that were added at the places where they run. */
    g_assert(join.order->len == graph->nodes->len);
    if (n)
        memcpy(graph->nodes->pdata, join.order->pdata, join.order->len * sizeof(gpointer));
    g_ptr_array_unref(join.order);
    g_hash_table_unref(join.arrangements);
    /* The passes behind this one look at who reads a value: views that nobody reads must not count. */
    sth_pass_drop_dead.run(graph);
    return changes;
}

const SthPass sth_pass_join_frames = {
    .name = "join_frames", .description = "operators of frames and channels last into those of volumes", .run = run};
