/* One line of JSON by json-glib: what every writer here needs beyond JsonBuilder's own calls.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* @key is NULL within an array and for the outermost value. */
void sth_json_object(JsonBuilder *json, const char *key);
void sth_json_array(JsonBuilder *json, const char *key);
/* Any bytes; what is not UTF-8 is replaced. */
void sth_json_string(JsonBuilder *json, const char *key, const char *value);
/* 0…G_MAXINT64, which holds every time of 292 years. */
void sth_json_uint(JsonBuilder *json, const char *key, guint64 value);
/* null when @time is STH_TIME_NONE. */
void sth_json_time(JsonBuilder *json, const char *key, guint64 time);
/* Six significant digits; null when @value is not finite, for JSON has no such number. */
void sth_json_number(JsonBuilder *json, const char *key, double value);
void sth_json_bool(JsonBuilder *json, const char *key, gboolean value);
/* Appends the finished value and a line break to @out, and frees @json. */
void sth_json_finish(JsonBuilder *json, GString *out);

G_END_DECLS
