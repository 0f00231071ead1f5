/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tool.h"

char *folder;

char *scratch(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

Outcome sth(const char *format, ...)
{
    Outcome outcome;
    GError *error = NULL;
    int status;
    va_list args;
    va_start(args, format);
    g_autofree char *words = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = g_strdup_printf("%s %s", g_getenv("STH_TOOL"), words);
    g_auto(GStrv) argv = g_strsplit(g_strstrip(line), " ", -1);
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &outcome.out, &outcome.err, &status, &error);
    g_assert_no_error(error);
    if (!g_spawn_check_wait_status(status, &error))
        g_assert_true(g_error_matches(error, G_SPAWN_EXIT_ERROR, error->code)); /* it exited by itself: no signal */
    outcome.code = error != NULL ? error->code : 0;
    g_clear_error(&error);
    g_test_message("sth %s: %d %s", words, outcome.code, outcome.err);
    return outcome;
}

void outcome_clear(Outcome *outcome)
{
    g_free(outcome->out);
    g_free(outcome->err);
}

void expect_failure(Outcome outcome, int code, const char *part)
{
    g_assert_cmpint(outcome.code, ==, code);
    assert_contains(outcome.err, part);
    outcome_clear(&outcome);
}
