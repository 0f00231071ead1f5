/* What a format of text output is made of. One format is one file format_<name>.c, one row in formats.inc, one test.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "export/cue.h"

G_BEGIN_DECLS

/* A format either writes records or, with `cue`, subtitles; functions may be NULL: nothing to do. Each appends whole records to @out. */
typedef struct {
    SthExportFormat format;
    /* The head of the file. */
    void (*start)(GString *out);
    /* Called for the records that @emit lets through. */
    void (*record)(SthExportEmit emit, const SthRecord *record, GString *out);
    /* Called for each cue, when its end is known. */
    SthCueWriter cue;
} SthExportClass;

/* The label as valid UTF-8, or "class-3" as models without labels have it. Free with g_free(). */
char *sth_export_label(const char *label, gint index);
/* The record's label that counts (into record->top), NULL: nothing recognised. */
const SthScore *sth_export_recognised(const SthRecord *record);
/* @ns since 1970 as ISO 8601: 2026-11-23T21:58:52.123456789Z. */
void sth_export_append_utc(GString *out, guint64 ns);

/* What an action is called in the formats that write events. */
#define STH_EXPORT_ACTION_START "action-start"
#define STH_EXPORT_ACTION_END "action-end"
/* Calls @write for the events of @record in the order of time: one action follows another, or starts and ends with its only window. */
typedef void (*SthEventWriter)(gpointer data, const char *event, const SthAction *action, const char *label, gboolean ended);
void sth_export_each_event(const SthRecord *record, SthEventWriter write, gpointer data);

G_END_DECLS
