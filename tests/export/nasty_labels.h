/* Labels and records that try the writers. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-export.h>

/* NULL-terminated. Quotes, commas, line breaks, markup, arrows, controls, text that is not UTF-8, nothing. */
extern const char *const nasty_labels[];

/* A record that recognised @label at 0.91, class 3, in the window from 1 s to 2 s; no events. */
SthRecord nasty_record(const char *label);
/* The whole output of a new exporter: start, the records, finish at @end. After every call it is checked by @valid (may be NULL). */
char *export_all(const char *format, SthExportEmit emit, const SthRecord *records, guint n, guint64 end, void (*valid)(const char *text));
