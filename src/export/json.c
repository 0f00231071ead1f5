/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/json.h"

#include <math.h>

static void append_string(GString *out, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    g_string_append_c(out, '"');
    for (const char *at = valid; *at; at++) {
        const guchar c = (guchar)*at;
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", c);
        else if (c == '\n')
            g_string_append(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_c(out, *at);
    }
    g_string_append_c(out, '"');
}

/* The comma before a value that is not the first of its object or array, and the value's key. */
static void lead_in(GString *out, const char *key)
{
    const char last = out->len ? out->str[out->len - 1] : '\n';
    if (last != '{' && last != '[' && last != '\n')
        g_string_append_c(out, ',');
    if (key) {
        append_string(out, key);
        g_string_append_c(out, ':');
    }
}

void sth_json_begin(GString *out, const char *key, char bracket)
{
    lead_in(out, key);
    g_string_append_c(out, bracket);
}

void sth_json_end(GString *out, char bracket)
{
    g_string_append_c(out, bracket);
}

void sth_json_string(GString *out, const char *key, const char *value)
{
    lead_in(out, key);
    append_string(out, value);
}

void sth_json_uint(GString *out, const char *key, guint64 value)
{
    lead_in(out, key);
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, value);
}

void sth_json_int(GString *out, const char *key, gint64 value)
{
    lead_in(out, key);
    g_string_append_printf(out, "%" G_GINT64_FORMAT, value);
}

void sth_json_time(GString *out, const char *key, guint64 time)
{
    if (time == STH_TIME_NONE)
        sth_json_number(out, key, NAN);
    else
        sth_json_uint(out, key, time);
}

void sth_json_number(GString *out, const char *key, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    lead_in(out, key);
    g_string_append(out, isfinite(value) ? g_ascii_formatd(text, sizeof text, "%.6g", value) : "null");
}

void sth_json_bool(GString *out, const char *key, gboolean value)
{
    lead_in(out, key);
    g_string_append(out, value ? "true" : "false");
}
