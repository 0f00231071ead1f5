/* Sessions: one place to run a model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>
#include <sth/sth-session.h>

#include "base/memory.h"
#include "model/model-private.h"
#include "session/binding.h"
#include "session/clip_frame.h"
#include "session/frame_cache.h"

struct _SthSession {
    SthModel *model;
    SthBindingThreads threads;
    SthBinding *window;    /* the model's graph */
    SthFrameCache *frames; /* NULL: the graph does all */
    SthTensor *inputs, *outputs;
};

static gboolean allocate(SthSession *session)
{
    SthModel *model = session->model;
    SthBindingThreads *threads = &session->threads;

    threads->scratch_stride = model->plan->thread_scratch;
    if (model->frame_plan)
        threads->scratch_stride = MAX(threads->scratch_stride, model->frame_plan->thread_scratch);
    threads->scratch = sth_aligned_try_alloc(threads->scratch_stride * threads->threads);
    if (!threads->scratch || !(session->window = sth_binding_new(model->graph, model->plan, threads)))
        return FALSE;
    if (model->split && !(session->frames = sth_frame_cache_new(model, session->window, threads)))
        return FALSE;
    session->inputs = sth_binding_tensors(session->window, model->graph->inputs);
    session->outputs = sth_binding_tensors(session->window, model->graph->outputs);
    return TRUE;
}

/* Takes over @pool. */
static SthSession *session_new(SthModel *model, guint threads, SthPool *pool, GError **error)
{
    SthSession *session = g_new0(SthSession, 1);

    session->model = sth_model_ref(model);
    session->threads.pool = pool;
    session->threads.threads = threads ? MIN(threads, sth_pool_threads(pool)) : sth_pool_threads(pool);
    if (allocate(session))
        return session;
    g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "%s: no memory for a session (%.1f MB)", model->path,
                (double)sth_session_get_bytes(session) * 1e-6);
    sth_session_free(session);
    return NULL;
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
    sth_frame_cache_free(session->frames);
    sth_binding_free(session->window);
    sth_aligned_free(session->threads.scratch);
    g_free(session->inputs);
    g_free(session->outputs);
    sth_pool_unref(session->threads.pool);
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
    if (session->frames)
        sth_frame_cache_fill_clip(session->frames, session->inputs[0].data, NULL);
    sth_binding_run(session->window);
}

void sth_session_run_window(SthSession *session, const float *const *frame, const guint64 *id)
{
    const SthModelInfo *info = &session->model->info;

    g_return_if_fail(!session->model->no_clip);
    if (session->frames)
        sth_frame_cache_fill(session->frames, frame, id);
    for (guint i = 0; i < info->frames && !session->frames; i++)
        sth_clip_put_frame(session->inputs[0].data, info->layout, info->frames, i, (gsize)info->height * info->width, frame[i]);
    sth_binding_run(session->window);
}

guint sth_session_get_threads(SthSession *session)
{
    return session->threads.threads;
}

/* Nodes of the graph of one frame; they come first. */
static guint n_frame_nodes(const SthSession *session)
{
    return session->model->split ? session->model->split->graph->nodes->len : 0;
}

gsize sth_session_get_bytes(SthSession *session)
{
    return sth_model_get_arena_bytes(session->model) + session->threads.scratch_stride * session->threads.threads;
}

guint sth_session_get_n_nodes(SthSession *session)
{
    return n_frame_nodes(session) + session->model->graph->nodes->len;
}

void sth_session_get_node(SthSession *session, guint node, SthSessionNode *info)
{
    const SthModel *model = session->model;
    const guint first = n_frame_nodes(session);
    const SthNode *from;

    g_return_if_fail(node < sth_session_get_n_nodes(session));
    from = g_ptr_array_index(node < first ? model->split->graph->nodes : model->graph->nodes, node < first ? node : node - first);
    *info = (SthSessionNode){
        .name = from->name,
        .op = from->op_type,
        .method = from->method,
        .macs = from->macs * (node < first ? model->split->frames : 1),
    };
}

void sth_session_run_timed(SthSession *session, guint64 *ns)
{
    for (guint i = 0; i < sth_session_get_n_nodes(session); i++)
        ns[i] = 0;
    if (session->frames)
        sth_frame_cache_fill_clip(session->frames, session->inputs[0].data, ns);
    sth_binding_run_timed(session->window, ns + n_frame_nodes(session));
}
