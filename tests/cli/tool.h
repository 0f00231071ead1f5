/* The tool `sth` as the tests run it. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

/* For what the tests write; main() makes and removes it. */
extern char *folder;

typedef struct {
    char *out, *err;
    int code;
} Outcome;

/* A path in `folder`; free with g_free(). */
char *scratch(const char *name);
/* Runs the tool; words are separated by blanks, none of the paths here has any. */
Outcome sth(const char *format, ...) G_GNUC_PRINTF(1, 2);
void outcome_clear(Outcome *outcome);
/* Exit code, and what standard error has to say. Clears the outcome. */
void expect_failure(Outcome outcome, int code, const char *part);

#define assert_contains(text, part)                                                                                                                  \
    G_STMT_START                                                                                                                                     \
    {                                                                                                                                                \
        if (strstr(text, part) == NULL)                                                                                                              \
            g_error("\"%s\" is not in: %s", part, text);                                                                                             \
    }                                                                                                                                                \
    G_STMT_END
