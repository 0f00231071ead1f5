/* The tool `sth`: table of commands, help, version.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const SthCommand *const commands[] = {&sth_cmd_classify, &sth_cmd_inspect, &sth_cmd_bench, &sth_cmd_run, &sth_cmd_convert, &sth_cmd_optimize};

static const SthCommand *find_command(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static void print_help(FILE *file)
{
    fputs("usage: sth COMMAND [OPTION…] ARGUMENT…\n\nRuns Spatio-Temporal Hybrid video networks on the CPU.\n\n", file);
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(file, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n  sth help COMMAND   what a command does and takes\n  sth --version      version, kernels in use\n\n"
          "Exit codes: 0 all done, 1 something failed (standard error says what), 2 the command line makes no sense.\n",
          file);
}

static void print_version(void)
{
    char *kernels = sth_describe_kernels();
    printf("sth %s\n%s\n", STH_VERSION, kernels);
    g_free(kernels);
}

/* GOption would print through g_print(), which turns what is not ASCII to question marks in the locale C. */
static void print_help_and_exit(GOptionContext *context)
{
    g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
    fputs(g_strchomp(help), stdout);
    putchar('\n');
    g_option_context_free(context);
    exit(STH_EXIT_OK);
}

gboolean sth_cli_parse(const SthCommand *command, const GOptionEntry *entries, int *argc, char ***argv)
{
    GError *error = NULL;
    g_autofree char *arguments = g_strdup_printf("%s – %s", command->arguments, command->summary);
    GOptionContext *context = g_option_context_new(arguments);
    g_option_context_add_main_entries(context, entries, NULL);
    if (command->description != NULL)
        g_option_context_set_description(context, command->description);
    g_autofree char *program = g_strdup_printf("sth %s", command->name);
    g_set_prgname(program);
    for (int i = 1; i < *argc && !g_str_equal((*argv)[i], "--"); i++)
        if (g_str_equal((*argv)[i], "--help") || g_str_equal((*argv)[i], "-h"))
            print_help_and_exit(context);
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

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return STH_EXIT_OK;
    }
    const SthCommand *command = find_command(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "sth: there is no command '%s'\n", argv[1]);
        print_help(stderr);
        return STH_EXIT_USAGE;
    }
    char *args[] = {argv[1], (char *)"--help", NULL};
    return command->run(command, 2, args);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return STH_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (g_str_equal(name, "help") || g_str_equal(name, "--help") || g_str_equal(name, "-h"))
        return help(argc - 1, argv + 1);
    if (g_str_equal(name, "--version")) {
        print_version();
        return STH_EXIT_OK;
    }
    const SthCommand *command = find_command(name);
    if (command == NULL) {
        fprintf(stderr, "sth: there is no command '%s'\n", name);
        print_help(stderr);
        return STH_EXIT_USAGE;
    }
    return command->run(command, argc - 1, argv + 1);
}
