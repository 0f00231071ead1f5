/* `sth optimize`: a smaller file of the same network, in plain ONNX.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <stdio.h>

#include "model/model-private.h"
#include "onnx/onnx-save.h"
#include "optimiser/optimiser.h"

static gboolean optimise(SthGraph *graph, const char *path, gboolean external, GError **error)
{
    guint before = graph->nodes->len;
    GString *log = g_string_new(NULL);
    gboolean ok = sth_graph_simplify(graph, log, error) && sth_onnx_save(graph, path, external ? STH_ONNX_EXTERNAL_DATA : 0, error);
    if (ok)
        printf("%s: %u nodes, %u before\n%s", path, graph->nodes->len, before, log->str);
    g_string_free(log, TRUE);
    return ok;
}

static int run(const SthCommand *command, int argc, char **argv)
{
    g_autofree char *output = NULL;
    gboolean external = FALSE;
    int frames = 0;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "file to write", "OUT.onnx"},
        {"frames", 'n', 0, G_OPTION_ARG_INT, &frames, "frames of a window, where the model leaves them free", "N"},
        {"external-data", 0, 0, G_OPTION_ARG_NONE, &external, "weights to OUT.onnx.data (by itself above 2 GiB)", NULL},
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    if (argc != 2)
        return sth_cli_usage(command, argc < 2 ? "no model given" : "more than one model given");
    if (output == NULL)
        return sth_cli_usage(command, "no --output given");
    if (frames < 0)
        return sth_cli_usage(command, "--frames %d: must be 1 or more", frames);

    GError *error = NULL;
    SthModelOptions options = {.window_size = (guint)frames};
    SthModel *model = sth_model_read(argv[1], &options, &error);
    if (model == NULL)
        return sth_cli_fail(command, error);
    /* The sidecar's labels file stays beside the model that it describes. */
    g_hash_table_remove(model->graph->metadata, "sth.labels-file");
    gboolean ok = optimise(model->graph, output, external, &error);
    sth_model_destroy(model);
    return ok ? STH_EXIT_OK : sth_cli_fail(command, error);
}

const SthCommand sth_cmd_optimize = {
    .name = "optimize",
    .arguments = "MODEL --output OUT.onnx",
    .summary = "write a model with what needs no run time done: constants folded, BatchNormalization in the weights",
    .description =
        "The file holds standard ONNX operators only and computes the same; free dimensions are written as the numbers that they get here. "
        "Not needed to run a model: all commands and elements do the same, and more, when they open one.",
    .run = run,
};
