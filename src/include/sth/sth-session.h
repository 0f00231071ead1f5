/* libsth: sessions. A session is one place to run a model: its arena and its
 * tensors. It belongs to one thread at a time; sessions of the same model are
 * independent.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

G_BEGIN_DECLS

typedef struct _SthSession SthSession;

/**
 * sth_session_new:
 * @threads: at most this many threads run the network, the caller included;
 * 0: as many as the CPU affinity mask of the process allows.
 *
 * Allocates everything that a run needs. Results do not depend on @threads, bit for bit.
 * Returns: a session that holds a reference on @model; NULL with @error (STH_ERROR_SYSTEM).
 */
SthSession *sth_session_new(SthModel *model, guint threads, GError **error);
/* As sth_session_new(), for a network that runs beside something more urgent, such as live video: the library's own threads run it at a low
 * priority. The caller's priority is the caller's. */
SthSession *sth_session_new_background(SthModel *model, guint threads, GError **error);
void sth_session_free(SthSession *session);

/* The input's tensor: write its data before each run; a run may overwrite it. Lives as long as the session. */
const SthTensor *sth_session_get_input(SthSession *session, guint index);
/* The output's tensor: valid after a run, until the next one. */
const SthTensor *sth_session_get_output(SthSession *session, guint index);
/* Runs the network. Allocates nothing, takes no lock that another stream holds for long, cannot fail. */
void sth_session_run(SthSession *session);
/* Runs a clip network on a window: info->frames frames, oldest first, each three planes of info->height * info->width floats (in the order of
 * info->bgr, normalised), whatever the model's layout is. @id says which frame it is: two with the same number are the same, in this call and from
 * one call of this session to the next, which is how a model that was opened as sliding knows what it has computed before. The outputs are
 * those of sth_session_run(), bit for bit. For models with a clip view. Contents of the input's tensor are undefined afterwards. */
void sth_session_run_window(SthSession *session, const float *const *frame, const guint64 *id);
/* Threads that a run may use. */
guint sth_session_get_threads(SthSession *session);

/* Memory of the session itself, bytes: what flows between the nodes, and the threads' scratch memory. Weights belong to the model. */
gsize sth_session_get_bytes(SthSession *session);

/* A node of the graph that runs. The strings live as long as the session. */
typedef struct {
    const char *name, *op; /* "blocks.3.conv1/Conv", "Conv" */
    const char *method;    /* which of several ways was chosen to run it ("winograd"); NULL where there is one way */
    guint64 macs;          /* multiply-accumulates of a run, counted as by sth_model_get_macs() */
} SthSessionNode;

/* Nodes in running order; @node from 0 on. */
guint sth_session_get_n_nodes(SthSession *session);
void sth_session_get_node(SthSession *session, guint node, SthSessionNode *info);
/* A run that takes the time of each node: fills @ns with as many durations as there are nodes. */
void sth_session_run_timed(SthSession *session, guint64 *ns);

G_END_DECLS
