/* JSON text (RFC 8259), written from left to right: compact, keys in the order of the calls, floats with six significant digits. json-glib
 * writes every double with seventeen, a confidence of 0.91 as 0.91000002622604370.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-result.h>

G_BEGIN_DECLS

/* begin: '{' or '['; end: '}' or ']'. @key is NULL within an array and for the outermost value. */
void sth_json_begin(GString *out, const char *key, char bracket);
void sth_json_end(GString *out, char bracket);
/* Any bytes; what is not UTF-8 is replaced. */
void sth_json_string(GString *out, const char *key, const char *value);
void sth_json_uint(GString *out, const char *key, guint64 value);
void sth_json_int(GString *out, const char *key, gint64 value);
/* null when @time is STH_TIME_NONE. */
void sth_json_time(GString *out, const char *key, guint64 time);
/* null when @value is not finite: JSON has no such number. */
void sth_json_number(GString *out, const char *key, double value);
void sth_json_bool(GString *out, const char *key, gboolean value);

G_END_DECLS
