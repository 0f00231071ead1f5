/* Subtitles: from records to cues with a start and an end. What VTT, SRT and text have in common.
 *
 * Events: a cue for each action, from its start to its end. Results: a cue for each run of windows with the same label, from the start of its
 * first window to the end of its last one; where windows overlap, the earlier label keeps the time that it has. A cue is written when its end is
 * known, and no two overlap as long as times do not go back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-export.h>

G_BEGIN_DECLS

typedef struct {
    guint number; /* from 1 */
    gint index;   /* class */
    char *label;  /* valid UTF-8 */
    guint64 start, end;
    float peak; /* highest confidence; not finite: not known */
} SthCue;

typedef void (*SthCueWriter)(const SthCue *cue, GString *out);

/* All zero: empty. */
typedef struct {
    SthCueWriter write;
    SthCue cue; /* counts only while open, but for its label and number */
    gboolean open;
    guint64 written; /* end of the newest cue */
} SthCueTrack;

void sth_cue_track_record(SthCueTrack *track, SthExportEmit emit, const SthRecord *record, GString *out);
/* Writes the open cue; in a stream of events it lasts until @end. */
void sth_cue_track_finish(SthCueTrack *track, SthExportEmit emit, guint64 end, GString *out);
void sth_cue_track_clear(SthCueTrack *track);

/* What file formats share. 01:02:03.004; @point is the decimal sign. */
void sth_cue_append_time(GString *out, guint64 ns, char point);
/* " 87%" after a label; nothing if @peak is not finite. */
void sth_cue_append_percent(GString *out, float peak);
/* One line of text for readers that know no escapes but look for markup all the same (SRT, subtitles in Matroska): controls become blanks, and a
 * zero-width space breaks what would be taken for a tag, an entity, an override or an arrow. */
void sth_cue_append_plain(GString *out, const char *text);

G_END_DECLS
