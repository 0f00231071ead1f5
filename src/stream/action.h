/* Action: when an action starts and ends, by hysteresis over the smoothed confidences.
 *
 *   none -> going on: the best class that is not the background reaches start_threshold
 *   going on -> none: its confidence falls below end_threshold
 *   going on -> another: another class (not the background) reaches start_threshold and is higher
 *
 * An action is told (STH_EVENT_START) once it has lasted min_duration; one that ends earlier is never told. Its times are the middles of the
 * first and the last window that carried it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-result.h>

G_BEGIN_DECLS

typedef struct {
    float start, end; /* thresholds, end <= start */
    guint64 min_duration_ns;
    gint background; /* class, -1: none */
} SthActionRule;

typedef struct {
    SthAction current; /* index -1: none */
    gboolean told;
    gboolean broken; /* the stream was interrupted: current ends with the next window whatever that says */
} SthActionState;

void sth_action_init(SthActionState *state);
/* The next window: confidences of @n classes. Sets result->action, ended, events. result->window_start and _end must be set. */
void sth_action_update(SthActionState *state, const SthActionRule *rule, const float *confidence, guint n, SthResult *result);
/* The stream was interrupted: an action that is going on ends, and is told with the next window. */
void sth_action_break(SthActionState *state);
/* Ends what is going on; the end is added to @result, which may tell events of its window already. An action that @result itself would start
 * in the place of one that it ends is taken back: it has no duration. TRUE if an end was told. */
gboolean sth_action_close(SthActionState *state, SthResult *result);

G_END_DECLS
