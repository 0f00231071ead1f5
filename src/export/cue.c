/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/cue.h"

#include <math.h>

#include "export/exporter.h"

#define NS_PER_MS G_GUINT64_CONSTANT(1000000)
/* An action that only one window carried starts and ends at one instant: long enough to be read. */
#define MIN_ACTION_CUE (500 * NS_PER_MS)
#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/* A cue must not be empty. */
static guint64 shortest(SthExportEmit emit)
{
    return emit == STH_EXPORT_EVENTS ? MIN_ACTION_CUE : NS_PER_MS;
}

static void close_cue(SthCueTrack *track, SthExportEmit emit, GString *out)
{
    SthCue *cue = &track->cue;
    if (!track->open)
        return;
    track->open = FALSE;
    if (cue->start == STH_TIME_NONE || cue->end == STH_TIME_NONE) /* has no place among subtitles */
        return;
    cue->end = MAX(cue->end, cue->start + shortest(emit));
    cue->number++;
    track->written = cue->end;
    track->write(cue, out);
}

static void open_cue(SthCueTrack *track, gint index, const char *label, guint64 start, guint64 end, float peak)
{
    g_free(track->cue.label);
    track->cue =
        (SthCue){.number = track->cue.number, .index = index, .label = sth_export_label(label, index), .start = start, .end = end, .peak = peak};
    track->open = TRUE;
}

static void event_cues(SthCueTrack *track, const SthRecord *record, GString *out)
{
    if (record->events & STH_EVENT_END) {
        const SthAction *ended = &record->ended;
        open_cue(track, ended->index, record->ended_label, ended->start, ended->end, ended->peak); /* complete, in place of what the start told */
        close_cue(track, STH_EXPORT_EVENTS, out);
    }
    const SthAction *action = &record->action;
    const gboolean over = (record->events & STH_EVENT_END) && record->ended.index == action->index && record->ended.start == action->start;
    if ((record->events & STH_EVENT_START) && !over)
        open_cue(track, action->index, record->action_label, action->start, action->end, action->peak);
}

static void result_cues(SthCueTrack *track, const SthRecord *record, GString *out)
{
    SthCue *cue = &track->cue;
    const SthScore *score = sth_export_recognised(record);
    const guint64 start = record->window_start != STH_TIME_NONE ? record->window_start : record->timestamp;
    const guint64 end = record->window_end != STH_TIME_NONE ? record->window_end : record->timestamp;

    if (start == STH_TIME_NONE || end == STH_TIME_NONE)
        return;
    /* A run bears a window that was skipped, no longer silence. */
    const gboolean follows = start >= cue->start && start <= cue->end + (end - start);
    if (track->open && score && score->index == cue->index && follows) {
        cue->end = MAX(cue->end, end);
        cue->peak = MAX(cue->peak, score->confidence);
        return;
    }
    close_cue(track, STH_EXPORT_RESULTS, out);
    /* A window that ends before the newest cue does: the times went back. */
    if (score)
        open_cue(track, score->index, record->top_label[record->label], end > track->written ? MAX(start, track->written) : start, end,
                 score->confidence);
}

void sth_cue_track_record(SthCueTrack *track, SthExportEmit emit, const SthRecord *record, GString *out)
{
    if (emit == STH_EXPORT_EVENTS)
        event_cues(track, record, out);
    else if (!record->held)
        result_cues(track, record, out);
}

void sth_cue_track_finish(SthCueTrack *track, SthExportEmit emit, guint64 end, GString *out)
{
    if (emit == STH_EXPORT_EVENTS && end != STH_TIME_NONE)
        track->cue.end = MAX(track->cue.end, end);
    close_cue(track, emit, out);
}

void sth_cue_track_clear(SthCueTrack *track)
{
    g_clear_pointer(&track->cue.label, g_free);
    track->open = FALSE;
}

void sth_cue_append_time(GString *out, guint64 ns, char point)
{
    const guint64 ms = ns / NS_PER_MS;
    g_string_append_printf(out, "%02" G_GUINT64_FORMAT ":%02u:%02u%c%03u", ms / 3600000, (guint)(ms / 60000 % 60), (guint)(ms / 1000 % 60), point,
                           (guint)(ms % 1000));
}

void sth_cue_append_percent(GString *out, float peak)
{
    if (isfinite(peak))
        g_string_append_printf(out, " %d%%", (int)(CLAMP(peak, 0.0f, 1.0f) * 100 + 0.5f));
}

/* Whether a reader takes the ASCII character at @at for the beginning of markup: <b>, </i>, <!--, &amp;, &#8203;, {\an8}, {y:i}. */
static gboolean begins_markup(const char *at)
{
    const char *next = at + 1;
    switch (*at) {
    case '<':
        return g_ascii_isalpha(*next) || *next == '/' || *next == '!';
    case '{':
        return *next == '\\' || (g_ascii_isalpha(*next) && next[1] == ':');
    case '&':
        while (g_ascii_isalnum(*next) || *next == '#')
            next++;
        return *next == ';';
    case '-':
        return g_str_has_prefix(at, "->");
    default:
        return FALSE;
    }
}

void sth_cue_append_plain(GString *out, const char *text)
{
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c);
        if (begins_markup(at))
            g_string_append(out, ZERO_WIDTH_SPACE);
    }
}
