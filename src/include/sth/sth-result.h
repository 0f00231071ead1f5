/* libsth: what a window's scores say.
 *
 * Times are nanoseconds in the clock of the frames' PTS; STH_TIME_NONE where there is none.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STH_TIME_NONE G_MAXUINT64
#define STH_MAX_TOP_K 16

typedef struct {
    gint index;       /* class */
    float confidence; /* 0…1 */
} SthScore;

/* The action that is going on, by hysteresis over the smoothed confidence: it starts when a class that is not
 * the background reaches start_threshold and ends when it falls below end_threshold or another class takes over.
 * Start and end are the middle of the first and of the last window that carried it. */
typedef enum {
    STH_EVENT_NONE = 0,
    STH_EVENT_START = 1 << 0, /* `action` started with this result */
    STH_EVENT_END = 1 << 1,   /* `ended` ended with this result; both at once when one action follows another */
} SthEvent;

typedef struct {
    gint index;         /* class; -1: none */
    guint64 start, end; /* end: of the newest window that carried it */
    float peak;         /* highest confidence so far */
} SthAction;

/* A plain value; copy it freely. Label names are in the model's info. */
typedef struct {
    guint64 sequence;                 /* of the window within its stream, from 0; skipped windows leave gaps */
    guint64 window_start, window_end; /* PTS of its first and last frame */
    guint64 inference_ns;             /* time that the network took */
    guint n_top;
    SthScore top[STH_MAX_TOP_K]; /* best first, after smoothing */
    gint label;                  /* top[0].index if it reaches the threshold and is not the background, else -1 */
    guint events;                /* SthEvent flags */
    SthAction action, ended;
} SthResult;

G_END_DECLS
