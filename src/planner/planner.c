/* Memory plan: lifetimes, sharing, then greedy placement, largest block first. The greedy order is the usual one for this problem (offset
 * calculation by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", arXiv 2001.03288).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/memory.h"
#include "ops/op.h"
#include "planner/planner.h"

/* A piece of the arena and the steps (positions of nodes) at which it is in use. Step 0 is before the first node, step i + 1 is node i, the
 * last step is after the last one. */
typedef struct {
    gsize bytes, offset;
    guint first, last;
} Block;

typedef struct {
    SthGraph *graph;
    GHashTable *index; /* SthValue * -> position + 1 in graph->values */
    Block *blocks;     /* one a value (unused where it shares), then one a node for scratch */
    guint *owner;      /* by value: the value whose block it uses; itself if it has its own */
    guint n_values, n_nodes;
} Planner;

static guint value_index(Planner *p, SthValue *value)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(p->index, value)) - 1;
}

static void find_lifetimes(Planner *p)
{
    guint end = p->n_nodes + 1;

    for (guint i = 0; i < p->n_values; i++) {
        SthValue *value = g_ptr_array_index(p->graph->values, i);
        p->owner[i] = i;
        p->blocks[i].bytes = value->constant ? 0 : STH_ALIGN_UP(sth_tensor_bytes(&value->tensor) + STH_ALIGN);
    }
    for (guint n = 0; n < p->n_nodes; n++) {
        SthNode *node = g_ptr_array_index(p->graph->nodes, n);
        for (guint i = 0; i < node->outputs->len; i++) {
            SthValue *value = sth_node_output(node, i);
            if (value) {
                Block *block = &p->blocks[value_index(p, value)];
                block->first = block->last = n + 1;
            }
        }
        for (guint i = 0; i < node->inputs->len; i++) {
            SthValue *value = sth_node_input(node, i);
            if (value)
                p->blocks[value_index(p, value)].last = n + 1;
        }
        p->blocks[p->n_values + n] = (Block){.bytes = STH_ALIGN_UP(node->scratch), .first = n + 1, .last = n + 1};
    }
    for (guint i = 0; i < p->graph->outputs->len; i++)
        p->blocks[value_index(p, g_ptr_array_index(p->graph->outputs, i))].last = end;
}

/* Lets an output use the block of an input. A view shares in any case; an in-place result only if nobody needs the input's block later. */
static gboolean share(Planner *p, guint step, SthValue *in, SthValue *out, gboolean view)
{
    guint to = in && !in->constant ? value_index(p, in) : 0, from = value_index(p, out);
    Block *block;

    if (!in || in->constant || sth_tensor_bytes(&in->tensor) != sth_tensor_bytes(&out->tensor))
        return FALSE;
    to = p->owner[to];
    block = &p->blocks[to];
    if (!view && block->last > step)
        return FALSE;
    p->owner[from] = to;
    block->last = MAX(block->last, p->blocks[from].last);
    p->blocks[from].bytes = 0;
    return TRUE;
}

/* The output in the block of an input that the node allows for this, and no other input has. */
static void share_in_place(Planner *p, guint step, SthNode *node)
{
    for (guint i = 0; i < node->inputs->len && node->in_place >> i; i++) {
        SthValue *in = sth_node_input(node, i);
        gboolean alone = node->in_place >> i & 1 && in && !in->constant;

        for (guint k = 0; alone && k < node->inputs->len; k++) {
            SthValue *other = sth_node_input(node, k);

            alone = k == i || !other || other->constant || p->owner[value_index(p, other)] != p->owner[value_index(p, in)];
        }
        if (alone && share(p, step, in, sth_node_output(node, 0), FALSE))
            return;
    }
}

static void share_blocks(Planner *p)
{
    for (guint n = 0; n < p->n_nodes; n++) {
        SthNode *node = g_ptr_array_index(p->graph->nodes, n);
        SthValue *out = sth_node_output(node, 0);

        if (!out)
            continue;
        if (node->op->flags & STH_OP_VIEW)
            share(p, n + 1, sth_node_input(node, 0), out, TRUE);
        else if (!((node->op->flags & STH_OP_INPLACE_0) && share(p, n + 1, sth_node_input(node, 0), out, FALSE)) &&
                 (node->op->flags & STH_OP_INPLACE_1))
            share(p, n + 1, sth_node_input(node, 1), out, FALSE);
        else
            share_in_place(p, n + 1, node);
    }
}

static int by_size(const void *a, const void *b)
{
    const Block *x = *(Block *const *)a, *y = *(Block *const *)b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Lowest offset at which the block overlaps no placed block (sorted by offset) that lives at the same time. */
static gsize place(GPtrArray *placed, Block *block)
{
    gsize offset = 0;
    guint at = 0;

    for (guint i = 0; i < placed->len; i++) {
        const Block *other = g_ptr_array_index(placed, i);
        if (other->last < block->first || other->first > block->last)
            continue;
        if (other->offset >= offset + block->bytes)
            break;
        offset = MAX(offset, other->offset + other->bytes);
    }
    block->offset = offset;
    while (at < placed->len && ((Block *)g_ptr_array_index(placed, at))->offset < offset)
        at++;
    g_ptr_array_insert(placed, (gint)at, block);
    return offset + block->bytes;
}

static gsize place_all(Planner *p)
{
    guint n = p->n_values + p->n_nodes, used = 0;
    g_autofree Block **order = g_new(Block *, n + 1);
    g_autoptr(GPtrArray) placed = g_ptr_array_new();
    gsize bytes = 0;

    for (guint i = 0; i < n; i++) {
        if (p->blocks[i].bytes > 0)
            order[used++] = &p->blocks[i];
    }
    qsort(order, used, sizeof(*order), by_size);
    for (guint i = 0; i < used; i++) {
        gsize end = place(placed, order[i]);
        bytes = MAX(bytes, end);
    }
    return bytes;
}

SthPlan *sth_plan_new(SthGraph *graph)
{
    Planner p = {.graph = graph, .n_values = graph->values->len, .n_nodes = graph->nodes->len};
    SthPlan *plan = g_new0(SthPlan, 1);

    p.index = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < p.n_values; i++)
        g_hash_table_insert(p.index, g_ptr_array_index(graph->values, i), GUINT_TO_POINTER(i + 1));
    p.blocks = g_new0(Block, p.n_values + p.n_nodes + 1);
    p.owner = g_new0(guint, p.n_values + 1);
    find_lifetimes(&p);
    share_blocks(&p);
    plan->arena_bytes = place_all(&p);

    plan->value_offset = g_new(gsize, p.n_values + 1);
    plan->node_scratch = g_new(gsize, p.n_nodes + 1);
    for (guint i = 0; i < p.n_values; i++) {
        SthValue *value = g_ptr_array_index(graph->values, i);
        plan->value_offset[i] = value->constant ? STH_PLAN_CONSTANT : p.blocks[p.owner[i]].offset;
    }
    for (guint n = 0; n < p.n_nodes; n++) {
        SthNode *node = g_ptr_array_index(graph->nodes, n);
        plan->node_scratch[n] = p.blocks[p.n_values + n].offset;
        plan->thread_scratch = MAX(plan->thread_scratch, STH_ALIGN_UP(node->thread_scratch));
    }
    g_hash_table_unref(p.index);
    g_free(p.blocks);
    g_free(p.owner);
    return plan;
}

void sth_plan_free(SthPlan *plan)
{
    if (!plan)
        return;
    g_free(plan->value_offset);
    g_free(plan->node_scratch);
    g_free(plan);
}
