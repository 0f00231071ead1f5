/* Sessions: a model's nodes bound to memory, so that a run is a walk over ready-made calls.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include <sth/sth-error.h>
#include <sth/sth-session.h>

#include "base/memory.h"
#include "base/pool.h"
#include "model/model-private.h"
#include "ops/op.h"

typedef struct {
    const SthOp *op; /* NULL: nothing to do, a view */
    SthOpRun run;
} Step;

struct _SthSession {
    SthModel *model;
    SthPool *pool;
    guint threads;
    guint8 *arena, *thread_scratch;
    SthTensor *values;  /* by position in graph->values */
    SthTensor *tensors; /* the steps' inputs and outputs, one after another */
    Step *steps;        /* by position in graph->nodes */
    guint n_steps;
    SthTensor *inputs, *outputs;
};

/* Points every value at its place: the arena, or the model's constants. */
static void bind_values(SthSession *session)
{
    const SthGraph *graph = session->model->graph;
    const SthPlan *plan = session->model->plan;

    session->values = g_new0(SthTensor, graph->values->len + 1);
    for (guint i = 0; i < graph->values->len; i++) {
        const SthValue *value = g_ptr_array_index(graph->values, i);
        session->values[i] = value->tensor;
        if (plan->value_offset[i] != STH_PLAN_CONSTANT)
            session->values[i].data = session->arena + plan->value_offset[i];
    }
}

static guint copy_tensors(SthTensor *to, const GPtrArray *values, GHashTable *index, const SthTensor *bound)
{
    for (guint i = 0; i < values->len; i++) {
        gpointer value = g_ptr_array_index(values, i);
        if (value)
            to[i] = bound[GPOINTER_TO_UINT(g_hash_table_lookup(index, value)) - 1];
    }
    return values->len;
}

static void bind_steps(SthSession *session)
{
    const SthGraph *graph = session->model->graph;
    const SthPlan *plan = session->model->plan;
    g_autoptr(GHashTable) index = g_hash_table_new(NULL, NULL);
    SthTensor *next;
    guint total = 0;

    for (guint i = 0; i < graph->values->len; i++)
        g_hash_table_insert(index, g_ptr_array_index(graph->values, i), GUINT_TO_POINTER(i + 1));
    for (guint i = 0; i < graph->nodes->len; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        total += node->inputs->len + node->outputs->len;
    }
    next = session->tensors = g_new0(SthTensor, total + 1);
    session->n_steps = graph->nodes->len;
    session->steps = g_new0(Step, session->n_steps + 1);
    for (guint i = 0; i < session->n_steps; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        Step *step = &session->steps[i];
        SthOpRun *run = &step->run;

        step->op = node->op->flags & STH_OP_VIEW ? NULL : node->op;
        run->in = next;
        run->n_in = copy_tensors(next, node->inputs, index, session->values);
        next += run->n_in;
        run->out = next;
        run->n_out = copy_tensors(next, node->outputs, index, session->values);
        next += run->n_out;
        run->prepared = node->prepared;
        run->scratch = session->arena + plan->node_scratch[i];
        run->thread_scratch = session->thread_scratch;
        run->thread_stride = plan->thread_scratch;
        run->pool = session->pool;
        run->threads = session->threads;
    }
    session->inputs = g_new0(SthTensor, graph->inputs->len + 1);
    copy_tensors(session->inputs, graph->inputs, index, session->values);
    session->outputs = g_new0(SthTensor, graph->outputs->len + 1);
    copy_tensors(session->outputs, graph->outputs, index, session->values);
}

/* Takes over @pool. */
static SthSession *session_new(SthModel *model, guint threads, SthPool *pool, GError **error)
{
    SthSession *session = g_new0(SthSession, 1);
    const SthPlan *plan = model->plan;

    session->model = sth_model_ref(model);
    session->pool = pool;
    session->threads = threads ? MIN(threads, sth_pool_threads(session->pool)) : sth_pool_threads(session->pool);
    session->arena = sth_aligned_try_alloc(plan->arena_bytes);
    session->thread_scratch = sth_aligned_try_alloc(plan->thread_scratch * session->threads);
    if (!session->arena || !session->thread_scratch) {
        g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "%s: no memory for a session (%.1f MB)", model->path,
                    (double)(plan->arena_bytes + plan->thread_scratch * session->threads) * 1e-6);
        sth_session_free(session);
        return NULL;
    }
    bind_values(session);
    bind_steps(session);
    return session;
}

SthSession *sth_session_new(SthModel *model, guint threads, GError **error)
{
    return session_new(model, threads, sth_pool_get(), error);
}

SthSession *sth_session_new_background(SthModel *model, guint threads, GError **error)
{
    return session_new(model, threads, sth_pool_get_background(), error);
}

void sth_session_free(SthSession *session)
{
    if (!session)
        return;
    sth_aligned_free(session->arena);
    sth_aligned_free(session->thread_scratch);
    g_free(session->values);
    g_free(session->tensors);
    g_free(session->steps);
    g_free(session->inputs);
    g_free(session->outputs);
    sth_pool_unref(session->pool);
    sth_model_unref(session->model);
    g_free(session);
}

const SthTensor *sth_session_get_input(SthSession *session, guint index)
{
    g_return_val_if_fail(index < session->model->graph->inputs->len, NULL);
    return &session->inputs[index];
}

const SthTensor *sth_session_get_output(SthSession *session, guint index)
{
    g_return_val_if_fail(index < session->model->graph->outputs->len, NULL);
    return &session->outputs[index];
}

void sth_session_run(SthSession *session)
{
    for (guint i = 0; i < session->n_steps; i++) {
        const Step *step = &session->steps[i];
        if (step->op)
            step->op->run(&step->run);
    }
}

guint sth_session_get_threads(SthSession *session)
{
    return session->threads;
}

gsize sth_session_get_bytes(SthSession *session)
{
    return session->model->plan->arena_bytes + session->model->plan->thread_scratch * session->threads;
}

guint sth_session_get_n_nodes(SthSession *session)
{
    return session->n_steps;
}

void sth_session_get_node(SthSession *session, guint node, SthSessionNode *info)
{
    const SthNode *from;

    g_return_if_fail(node < session->n_steps);
    from = g_ptr_array_index(session->model->graph->nodes, node);
    *info = (SthSessionNode){.name = from->name, .op = from->op_type, .method = from->method, .macs = from->macs};
}

void sth_session_run_timed(SthSession *session, guint64 *ns)
{
    for (guint i = 0; i < session->n_steps; i++) {
        const Step *step = &session->steps[i];
        struct timespec from, to;

        clock_gettime(CLOCK_MONOTONIC, &from);
        if (step->op)
            step->op->run(&step->run);
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns[i] = (guint64)((to.tv_sec - from.tv_sec) * G_GINT64_CONSTANT(1000000000) + to.tv_nsec - from.tv_nsec);
    }
}
