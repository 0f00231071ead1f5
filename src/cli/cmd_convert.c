/* `sth convert`: a 2-D image classifier becomes a video network.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <string.h>

#include "base/memory.h"
#include "convert/convert.h"
#include "onnx/onnx-load.h"
#include "onnx/onnx-save.h"

typedef struct {
    char *output, *labels, *name;
    SthConversion conversion;
} Options;

static guint count_lines(char **lines)
{
    guint n = g_strv_length(lines);
    return n > 0 && lines[n - 1][0] == '\0' ? n - 1 : n;
}

/* A label for each class, so that the file needs no other beside it. */
static gboolean add_labels(SthGraph *graph, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    const SthValue *scores = g_ptr_array_index(graph->outputs, 0);
    if (!g_file_get_contents(path, &text, NULL, &why)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': %s", path, why->message);
        return FALSE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gint64 classes = scores->tensor.shape.dims[1];
    if (!g_utf8_validate(text, -1, NULL) || count_lines(lines) != (guint64)classes) {
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA,
                    "'%s' has %u lines, the network %" G_GINT64_FORMAT " classes; write one label a line, in UTF-8", path, count_lines(lines),
                    classes);
        return FALSE;
    }
    g_hash_table_replace(graph->metadata, g_strdup("sth.labels"), g_strchomp(g_steal_pointer(&text)));
    return TRUE;
}

static gboolean convert(const char *path, const Options *options, GString *log, GError **error)
{
    SthGraph *graph = sth_onnx_load(path, sth_memory_limit(), error);
    if (graph == NULL)
        return FALSE;
    gboolean ok =
        sth_graph_to_video(graph, &options->conversion, log, error) && (options->labels == NULL || add_labels(graph, options->labels, error));
    if (ok && options->name != NULL)
        g_hash_table_replace(graph->metadata, g_strdup("sth.name"), g_strdup(options->name));
    ok = ok && sth_onnx_save(graph, options->output, 0, error);
    sth_graph_free(graph);
    return ok;
}

static int run(const SthCommand *command, int argc, char **argv)
{
    Options options = {.conversion = {.fraction = 0.25}};
    int frames = 8, size = 0;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "file to write", "OUT.onnx"},
        {"frames", 'n', 0, G_OPTION_ARG_INT, &frames, "frames of a window [8]", "N"},
        {"fraction", 'p', 0, G_OPTION_ARG_DOUBLE, &options.conversion.fraction, "of the channels that get temporal kernels: 0 or one n-th [0.25]",
         "P"},
        {"size", 's', 0, G_OPTION_ARG_INT, &size, "rows and columns, where the model leaves them free [224]", "PIXELS"},
        {"labels", 'l', 0, G_OPTION_ARG_FILENAME, &options.labels, "text file with one label a line, to put into OUT.onnx", "FILE"},
        {"name", 0, 0, G_OPTION_ARG_STRING, &options.name, "what the network is called", "NAME"},
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    if (argc != 2)
        return sth_cli_usage(command, argc < 2 ? "no model given" : "more than one model given");
    if (options.output == NULL)
        return sth_cli_usage(command, "no --output given");
    if (frames < 1 || size < 0)
        return sth_cli_usage(command, "--frames %d, --size %d: must be 1 or more", frames, size);
    options.conversion.frames = (guint)frames;
    options.conversion.size = (guint)size;

    GError *error = NULL;
    GString *log = g_string_new(NULL);
    gboolean ok = convert(argv[1], &options, log, &error) && sth_cli_write(log->str, (gssize)log->len, &error);
    g_string_free(log, TRUE);
    g_free(options.output);
    g_free(options.labels);
    g_free(options.name);
    return ok ? STH_EXIT_OK : sth_cli_fail(command, error);
}

const SthCommand sth_cmd_convert = {
    .name = "convert",
    .arguments = "MODEL2D --output OUT.onnx",
    .summary = "make a video network of a 2-D image classifier: frames as batch, 3x3 convolutions as STH convolutions",
    .description = "MODEL2D takes images Nx3xHxW and gives scores. Temporal kernels start with the sum of the 3x3 taps that they replace at their "
                   "centre, so that a "
                   "still, flat image gives the same response; the network is ready to be trained further, not to recognise actions as it is. With "
                   "--fraction 0 it "
                   "gives the mean of the 2-D network's scores over the frames.",
    .run = run,
};
