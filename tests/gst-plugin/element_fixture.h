/* What the tests of elements share: a harness with a bus, frames, results.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "gststhmeta.h"

G_BEGIN_DECLS

/* A model of two frames a window, 13 x 11, four classes, 8 frames a second: a window is due at every sampled frame from the second on. */
#define TINY_MODEL "sth_two_frames_form_a.onnx"
/* Eight frames, 17 x 15, nine classes. */
#define EIGHT_MODEL "sth_eight_frames_form_a.onnx"

#define SAMPLE (GST_SECOND / 8)

typedef struct {
    GstElement *element; /* the one under test */
    GstBus *bus;
    GstHarness *harness;
    GstVideoInfo info; /* of the frames that fixture_frame() makes */
    guint state;       /* of the noise in the frames */
} Fixture;

/* Path of a file among tests/goldens; owned by the test program. */
const char *golden_path(const char *name);
/* The default model. */
const char *default_model_path(void);

/* A new folder for the files of a test program, and its end with all that is in it. */
char *test_folder_new(void);
void test_folder_free(char *folder);

/* `factory` with `properties` as gst-launch-1.0 reads them, from NULL to PLAYING; no caps yet. */
void fixture_open(Fixture *fixture, const char *factory, const char *properties);
/* sthclassify with a model of tests/goldens, in sync mode unless `properties` says otherwise; 64 x 48 RGB at 8 frames a second. */
void fixture_open_classify(Fixture *fixture, const char *model, const char *properties);
void fixture_close(Fixture *fixture);
/* Sends caps (and, the first time, stream-start and segment). */
void fixture_set_caps(Fixture *fixture, const char *caps);

/* A frame of noise with this PTS; the caller owns it. */
GstBuffer *fixture_frame(Fixture *fixture, GstClockTime pts, GstClockTime duration);
/* Pushes a frame and takes what comes out, which must be one frame with the same PTS. */
GstBuffer *fixture_pass(Fixture *fixture, GstClockTime pts);
/* As fixture_pass(); TRUE with *value if the frame carries a result. Strings in *value live as long as `fixture_last` is not passed on. */
gboolean fixture_result(Fixture *fixture, GstClockTime pts, GstSthClassification *value, GstBuffer **buffer);

/* The next message "sthclassify" whose field `event` is this; NULL if there is none left. The messages before it are dropped. */
GstMessage *fixture_message(Fixture *fixture, const char *event);
guint fixture_count_messages(Fixture *fixture, const char *event);
/* The next event downstream with a result; NULL if there is none left. Others before it are dropped. */
GstEvent *fixture_result_event(Fixture *fixture);
guint64 fixture_stat(Fixture *fixture, const char *name);

/* Sets `properties` on a new `factory`, which must fail to start; returns the text of the error message. Free with g_free(). */
char *start_error(const char *factory, const char *properties);

G_END_DECLS
