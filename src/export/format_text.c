/* Text to read: a line for each action, its times first. As captions (sth_exporter_caption) the times are those of the buffers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"

static void text_cue(const SthCue *cue, GString *out)
{
    sth_cue_append_time(out, cue->start, '.');
    g_string_append(out, " – ");
    sth_cue_append_time(out, cue->end, '.');
    g_string_append(out, "  ");
    sth_cue_append_plain(out, cue->label);
    sth_cue_append_percent(out, cue->peak);
    g_string_append_c(out, '\n');
}

const SthExportClass sth_format_text = {
    .format = {"text", "text/x-raw,format=utf8", "plain text: a line for each action; captions for muxers and textoverlay",
               .media = STH_EXPORT_CAPTIONS},
    .cue = text_cue,
};
