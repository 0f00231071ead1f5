/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake_model.h"

#include <sth/sth-error.h>

struct _SthSession {
    SthModel *model;
    SthTensor output;
    float out[FAKE_CLASSES];
};

void fake_model_init(SthModel *model)
{
    *model = (SthModel){.refs = 1};
    model->info = (SthModelInfo){.name = "fake",
                                 .n_classes = FAKE_CLASSES,
                                 .score_rows = 1,
                                 .background_label = -1,
                                 .layout = STH_LAYOUT_NTCHW,
                                 .frames = FAKE_FRAMES,
                                 .height = FAKE_SIZE,
                                 .width = FAKE_SIZE,
                                 .std = {1, 1, 1},
                                 .activation = STH_ACTIVATION_NONE,
                                 .rate_n = 10,
                                 .rate_d = 1};
}

SthModel *sth_model_ref(SthModel *model)
{
    g_atomic_int_inc(&model->refs);
    return model;
}

void sth_model_unref(SthModel *model)
{
    g_atomic_int_add(&model->refs, -1);
}

const SthModelInfo *sth_model_get_info(SthModel *model, GError **error)
{
    if (model->info.frames)
        return &model->info;
    g_set_error(error, STH_ERROR, STH_ERROR_SHAPE, "no clip");
    return NULL;
}

SthSession *sth_session_new(SthModel *model, guint threads, GError **error)
{
    SthSession *session = g_new0(SthSession, 1);
    session->model = sth_model_ref(model);
    session->output = (SthTensor){STH_DTYPE_FLOAT, {2, {1, FAKE_CLASSES}}, session->out};
    return session;
}

SthSession *sth_session_new_background(SthModel *model, guint threads, GError **error)
{
    return sth_session_new(model, threads, error);
}

void sth_session_free(SthSession *session)
{
    if (!session)
        return;
    sth_model_unref(session->model);
    g_free(session);
}

const SthTensor *sth_session_get_output(SthSession *session, guint index)
{
    return &session->output;
}

void sth_session_run_window(SthSession *session, const float *const *frame, const guint64 *id)
{
    float seen[FAKE_FRAMES], scores[FAKE_CLASSES] = {0};
    for (guint t = 0; t < FAKE_FRAMES; t++)
        seen[t] = frame[t][0];
    g_atomic_int_inc(&session->model->runs);
    if (session->model->run)
        session->model->run(session->model, seen, scores);
    for (guint k = 0; k < FAKE_CLASSES; k++)
        session->out[k] = scores[k];
}

SthStream *fake_stream_new(SthModel *model, const SthStreamConfig *config)
{
    const SthFrameFormat format = {.pixel = STH_PIXEL_GRAY8, .width = FAKE_SIZE, .height = FAKE_SIZE, .full_range = TRUE};
    GError *error = NULL;
    SthStream *stream = sth_stream_new(model, config, &error);
    g_assert_no_error(error);
    g_assert_true(sth_stream_set_format(stream, &format, &error));
    g_assert_no_error(error);
    return stream;
}

gboolean fake_push(SthStream *stream, guint8 value, guint64 pts, SthResult *result)
{
    const guint8 pixels[FAKE_SIZE * FAKE_SIZE] = {value, value, value, value};
    const SthFrame frame = {.plane = {pixels}, .stride = {FAKE_SIZE}, .pts = pts};
    return sth_stream_wants(stream, pts) && sth_stream_push(stream, &frame, result);
}
