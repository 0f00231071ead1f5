/* One video of `sth classify`: what it says as text, and as a picture.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth.h>

G_BEGIN_DECLS

/* Of all videos of a run. */
typedef struct {
    SthModel *model;
    const SthModelInfo *info;
    const char *model_file;
    SthStreamConfig config;
    const SthExportFormat *format;
    SthExportEmit emit;
    gboolean clip; /* one result a video, in JSON; `format` and `emit` say nothing */
    gboolean head; /* each text has the format's head */
} SthClassifySettings;

/* Where one video's text goes. `write` returns FALSE with @error when it cannot. */
typedef struct {
    gboolean (*write)(gpointer data, const char *text, gsize length, GError **error);
    void (*progress)(gpointer data, guint64 position, guint64 duration); /* ns; STH_TIME_NONE: not known */
    gpointer data;
} SthClassifySink;

/* Both FALSE with @error, after writing what was seen until then. */
gboolean sth_classify_video(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, GError **error);
/* The same through the elements of the plugin, which also draw; not for captions, whose times would be lost: @picture is a new .mp4, .mov or .mkv with the video, the overlay and the sound. */
gboolean sth_classify_render(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, const char *picture,
                             GError **error);
/* Whether @picture ends in what sth_classify_render() writes. */
gboolean sth_classify_can_render(const char *picture);

G_END_DECLS
