/* WebVTT (W3C, Candidate Recommendation of 4 April 2019): subtitles that say what goes on.
 *
 * Events: a cue for each action, from its start to its end. Results: a cue for each run of windows with the same label, from the start of its
 * first window to the end of its last one; where windows overlap, the earlier label keeps the time that it has. A cue is written when its end is
 * known.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "export/exporter.h"

#define NS_PER_MS G_GUINT64_CONSTANT(1000000)
/* An action that only one window carried starts and ends at one instant: long enough to be read. */
#define MIN_ACTION_CUE (500 * NS_PER_MS)

typedef struct {
    gboolean open;
    gint index;
    char *label;
    guint64 start, end;
    float peak;
    guint64 written; /* end of the newest cue */
} VttState;

static void append_time(GString *out, guint64 ns)
{
    const guint64 ms = ns / NS_PER_MS;
    g_string_append_printf(out, "%02" G_GUINT64_FORMAT ":%02u:%02u.%03u", ms / 3600000, (guint)(ms / 60000 % 60), (guint)(ms / 1000 % 60),
                           (guint)(ms % 1000));
}

/* One line of cue text: no markup, no line breaks, and as '>' is escaped no "-->" either. */
static void append_text(GString *out, const char *text)
{
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (c == '&')
            g_string_append(out, "&amp;");
        else if (c == '<')
            g_string_append(out, "&lt;");
        else if (c == '>')
            g_string_append(out, "&gt;");
        else if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
            g_string_append_c(out, ' ');
        else
            g_string_append_unichar(out, c);
    }
}

/* Writes the open cue. @shortest, ns: a cue must not be empty. */
static void close_cue(VttState *vtt, guint64 shortest, GString *out)
{
    if (!vtt->open)
        return;
    vtt->open = FALSE;
    if (vtt->start == STH_TIME_NONE || vtt->end == STH_TIME_NONE) /* has no place in a subtitle file */
        return;
    vtt->end = MAX(vtt->end, vtt->start + shortest);
    vtt->written = vtt->end;
    append_time(out, vtt->start);
    g_string_append(out, " --> ");
    append_time(out, vtt->end);
    g_string_append_c(out, '\n');
    append_text(out, vtt->label);
    if (isfinite(vtt->peak))
        g_string_append_printf(out, " %d%%", (int)(CLAMP(vtt->peak, 0.0f, 1.0f) * 100 + 0.5f));
    g_string_append(out, "\n\n");
}

static void open_cue(VttState *vtt, gint index, const char *label, guint64 start, guint64 end, float peak)
{
    g_free(vtt->label);
    *vtt = (VttState){
        .open = TRUE, .index = index, .label = sth_export_label(label, index), .start = start, .end = end, .peak = peak, .written = vtt->written};
}

static void event_cues(VttState *vtt, const SthRecord *record, GString *out)
{
    if (record->events & STH_EVENT_END) {
        const SthAction *ended = &record->ended;
        vtt->open = FALSE; /* what the start told is in `ended`, complete */
        open_cue(vtt, ended->index, record->ended_label, ended->start, ended->end, ended->peak);
        close_cue(vtt, MIN_ACTION_CUE, out);
    }
    const SthAction *action = &record->action;
    const gboolean over = (record->events & STH_EVENT_END) && record->ended.index == action->index && record->ended.start == action->start;
    if ((record->events & STH_EVENT_START) && !over)
        open_cue(vtt, action->index, record->action_label, action->start, action->end, action->peak);
}

static void result_cues(VttState *vtt, const SthRecord *record, GString *out)
{
    const gboolean named = record->label >= 0 && (guint)record->label < record->n_top;
    const SthScore *score = named ? &record->top[record->label] : NULL;
    const guint64 start = record->window_start != STH_TIME_NONE ? record->window_start : record->timestamp;
    const guint64 end = record->window_end != STH_TIME_NONE ? record->window_end : record->timestamp;

    if (start == STH_TIME_NONE || end == STH_TIME_NONE)
        return;
    /* A run bears a window that was skipped, no longer silence. */
    const gboolean follows = start >= vtt->start && start <= vtt->end + (end - start);
    if (vtt->open && named && score->index == vtt->index && follows) {
        vtt->end = MAX(vtt->end, end);
        vtt->peak = MAX(vtt->peak, score->confidence);
        return;
    }
    close_cue(vtt, NS_PER_MS, out);
    /* A window that ends before the newest cue does: the times went back. */
    if (named)
        open_cue(vtt, score->index, record->top_label[record->label], end > vtt->written ? MAX(start, vtt->written) : start, end, score->confidence);
}

static void vtt_start(gpointer state, GString *out)
{
    g_string_append(out, "WEBVTT\n\n");
}

static void vtt_record(gpointer state, SthExportEmit emit, const SthRecord *record, GString *out)
{
    if (emit == STH_EXPORT_EVENTS)
        event_cues(state, record, out);
    else if (!record->held)
        result_cues(state, record, out);
}

static void vtt_finish(gpointer state, SthExportEmit emit, guint64 end, GString *out)
{
    VttState *vtt = state;
    if (emit == STH_EXPORT_EVENTS && end != STH_TIME_NONE)
        vtt->end = MAX(vtt->end, end);
    close_cue(vtt, emit == STH_EXPORT_EVENTS ? MIN_ACTION_CUE : NS_PER_MS, out);
}

static void vtt_clear(gpointer state)
{
    VttState *vtt = state;
    g_free(vtt->label);
}

const SthExportClass sth_format_vtt = {
    .format = {"vtt", "application/x-subtitle-vtt", "WebVTT subtitles: a cue for each action"},
    .state_size = sizeof(VttState),
    .start = vtt_start,
    .record = vtt_record,
    .finish = vtt_finish,
    .clear = vtt_clear,
};
