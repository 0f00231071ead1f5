/* Options of the commands that open a model: what its file leaves open.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "model/model-private.h"

char *sth_cli_layout;
int sth_cli_window_size;

static gboolean read_options(SthModelOptions *options, GError **error)
{
    *options = (SthModelOptions){.window_size = (guint)sth_cli_window_size};
    if (sth_cli_window_size < 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "--window-size %d: must be a number of frames", sth_cli_window_size);
        return FALSE;
    }
    if (sth_cli_layout != NULL) {
        options->layout = sth_model_layout_from_name(sth_cli_layout);
        if (options->layout == STH_LAYOUT_AUTO) {
            g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "--layout %s: must be NTCHW, NCTHW, TCHW, NTHWC or THWC", sth_cli_layout);
            return FALSE;
        }
    }
    return TRUE;
}

SthModel *sth_cli_open_model(const char *path, GError **error)
{
    SthModelOptions options;

    return read_options(&options, error) ? sth_model_open(path, &options, error) : NULL;
}

SthModel *sth_cli_open_sliding_model(const char *path, GError **error)
{
    SthModelOptions options;

    if (!read_options(&options, error))
        return NULL;
    options.sliding = TRUE;
    return sth_model_open(path, &options, error);
}

SthModel *sth_cli_read_model(const char *path, GError **error)
{
    SthModelOptions options;

    return read_options(&options, error) ? sth_model_read(path, &options, error) : NULL;
}
