/* SubRip: the subtitles that every player and editor reads. There is no specification and there are no escapes; what readers agree on is a number,
 * a line of times with a decimal comma, text, an empty line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"

static void srt_cue(const SthCue *cue, GString *out)
{
    g_string_append_printf(out, "%u\n", cue->number);
    sth_cue_append_time(out, cue->start, ',');
    g_string_append(out, " --> ");
    sth_cue_append_time(out, cue->end, ',');
    g_string_append_c(out, '\n');
    sth_cue_append_plain(out, cue->label);
    sth_cue_append_percent(out, cue->peak);
    g_string_append(out, "\n\n");
}

const SthExportClass sth_format_srt = {
    .format = {"srt", "application/x-subtitle", "SubRip subtitles: a cue for each action", .media = STH_EXPORT_SUBTITLES},
    .cue = srt_cue,
};
