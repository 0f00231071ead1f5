/* The tool `sth`: table of commands, help, version.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const SthCommand *const commands[] = {
    &sth_cmd_classify, &sth_cmd_inspect, &sth_cmd_bench, &sth_cmd_run, &sth_cmd_convert, &sth_cmd_optimize, NULL};

static const SthCommand *find_command(const char *name)
{
    for (guint i = 0; commands[i] != NULL; i++)
        if (g_str_equal(commands[i]->name, name))
            return commands[i];
    return NULL;
}

/* Through stdio, for g_print() turns what is not ASCII to question marks in the locale C. */
static void print_help(const SthHelpStyle *style, FILE *file)
{
    g_autoptr(GString) text = g_string_new(NULL);
    style->tool(commands, text);
    fputs(text->str, file);
}

static void print_version(void)
{
    char *kernels = sth_describe_kernels();
    printf("sth %s\n%s\n", STH_VERSION, kernels);
    g_free(kernels);
}

gboolean sth_cli_parse(const SthCommand *command, const GOptionEntry *entries, int *argc, char ***argv)
{
    GError *error = NULL;
    for (int i = 1; i < *argc && !g_str_equal((*argv)[i], "--"); i++) {
        const SthHelpStyle *style = sth_help_style((*argv)[i]);
        if (style == NULL)
            continue;
        g_autoptr(GString) text = g_string_new(NULL);
        style->command(command, entries, text);
        fputs(text->str, stdout);
        exit(STH_EXIT_OK);
    }
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    gboolean ok = g_option_context_parse(context, argc, argv, &error);
    g_option_context_free(context);
    if (!ok) {
        sth_cli_usage(command, "%s", error->message);
        g_error_free(error);
    }
    return ok;
}

int sth_cli_usage(const SthCommand *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "sth %s: %s\nusage: sth %s [OPTION…] %s\n`sth help %s` tells more\n", command->name, message, command->name, command->arguments,
            command->name);
    return STH_EXIT_USAGE;
}

int sth_cli_fail(const SthCommand *command, GError *error)
{
    fprintf(stderr, "sth %s: %s\n", command->name, error->message);
    g_error_free(error);
    return STH_EXIT_FAILED;
}

gboolean sth_cli_write(const char *text, gssize length, GError **error)
{
    gsize n = length < 0 ? strlen(text) : (gsize)length;
    if (fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot write to standard output: %s", g_strerror(errno));
    return FALSE;
}

const char *sth_cli_default_model(void)
{
    const char *model = g_getenv("GST_STH_MODEL");
    return model != NULL && *model != '\0' ? model : STH_DEFAULT_MODEL;
}

static int no_command(const char *name)
{
    fprintf(stderr, "sth: there is no command '%s'\n", name);
    print_help(sth_help_style("--help"), stderr);
    return STH_EXIT_USAGE;
}

/* help [STYLE] [COMMAND] */
static int help(int argc, char **argv)
{
    const SthHelpStyle *style = argc > 1 ? sth_help_style(argv[1]) : NULL;
    if (style != NULL) {
        argc--;
        argv++;
    } else {
        style = sth_help_style("--help");
    }
    if (argc < 2) {
        print_help(style, stdout);
        return STH_EXIT_OK;
    }
    const SthCommand *command = find_command(argv[1]);
    if (command == NULL)
        return no_command(argv[1]);
    char *args[] = {argv[1], (char *)style->name, NULL};
    return command->run(command, 2, args);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        print_help(sth_help_style("--help"), stderr);
        return STH_EXIT_USAGE;
    }
    if (g_str_equal(name, "help") || g_str_equal(name, "--help") || g_str_equal(name, "-h"))
        return help(argc - 1, argv + 1);
    if (g_str_equal(name, "--version")) {
        print_version();
        return STH_EXIT_OK;
    }
    const SthCommand *command = find_command(name);
    return command != NULL ? command->run(command, argc - 1, argv + 1) : no_command(name);
}
