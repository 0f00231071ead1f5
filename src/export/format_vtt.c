/* WebVTT (W3C, Candidate Recommendation of 4 April 2019): subtitles that say what goes on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"

static void vtt_start(GString *out)
{
    g_string_append(out, "WEBVTT\n\n");
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

static void vtt_cue(const SthCue *cue, GString *out)
{
    sth_cue_append_time(out, cue->start, '.');
    g_string_append(out, " --> ");
    sth_cue_append_time(out, cue->end, '.');
    g_string_append_c(out, '\n');
    append_text(out, cue->label);
    sth_cue_append_percent(out, cue->peak);
    g_string_append(out, "\n\n");
}

const SthExportClass sth_format_vtt = {
    .format = {"vtt", "application/x-subtitle-vtt", "WebVTT subtitles: a cue for each action", .media = STH_EXPORT_SUBTITLES},
    .start = vtt_start,
    .cue = vtt_cue,
};
