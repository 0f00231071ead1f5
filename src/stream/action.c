/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/action.h"

static const SthAction none = {.index = -1, .start = STH_TIME_NONE, .end = STH_TIME_NONE};

void sth_action_init(SthActionState *state)
{
    *state = (SthActionState){.current = none};
}

static void end_current(SthActionState *state, SthResult *result)
{
    if (state->told) {
        result->events |= STH_EVENT_END;
        result->ended = state->current;
    }
    state->current = none;
    state->told = FALSE;
}

static gint best_class(const float *confidence, guint n, gint background)
{
    gint best = -1;
    for (guint i = 0; i < n; i++)
        if ((gint)i != background && (best < 0 || confidence[i] > confidence[best]))
            best = (gint)i;
    return best;
}

void sth_action_update(SthActionState *state, const SthActionRule *rule, const float *confidence, guint n, SthResult *result)
{
    const guint64 middle = result->window_start + (result->window_end - result->window_start) / 2;
    const gint best = best_class(confidence, n, rule->background);
    SthAction *current = &state->current;

    result->events = STH_EVENT_NONE;
    result->ended = none;
    if (current->index >= 0) {
        const float now = confidence[current->index];
        const gboolean overtaken = best != current->index && confidence[best] >= rule->start && confidence[best] > now;
        if (state->broken || overtaken || now < rule->end)
            end_current(state, result);
    }
    state->broken = FALSE;
    if (current->index < 0 && best >= 0 && confidence[best] >= rule->start)
        *current = (SthAction){.index = best, .start = middle};
    if (current->index >= 0) {
        current->end = middle;
        current->peak = MAX(current->peak, confidence[current->index]);
        if (!state->told && middle - current->start >= rule->min_duration_ns) {
            state->told = TRUE;
            result->events |= STH_EVENT_START;
        }
    }
    result->action = state->told ? *current : none;
}

void sth_action_break(SthActionState *state)
{
    if (state->told)
        state->broken = TRUE;
    else
        state->current = none;
}

gboolean sth_action_close(SthActionState *state, SthResult *result)
{
    if (result->events & STH_EVENT_END) {
        result->events &= ~(guint)STH_EVENT_START;
        state->told = FALSE;
    }
    const gboolean told = state->told;
    end_current(state, result);
    state->broken = FALSE;
    /* An action of one window both starts and ends with it: `action` says which one started. */
    if (!(result->events & STH_EVENT_START))
        result->action = none;
    return told;
}
