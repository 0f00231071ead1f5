/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/binding.h"

#include <time.h>

#include "base/memory.h"
#include "ops/op.h"

typedef struct {
    const SthOp *op; /* NULL: nothing to do, a view */
    SthOpRun run;
} Step;

struct _SthBinding {
    const SthGraph *graph;
    guint8 *arena;
    GHashTable *index;  /* SthValue * -> position + 1 in graph->values */
    SthTensor *values;  /* by that position */
    SthTensor *tensors; /* the steps' inputs and outputs, one after another */
    Step *steps;        /* by position in graph->nodes */
    guint n_steps;
};

/* Points every value at its place: the arena, or the model's constants. */
static void bind_values(SthBinding *binding, const SthPlan *plan)
{
    const GPtrArray *values = binding->graph->values;

    binding->index = g_hash_table_new(NULL, NULL);
    binding->values = g_new0(SthTensor, values->len + 1);
    for (guint i = 0; i < values->len; i++) {
        SthValue *value = g_ptr_array_index(values, i);
        g_hash_table_insert(binding->index, value, GUINT_TO_POINTER(i + 1));
        binding->values[i] = value->tensor;
        if (plan->value_offset[i] != STH_PLAN_CONSTANT)
            binding->values[i].data = binding->arena + plan->value_offset[i];
    }
}

SthTensor sth_binding_tensor(const SthBinding *binding, const SthValue *value)
{
    return binding->values[GPOINTER_TO_UINT(g_hash_table_lookup(binding->index, value)) - 1];
}

static guint copy_tensors(const SthBinding *binding, SthTensor *to, const GPtrArray *values)
{
    for (guint i = 0; i < values->len; i++) {
        const SthValue *value = g_ptr_array_index(values, i);
        if (value)
            to[i] = sth_binding_tensor(binding, value);
    }
    return values->len;
}

SthTensor *sth_binding_tensors(const SthBinding *binding, const GPtrArray *values)
{
    SthTensor *tensors = g_new0(SthTensor, values->len + 1);

    copy_tensors(binding, tensors, values);
    return tensors;
}

static void bind_steps(SthBinding *binding, const SthPlan *plan, const SthBindingThreads *threads)
{
    const SthGraph *graph = binding->graph;
    SthTensor *next;
    guint total = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        total += node->inputs->len + node->outputs->len;
    }
    next = binding->tensors = g_new0(SthTensor, total + 1);
    binding->n_steps = graph->nodes->len;
    binding->steps = g_new0(Step, binding->n_steps + 1);
    for (guint i = 0; i < binding->n_steps; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        Step *step = &binding->steps[i];
        SthOpRun *run = &step->run;

        step->op = node->op->flags & STH_OP_VIEW ? NULL : node->op;
        run->in = next;
        run->n_in = copy_tensors(binding, next, node->inputs);
        next += run->n_in;
        run->out = next;
        run->n_out = copy_tensors(binding, next, node->outputs);
        next += run->n_out;
        run->prepared = node->prepared;
        run->scratch = binding->arena + plan->node_scratch[i];
        run->thread_scratch = threads->scratch;
        run->thread_stride = threads->scratch_stride;
        run->pool = threads->pool;
        run->threads = threads->threads;
    }
}

SthBinding *sth_binding_new(const SthGraph *graph, const SthPlan *plan, const SthBindingThreads *threads)
{
    SthBinding *binding = g_new0(SthBinding, 1);

    binding->graph = graph;
    binding->arena = sth_aligned_try_alloc(plan->arena_bytes);
    if (!binding->arena) {
        g_free(binding);
        return NULL;
    }
    bind_values(binding, plan);
    bind_steps(binding, plan, threads);
    return binding;
}

void sth_binding_free(SthBinding *binding)
{
    if (!binding)
        return;
    sth_aligned_free(binding->arena);
    g_hash_table_unref(binding->index);
    g_free(binding->values);
    g_free(binding->tensors);
    g_free(binding->steps);
    g_free(binding);
}

void sth_binding_run(const SthBinding *binding)
{
    for (guint i = 0; i < binding->n_steps; i++) {
        const Step *step = &binding->steps[i];
        if (step->op)
            step->op->run(&step->run);
    }
}

void sth_binding_run_timed(const SthBinding *binding, guint64 *ns)
{
    for (guint i = 0; i < binding->n_steps; i++) {
        const Step *step = &binding->steps[i];
        struct timespec from, to;

        clock_gettime(CLOCK_MONOTONIC, &from);
        if (step->op)
            step->op->run(&step->run);
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns[i] += (guint64)((to.tv_sec - from.tv_sec) * G_GINT64_CONSTANT(1000000000) + to.tv_nsec - from.tv_nsec);
    }
}
