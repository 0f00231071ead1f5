/* A model whose network is a function of the test: what a stream sees of models and sessions, without any.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-stream.h>

#define FAKE_FRAMES 4
#define FAKE_SIZE 2
#define FAKE_CLASSES 3

struct _SthModel {
    SthModelInfo info; /* 4 frames of 2 x 2, 3 classes, 10 frames a second, confidences, no mean; change it before the stream is made */
    gint refs, runs;   /* atomic */
    /* The network: the first value of each frame in the window, the scores. NULL: every score is 0. */
    void (*run)(SthModel *model, const float seen[FAKE_FRAMES], float scores[FAKE_CLASSES]);
    gpointer data;
};

void fake_model_init(SthModel *model);
/* Pushes a gray frame of one value: what the network sees of it. Returns sth_stream_push(), FALSE if the stream did not want it. */
gboolean fake_push(SthStream *stream, guint8 value, guint64 pts, SthResult *result);
/* A stream for such frames. */
SthStream *fake_stream_new(SthModel *model, const SthStreamConfig *config);
