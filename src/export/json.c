/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/json.h"

#include <math.h>

#include <sth/sth-result.h>

static void name(JsonBuilder *json, const char *key)
{
    if (key)
        json_builder_set_member_name(json, key);
}

void sth_json_object(JsonBuilder *json, const char *key)
{
    name(json, key);
    json_builder_begin_object(json);
}

void sth_json_array(JsonBuilder *json, const char *key)
{
    name(json, key);
    json_builder_begin_array(json);
}

void sth_json_string(JsonBuilder *json, const char *key, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    name(json, key);
    json_builder_add_string_value(json, valid);
}

void sth_json_uint(JsonBuilder *json, const char *key, guint64 value)
{
    name(json, key);
    json_builder_add_int_value(json, (gint64)value);
}

void sth_json_time(JsonBuilder *json, const char *key, guint64 time)
{
    if (time != STH_TIME_NONE) {
        sth_json_uint(json, key, time);
        return;
    }
    name(json, key);
    json_builder_add_null_value(json);
}

void sth_json_number(JsonBuilder *json, const char *key, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    name(json, key);
    if (isfinite(value))
        json_builder_add_double_value(json, g_ascii_strtod(g_ascii_formatd(text, sizeof text, "%.6g", value), NULL));
    else
        json_builder_add_null_value(json);
}

void sth_json_bool(JsonBuilder *json, const char *key, gboolean value)
{
    name(json, key);
    json_builder_add_boolean_value(json, value);
}

void sth_json_finish(JsonBuilder *json, GString *out)
{
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    g_autofree char *text = json_to_string(root, FALSE);

    g_string_append(out, text);
    g_string_append_c(out, '\n');
    g_object_unref(json);
}
