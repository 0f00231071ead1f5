/* What a command's table of options becomes: help, a page of the manual, words for the shell's completion.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

G_BEGIN_DECLS

/* Ways to tell of a command or, with command NULL, of the tool and the NULL-terminated @commands. The names are `sth help`'s options. */
typedef struct {
    const char *name; /* "--man"; "--help" is the first */
    void (*tool)(const SthCommand *const *commands, GString *out);
    void (*command)(const SthCommand *command, const GOptionEntry *entries, GString *out);
} SthHelpStyle;

/* NULL if @name is none. */
const SthHelpStyle *sth_help_style(const char *name);

G_END_DECLS
