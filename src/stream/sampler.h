/* Sampler: which frames of a stream enter the window, by their PTS alone.
 *
 * Samples lie on a grid in time: sample k is at origin + k / rate, the origin is the first frame after a clear. A sample takes the first frame
 * whose PTS is not earlier than the grid point less a tolerance. The tolerance is 7/16 of the frame interval (that is: the nearest frame, as far as
 * it can be known without waiting for the next one), so that 15, 25, 30 and 60 frames a second put the same instants into a window, to within half
 * of their interval. It is not a whole half because a grid point often lies exactly between two frames (8 samples out of 60 frames a second):
 * timestamps rounded to milliseconds would then choose now one, now the other.
 * A video slower than the grid fills several grid points with one frame: a window always spans the time that the model was trained with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    guint64 step, step_remainder; /* 1 / rate, ns, as quotient and remainder over rate_n: the grid never drifts */
    guint rate_n;
    guint64 window_ns; /* a longer silence ends the grid */
    gboolean started;
    guint64 next, next_remainder; /* next grid point */
    guint64 last;                 /* PTS of the newest frame */
} SthSampler;

typedef struct {
    guint samples;    /* grid points that this frame stands for; 0: the frame is not sampled */
    gboolean cleared; /* PTS went back or jumped by more than a window: what came before does not belong to this */
} SthSample;

/* rate_n / rate_d samples a second, both >= 1; frames: samples in a window. */
void sth_sampler_init(SthSampler *sampler, guint rate_n, guint rate_d, guint frames);
/* The next frame is the origin of a new grid. */
void sth_sampler_reset(SthSampler *sampler);
/* Call it once for each frame, in order. A frame without PTS (STH_TIME_NONE) has no place in time and is not sampled. */
SthSample sth_sampler_next(SthSampler *sampler, guint64 pts);

G_END_DECLS
