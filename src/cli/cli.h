/* The tool `sth`: its commands and what they share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth.h>

G_BEGIN_DECLS

/* Exit codes of every command. */
#define STH_EXIT_OK 0
#define STH_EXIT_FAILED 1 /* something that was asked for could not be done; standard error says what */
#define STH_EXIT_USAGE 2  /* the command line makes no sense */

typedef struct _SthCommand SthCommand;

/* One row of the table in main.c. */
struct _SthCommand {
    const char *name;        /* "inspect" */
    const char *arguments;   /* "MODEL", as `sth help inspect` shows them */
    const char *summary;     /* one line */
    const char *description; /* further lines under the options, or NULL */
    /* argv[0] is the command's name; NULL-terminated. Returns an exit code. */
    int (*run)(const SthCommand *command, int argc, char **argv);
};

extern const SthCommand sth_cmd_run, sth_cmd_inspect, sth_cmd_bench, sth_cmd_classify, sth_cmd_optimize, sth_cmd_convert;

/* Reads a command's options; what is left in *argc, *argv are its arguments after argv[0]. FALSE after telling the user what is wrong
 * (STH_EXIT_USAGE). `--help` prints and ends the program. */
gboolean sth_cli_parse(const SthCommand *command, const GOptionEntry *entries, int *argc, char ***argv);
/* One line on standard error: "sth COMMAND: message". Returns STH_EXIT_USAGE. */
int sth_cli_usage(const SthCommand *command, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same for a failure, which it frees. Returns STH_EXIT_FAILED. */
int sth_cli_fail(const SthCommand *command, GError *error);

/* Writes all of @text to standard output; FALSE with @error (STH_ERROR_FILE) when that fails (disk full, closed pipe). */
gboolean sth_cli_write(const char *text, gssize length, GError **error);

/* Rows of a command's options for what a model's file leaves open, and the model opened with what they say. */
extern char *sth_cli_layout;
extern int sth_cli_window_size;
#define STH_CLI_MODEL_ENTRIES                                                                                                                        \
    {"layout", 0, 0, G_OPTION_ARG_STRING, &sth_cli_layout, "axes of its input: NTCHW, NCTHW, TCHW, NTHWC, THWC [by their sizes]", "AXES"},           \
    {                                                                                                                                                \
        "window-size", 0, 0, G_OPTION_ARG_INT, &sth_cli_window_size, "frames of a window, for a model that leaves them free", "N"                    \
    }
SthModel *sth_cli_open_model(const char *path, GError **error);
/* The same for windows that share frames. */
SthModel *sth_cli_open_sliding_model(const char *path, GError **error);
/* The same as the file has it, nothing optimised: see sth_model_read(); end it with sth_model_destroy(). */
SthModel *sth_cli_read_model(const char *path, GError **error);

/* The model that is used where none is named: the environment variable GST_STH_MODEL, else the installed one. Not checked to be there. */
const char *sth_cli_default_model(void);

G_END_DECLS
