/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/json.h"

#include <math.h>
#include <string.h>

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
    name(json, key);
    if (isfinite(value))
        json_builder_add_double_value(json, value);
    else
        json_builder_add_null_value(json);
}

void sth_json_bool(JsonBuilder *json, const char *key, gboolean value)
{
    name(json, key);
    json_builder_add_boolean_value(json, value);
}

/* json-glib writes 0.91 with all the digits that a double has, 0.91000000000000003: six of them are true here. */
static const char *append_number(GString *out, const char *at)
{
    const char *end = at + strspn(at, "+-.0123456789eE");
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (memchr(at, '.', end - at) != NULL)
        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6g", g_ascii_strtod(at, NULL)));
    else
        g_string_append_len(out, at, end - at);
    return end;
}

void sth_json_finish(JsonBuilder *json, GString *out)
{
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    g_autofree char *text = json_to_string(root, FALSE);
    gboolean quoted = FALSE;

    for (const char *at = text; *at != '\0';) {
        if (!quoted && (*at == '-' || g_ascii_isdigit(*at))) {
            at = append_number(out, at);
            continue;
        }
        if (quoted && *at == '\\')
            g_string_append_c(out, *at++);
        else if (*at == '"')
            quoted = !quoted;
        g_string_append_c(out, *at++);
    }
    g_string_append_c(out, '\n');
    g_object_unref(json);
}
