/* libsth: results as text. One writer for the element sthexport and the tool `sth`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-result.h>

G_BEGIN_DECLS

/* One result as it is told to the world. Strings are borrowed, UTF-8 (invalid bytes are replaced when written). */
typedef struct {
    const char *source;               /* stream-id or file name; may be NULL */
    const char *model;                /* may be NULL */
    guint width, height;              /* of the video; 0: not known */
    guint64 timestamp;                /* stream time of the frame that carries the result, ns */
    guint64 running_time;             /* running time of that frame, ns; STH_TIME_NONE: not known */
    guint64 system_timestamp;         /* UTC, ns since 1970; STH_TIME_NONE: not known */
    guint64 window_start, window_end; /* stream time; STH_TIME_NONE: not known */
    guint64 inference_ns;
    gboolean held; /* TRUE: an older result that still stands */
    guint64 age;   /* ns since window_end */
    guint n_top;
    SthScore top[STH_MAX_TOP_K];
    const char *top_label[STH_MAX_TOP_K];
    gint label;              /* index in top of the label that counts (0), or -1: nothing recognised */
    guint events;            /* SthEvent */
    SthAction action, ended; /* as in SthResult, times in stream time */
    const char *action_label, *ended_label;
} SthRecord;

typedef struct _SthExporter SthExporter;

/* What the texts of a format are, beside lines in a file. */
typedef enum {
    STH_EXPORT_RECORDS,   /* each line names its source: several sources may share a file */
    STH_EXPORT_SUBTITLES, /* times only: a file for each source */
    STH_EXPORT_CAPTIONS,  /* the same, and in a pipeline the text is shown while it is true: see sth_exporter_caption() */
} SthExportMedia;

/* One row of the table of formats. */
typedef struct {
    const char *name; /* "ndjson", "vtt"; also what files of the format end in */
    const char *caps; /* caps of sthexport's source pad */
    const char *description;
    SthExportMedia media;
} SthExportFormat;

/* NULL-terminated. */
const SthExportFormat *const *sth_export_formats(void);
/* By name; NULL if there is none. */
const SthExportFormat *sth_export_format_find(const char *name);

typedef enum {
    STH_EXPORT_RESULTS, /* every fresh result */
    STH_EXPORT_EVENTS,  /* starts and ends of actions only */
} SthExportEmit;

SthExporter *sth_exporter_new(const SthExportFormat *format, SthExportEmit emit);
void sth_exporter_free(SthExporter *exporter);
/* Each appends the text it has to write to @out, whole records only; a file is valid after every call.
 * start: head of the file. record: one result. */
void sth_exporter_start(SthExporter *exporter, GString *out);
void sth_exporter_record(SthExporter *exporter, const SthRecord *record, GString *out);
/* finish: what is still open at stream time @end (a subtitle cue). */
void sth_exporter_finish(SthExporter *exporter, guint64 end, GString *out);

/* Appends what a viewer is to read while @record, fresh or held, is the newest: one line without its end, nothing where nothing is recognised
 * (STH_EXPORT_EVENTS: no action is going on). No state is kept. */
void sth_exporter_caption(const SthExporter *exporter, const SthRecord *record, GString *out);

G_END_DECLS
