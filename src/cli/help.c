/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/help.h"

#include <string.h>

#define WIDTH 100
#define EXIT_CODES "0 all done, 1 something failed (standard error says what), 2 the command line makes no sense"

/* "-m, --model=FILE"; @dash: how a hyphen is written. */
static char *option_name(const GOptionEntry *entry, const char *dash)
{
    GString *name = g_string_new(NULL);
    if (entry->short_name)
        g_string_append_printf(name, "%s%c, ", dash, entry->short_name);
    g_string_append_printf(name, "%s%s%s", dash, dash, entry->long_name);
    if (entry->arg_description)
        g_string_append_printf(name, "=%s", entry->arg_description);
    return g_string_free(name, FALSE);
}

/* Appends @text in lines of at most WIDTH characters; all but the first begin after @indent blanks, the first is at column @at. */
static void append_wrapped(GString *out, const char *text, glong indent, glong at)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **word = words; *word; word++) {
        const char *line_break = strrchr(*word, '\n');
        const glong length = g_utf8_strlen(*word, -1);
        if (word > words && at + 1 + length > WIDTH) {
            g_string_append_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (word > words) {
            g_string_append_c(out, ' ');
            at++;
        }
        g_string_append(out, *word);
        at = line_break ? g_utf8_strlen(line_break + 1, -1) : at + length;
    }
    g_string_append_c(out, '\n');
}

static void help_tool(const SthCommand *const *commands, GString *out)
{
    g_string_append(out, "usage: sth COMMAND [OPTION…] ARGUMENT…\n\nRuns Spatio-Temporal Hybrid video networks on the CPU.\n\n");
    for (; *commands; commands++) {
        g_string_append_printf(out, "  %-10s ", (*commands)->name);
        append_wrapped(out, (*commands)->summary, 13, 13);
    }
    g_string_append(out, "\n  sth help COMMAND   what a command does and takes\n  sth --version      version, kernels in use\n\nExit codes: ");
    g_string_append(out, EXIT_CODES ".\n");
}

static void help_command(const SthCommand *command, const GOptionEntry *entries, GString *out)
{
    glong column = 0;
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        g_autofree char *name = option_name(entry, "-");
        column = MAX(column, g_utf8_strlen(name, -1) + (entry->short_name ? 0 : 4));
    }
    g_string_append_printf(out, "sth %s – %s\n\nUsage: sth %s [OPTION…] %s\n\n", command->name, command->summary, command->name, command->arguments);
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        g_autofree char *name = option_name(entry, "-");
        const glong length = g_utf8_strlen(name, -1) + (entry->short_name ? 0 : 4);
        g_string_append_printf(out, "  %s%s%*s  ", entry->short_name ? "" : "    ", name, (int)(column - length), "");
        append_wrapped(out, entry->description, column + 4, column + 4);
    }
    if (command->description) {
        g_string_append_c(out, '\n');
        append_wrapped(out, command->description, 0, 0);
    }
}

/* Text for roff: backslashes are its own, and a dot or an apostrophe begins a request at the start of a line only, which blanks are not. */
static void append_roff(GString *out, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line == '.' || **line == '\'')
            g_string_append(out, "\\&");
        for (const char *at = *line; *at; at++) {
            if (*at == '\\')
                g_string_append(out, "\\e");
            else if (*at == '-')
                g_string_append(out, "\\-");
            else
                g_string_append_c(out, *at);
        }
        g_string_append(out, *line[0] == ' ' ? "\n.br\n" : "\n");
    }
}

static void append_title(GString *out, const char *name, const char *summary)
{
    g_autofree char *upper = g_ascii_strup(name, -1);
    g_string_append_printf(out, ".\\\" Written by `sth help --man` from the tables of options.\n.TH %s 1 \"\" \"gst-sth " STH_VERSION "\"\n", upper);
    g_string_append_printf(out, ".SH NAME\n%s \\- ", name);
    append_roff(out, summary);
}

static void man_tool(const SthCommand *const *commands, GString *out)
{
    append_title(out, "sth", "runs Spatio-Temporal Hybrid video networks on the CPU");
    g_string_append(out,
                    ".SH SYNOPSIS\n.B sth\n.I COMMAND\n[OPTION…] ARGUMENT…\n.br\n.B sth help\n.I COMMAND\n.br\n.B sth \\-\\-version\n.SH COMMANDS\n");
    for (; *commands; commands++) {
        g_string_append_printf(out, ".TP\n.BR sth\\-%s (1)\n", (*commands)->name);
        append_roff(out, (*commands)->summary);
    }
    g_string_append(out, ".SH EXIT STATUS\n" EXIT_CODES ".\n.SH ENVIRONMENT\n.TP\n.B GST_STH_MODEL\nthe model where none is named\n"
                         ".SH SEE ALSO\n.BR gst\\-launch\\-1.0 (1)\n");
}

static void man_command(const SthCommand *command, const GOptionEntry *entries, GString *out)
{
    g_autofree char *page = g_strdup_printf("sth-%s", command->name);
    append_title(out, page, command->summary);
    g_string_append_printf(out, ".SH SYNOPSIS\n.B sth %s\n[OPTION…] ", command->name);
    append_roff(out, command->arguments);
    if (command->description) {
        g_string_append(out, ".SH DESCRIPTION\n");
        append_roff(out, command->description);
    }
    g_string_append(out, ".SH OPTIONS\n");
    for (; entries->long_name; entries++) {
        g_autofree char *name = option_name(entries, "\\-");
        g_string_append_printf(out, ".TP\n.B %s\n", name);
        append_roff(out, entries->description);
    }
    g_string_append(out, ".SH EXIT STATUS\n" EXIT_CODES ".\n.SH SEE ALSO\n.BR sth (1)\n");
}

/* A line for each word: the word, then what its argument is ("FILE"), or can be ("csv|vtt"). */
static void words_tool(const SthCommand *const *commands, GString *out)
{
    for (; *commands; commands++)
        g_string_append_printf(out, "%s\n", (*commands)->name);
    g_string_append(out, "help\n--version\n--help\n");
}

static void words_command(const SthCommand *command, const GOptionEntry *entries, GString *out)
{
    for (; entries->long_name; entries++) {
        g_string_append_printf(out, "--%s %s\n", entries->long_name, entries->arg_description ? entries->arg_description : "");
        if (entries->short_name)
            g_string_append_printf(out, "-%c %s\n", entries->short_name, entries->arg_description ? entries->arg_description : "");
    }
    g_string_append(out, "--help \n");
}

const SthHelpStyle *sth_help_style(const char *name)
{
    static const SthHelpStyle styles[] = {
        {"--help", help_tool, help_command},
        {"--man", man_tool, man_command},
        {"--words", words_tool, words_command},
    };
    for (guint i = 0; i < G_N_ELEMENTS(styles); i++)
        if (g_str_equal(name, styles[i].name) || (i == 0 && g_str_equal(name, "-h")))
            return &styles[i];
    return NULL;
}
