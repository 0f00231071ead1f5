/* Finds what works on single frames, chooses the cut, makes the graph of one frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/split_frames.h"

#include <string.h>

#include "ops/conv_max_pool.h"
#include "optimiser/frame_axis.h"

/* What costs as much as one multiply-accumulate is 1. A number that a node reads or writes, and one on the cut, which goes from memory to memory:
 * rough, from 70 multiply-accumulates a nanosecond and 8 GB/s. */
#define TOUCH 8.
#define CARRY 48.
/* Part of the frames of a window that the one before had: half of them in the usual windows of files, all but one in those of cameras. */
#define SEEN 0.5

typedef struct {
    SthGraph *graph;
    gint64 frames;
    GHashTable *axes;     /* SthValue * -> frame axis + 1 */
    GHashTable *position; /* SthNode * -> place in nodes + 1 */
    GPtrArray *nodes;     /* those that work on single frames, in running order */
} Splitter;

static gint64 elements(const SthValue *value)
{
    return sth_shape_elements(&value->tensor.shape);
}

/* Positions of a node's result; of a Conv with a MaxPool behind it, those of the Conv's. */
static double positions_of(const SthNode *node)
{
    const SthValue *out = sth_node_output(node, 0);
    SthSliding pool;
    SthConv conv;

    if (strcmp(node->op_type, "sth.ConvMaxPool") == 0 && sth_conv_max_pool_read(&conv, &pool, node, NULL))
        return (double)conv.batch * (double)sth_sliding_out(&conv.sliding);
    return out->tensor.shape.rank > 1 ? (double)elements(out) / (double)MAX(out->tensor.shape.dims[1], 1) : 1;
}

/* Estimate of what a run of @node costs: each weight of a convolution's output channel meets each of its positions. */
static double cost_of(const SthNode *node)
{
    const SthValue *out = sth_node_output(node, 0);
    const double positions = positions_of(node);
    double cost = 0;

    if (node->op->flags & STH_OP_VIEW)
        return 0;
    for (guint i = 0; i < node->inputs->len; i++) {
        const SthValue *value = sth_node_input(node, i);
        if (value && value->constant && value->tensor.shape.rank > 1)
            cost += positions * (double)elements(value);
        else if (value && !value->constant)
            cost += TOUCH * (double)elements(value);
    }
    return cost + TOUCH * (double)elements(out);
}

static void find_nodes(Splitter *s)
{
    for (guint i = 0; i < s->graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(s->graph->nodes, i);
        gint axis = sth_node_frame_axis(node, s->axes, s->frames);

        for (guint k = 0; k < node->outputs->len && axis >= 0; k++) /* somebody outside must find it whole */
            if (sth_node_output(node, k) && sth_graph_is_output(s->graph, sth_node_output(node, k)))
                axis = -1;
        if (axis < 0)
            continue;
        for (guint k = 0; k < node->outputs->len; k++)
            if (sth_node_output(node, k))
                g_hash_table_insert(s->axes, sth_node_output(node, k), GINT_TO_POINTER(axis + 1));
        g_ptr_array_add(s->nodes, node);
        g_hash_table_insert(s->position, node, GUINT_TO_POINTER(s->nodes->len));
    }
}

/* @value is made by one of the first @n nodes and read by none of them alone. */
static gboolean is_cut(Splitter *s, const SthValue *value, guint n)
{
    for (guint i = 0; i < value->readers->len; i++) {
        const guint position = GPOINTER_TO_UINT(g_hash_table_lookup(s->position, g_ptr_array_index(value->readers, i)));
        if (position == 0 || position > n)
            return TRUE;
    }
    return FALSE;
}

/* Calls @add for each value on the cut behind the first @n nodes. */
static void walk_cut(Splitter *s, guint n, void (*add)(gpointer data, SthValue *value), gpointer data)
{
    for (guint i = 0; i < n; i++) {
        const SthNode *node = g_ptr_array_index(s->nodes, i);
        for (guint k = 0; k < node->outputs->len; k++) {
            SthValue *value = sth_node_output(node, k);
            if (value && is_cut(s, value, n))
                add(data, value);
        }
    }
}

static void add_cost(gpointer data, SthValue *value)
{
    *(double *)data += value->tensor.dtype == STH_DTYPE_FLOAT ? CARRY * (double)elements(value) : G_MAXDOUBLE;
}

/* How many of the nodes to take: those before the cut that saves most. 0: none saves anything. */
static guint choose_cut(Splitter *s, double *work)
{
    double best = 0, before = 0;
    guint chosen = 0;

    *work = 0;
    for (guint n = 1; n <= s->nodes->len; n++) {
        double carried = 0;
        before += cost_of(g_ptr_array_index(s->nodes, n - 1));
        walk_cut(s, n, add_cost, &carried);
        if (SEEN * before - carried > best) {
            best = SEEN * before - carried;
            chosen = n;
            *work = before;
        }
    }
    return chosen;
}

/* The value's counterpart in the graph of one frame. */
static SthValue *copy_value(Splitter *s, GHashTable *copies, SthGraph *to, SthValue *value)
{
    SthValue *copy = value ? g_hash_table_lookup(copies, value) : NULL;
    const guint axis = GPOINTER_TO_UINT(g_hash_table_lookup(s->axes, value));

    if (copy || !value)
        return copy;
    if (value->constant) {
        copy = sth_graph_add_constant(to, value->name, value->tensor.dtype, &value->tensor.shape, g_bytes_ref(value->constant));
    } else {
        copy = sth_graph_add_value(to, value->name);
        copy->tensor = value->tensor;
        copy->tensor.shape.dims[axis - 1] = 1;
        copy->inferred = TRUE;
    }
    g_hash_table_insert(copies, value, copy);
    return copy;
}

static void copy_node(Splitter *s, GHashTable *copies, SthGraph *to, const SthNode *node)
{
    SthNode *copy = sth_graph_add_node(to, node->name, node->op_type, node->opset);

    copy->op = node->op;
    g_hash_table_unref(copy->attrs);
    copy->attrs = g_hash_table_ref(node->attrs); /* nobody changes them any more */
    if (node->fused)
        copy->fused = g_string_new(node->fused->str);
    for (guint i = 0; i < node->inputs->len; i++)
        sth_node_add_input(copy, copy_value(s, copies, to, sth_node_input(node, i)));
    for (guint i = 0; i < node->outputs->len; i++)
        sth_node_add_output(copy, copy_value(s, copies, to, sth_node_output(node, i)));
}

typedef struct {
    Splitter *s;
    GHashTable *copies;
    SthGraph *graph;
    GArray *cuts; /* of SthFrameCut */
} Cutting;

static void add_cut(gpointer data, SthValue *value)
{
    const Cutting *cutting = data;
    const guint axis = GPOINTER_TO_UINT(g_hash_table_lookup(cutting->s->axes, value)) - 1;
    SthFrameCut cut = {.frame = g_hash_table_lookup(cutting->copies, value), .window = value, .outer = 1, .inner = 1};

    for (guint i = 0; i < value->tensor.shape.rank; i++)
        *(i < axis ? &cut.outer : &cut.inner) *= i == axis ? 1 : (gsize)value->tensor.shape.dims[i];
    g_ptr_array_add(cutting->graph->outputs, cut.frame);
    g_array_append_val(cutting->cuts, cut);
}

/* Moves the first @n nodes. */
static SthFrameSplit *split(Splitter *s, guint n)
{
    Cutting cutting = {s, g_hash_table_new(NULL, NULL), sth_graph_new(s->graph->source), g_array_new(FALSE, FALSE, sizeof(SthFrameCut))};
    SthFrameSplit *result = g_new0(SthFrameSplit, 1);
    SthGraph *frame = cutting.graph;

    frame->opset = s->graph->opset;
    frame->memory_limit = s->graph->memory_limit;
    frame->release = s->graph->release;
    g_ptr_array_add(frame->inputs, copy_value(s, cutting.copies, frame, g_ptr_array_index(s->graph->inputs, 0)));
    for (guint i = 0; i < n; i++)
        copy_node(s, cutting.copies, frame, g_ptr_array_index(s->nodes, i));
    walk_cut(s, n, add_cut, &cutting);
    for (guint i = 0; i < n; i++)
        sth_graph_retire_node(s->graph, g_ptr_array_index(s->nodes, i));
    sth_graph_sweep_nodes(s->graph);
    sth_graph_sweep_values(s->graph);
    g_assert(sth_graph_check(frame) && sth_graph_check(s->graph));
    g_hash_table_unref(cutting.copies);
    result->graph = frame;
    result->frames = (guint64)s->frames;
    result->n_cuts = cutting.cuts->len;
    result->cut = (SthFrameCut *)g_array_free(cutting.cuts, FALSE);
    return result;
}

SthFrameSplit *sth_graph_split_frames(SthGraph *graph, guint axis)
{
    Splitter s = {.graph = graph};
    SthFrameSplit *result = NULL;
    double work = 0, all = 0;
    SthValue *input;

    g_return_val_if_fail(graph->inputs->len == 1, NULL);
    input = g_ptr_array_index(graph->inputs, 0);
    s.frames = input->tensor.shape.dims[axis];
    if (s.frames < 2)
        return NULL;
    s.axes = g_hash_table_new(NULL, NULL);
    s.position = g_hash_table_new(NULL, NULL);
    s.nodes = g_ptr_array_new();
    g_hash_table_insert(s.axes, input, GUINT_TO_POINTER(axis + 1));
    for (guint i = 0; i < graph->nodes->len; i++)
        all += cost_of(g_ptr_array_index(graph->nodes, i));
    find_nodes(&s);
    const guint n = choose_cut(&s, &work);
    if (n > 0 && (result = split(&s, n)))
        result->share = work / all;
    g_ptr_array_unref(s.nodes);
    g_hash_table_unref(s.position);
    g_hash_table_unref(s.axes);
    return result;
}

void sth_frame_split_free(SthFrameSplit *split)
{
    if (!split)
        return;
    sth_graph_free(split->graph);
    g_free(split->cut);
    g_free(split);
}
