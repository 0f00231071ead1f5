/* `sth inspect`: what a model is and how it will run.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "model/model-private.h"

#define LABELS_SHOWN 8

static const char *const resize_names[] = {"centre crop, then scaled", "stretched", "letterboxed"};
static const char *const filter_names[] = {"antialiased", "bilinear"};
static const char *const activation_names[] = {"softmax", "sigmoid", "none, confidences already"};

static void print_row(GString *out, const char *key, const char *value)
{
    if (value != NULL && *value != '\0')
        g_string_append_printf(out, "%-12s %s\n", key, value);
}

static void print_port(GString *out, const char *key, const char *name, const SthTensor *tensor)
{
    g_autofree char *shape = sth_shape_to_string(&tensor->shape);
    g_string_append_printf(out, "%-12s %s: %s %s\n", key, name, sth_dtype_name(tensor->dtype), shape);
}

static void print_labels(GString *out, const SthModelInfo *info)
{
    g_string_append_printf(out, "%-12s %u: ", "Labels", info->n_classes);
    for (guint i = 0; i < info->n_classes && i < LABELS_SHOWN; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", info->labels[i]);
    g_string_append(out, info->n_classes > LABELS_SHOWN ? ", …\n" : "\n");
    if (info->background_label >= 0)
        print_row(out, "Background", info->labels[info->background_label]);
}

static void print_clip(GString *out, SthModel *model)
{
    GError *error = NULL;
    const SthModelInfo *info = sth_model_get_info(model, &error);
    if (info == NULL) {
        g_string_append_printf(out, "%-12s no: %s\n", "Clip network", error->message);
        g_error_free(error);
        return;
    }
    print_row(out, "Name", info->name);
    print_row(out, "Description", info->description);
    print_row(out, "Licence", info->license);
    print_row(out, "Attribution", info->attribution);
    print_row(out, "Made by", g_hash_table_lookup(model->graph->metadata, "sth.commit")); /* scripts of that commit trained it */
    g_string_append_printf(out, "%-12s %u frames of %ux%u, %s, %s, %u/%u frames a second, %s, %s\n", "Window", info->frames, info->width,
                           info->height, sth_model_layout_name(info->layout), info->bgr ? "BGR" : "RGB", info->rate_n, info->rate_d,
                           resize_names[info->resize], filter_names[info->filter]);
    g_string_append_printf(out, "%-12s mean %g %g %g, standard deviation %g %g %g\n", "Normalised", info->mean[0], info->mean[1], info->mean[2],
                           info->std[0], info->std[1], info->std[2]);
    if (info->score_rows > 1)
        g_string_append_printf(out, "%-12s of each of the %u frames; their mean counts\n", "Scores", info->score_rows);
    if (sth_model_get_n_outputs(model) > 1)
        g_string_append_printf(out, "%-12s are output '%s'\n", "Scores", sth_model_get_output(model, info->output, NULL));
    print_row(out, "Activation", activation_names[info->activation]);
    print_labels(out, info);
}

static void indent_lines(GString *out, const char *title, char *text)
{
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    g_string_append_printf(out, "\n%s\n", title);
    for (guint i = 0; lines[i] != NULL; i++)
        g_string_append_printf(out, "  %s\n", lines[i]);
}

/* A line for each node that passes merged others into, and for each whose parts they left alone. */
static void print_fused(GString *out, const SthGraph *graph)
{
    GString *fused = g_string_new(NULL), *unfused = g_string_new(NULL);
    GList *names = g_list_sort(g_hash_table_get_keys(graph->unfused), (GCompareFunc)strcmp);

    for (guint i = 0; i < graph->nodes->len; i++) {
        const SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (node->fused != NULL)
            g_string_append_printf(fused, "'%s' (%s): %s\n", node->name, node->op_type, node->fused->str);
    }
    for (const GList *name = names; name != NULL; name = name->next)
        g_string_append_printf(unfused, "'%s': %s\n", (const char *)name->data, (const char *)g_hash_table_lookup(graph->unfused, name->data));
    if (fused->len > 0)
        indent_lines(out, "Fused into", fused->str);
    if (unfused->len > 0)
        indent_lines(out, "Not fused", unfused->str);
    g_list_free(names);
    g_string_free(fused, TRUE);
    g_string_free(unfused, TRUE);
}

/* Both graphs: what the exporter wrote and what became of it. */
static gboolean print_graphs(GString *out, SthModel *model, const char *path, GError **error)
{
    SthModel *file = sth_cli_read_model(path, error);
    if (file == NULL)
        return FALSE;
    g_autofree char *before = sth_graph_to_text(file->graph);
    g_autofree char *after = sth_model_describe_graph(model);
    sth_model_destroy(file);
    indent_lines(out, "Graph of the file", before);
    indent_lines(out, "Graph that runs", after);
    return TRUE;
}

static gboolean write_dot(SthModel *model, const char *path, GError **error)
{
    g_autofree char *text = sth_graph_to_dot(model->graph);

    return g_file_set_contents(path, text, -1, error);
}

static GString *describe(SthModel *model, const char *path)
{
    GString *out = g_string_new(NULL);
    const SthTensor *tensor;
    print_row(out, "File", path);
    print_clip(out, model);
    for (guint i = 0; i < sth_model_get_n_inputs(model); i++) {
        const char *name = sth_model_get_input(model, i, &tensor);
        print_port(out, "Input", name, tensor);
    }
    for (guint i = 0; i < sth_model_get_n_outputs(model); i++) {
        const char *name = sth_model_get_output(model, i, &tensor);
        print_port(out, "Output", name, tensor);
    }
    g_autofree char *kernels = sth_describe_kernels();
    g_autofree char *passes = sth_model_describe_passes(model);
    g_autofree char *weights = g_format_size_full(sth_model_get_weight_bytes(model), G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *arena = g_format_size_full(sth_model_get_arena_bytes(model), G_FORMAT_SIZE_IEC_UNITS);
    g_string_append_printf(out, "%-12s %.3f GMAC a run, %.3f million parameters\n", "Cost", (double)sth_model_get_macs(model) / 1e9,
                           (double)sth_model_get_parameters(model) / 1e6);
    g_string_append_printf(out, "%-12s %s of weights for all streams together, %s for each session\n", "Memory", weights, arena);
    print_row(out, "Kernels", kernels);
    indent_lines(out, "Passes", *passes != '\0' ? passes : "(none changed anything)");
    print_fused(out, model->graph);
    return out;
}

static int run(const SthCommand *command, int argc, char **argv)
{
    g_autofree char *dot = NULL;
    gboolean graph = FALSE;
    const GOptionEntry entries[] = {
        {"graph", 'g', 0, G_OPTION_ARG_NONE, &graph, "also each node, of the file and as it runs: operator, shapes, what was fused into it", NULL},
        {"dot", 'd', 0, G_OPTION_ARG_FILENAME, &dot, "write the graph that runs for Graphviz (`dot -Tsvg FILE`)", "FILE"},
        STH_CLI_MODEL_ENTRIES,
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    if (argc > 2)
        return sth_cli_usage(command, "more than one model given");
    const char *path = argc == 2 ? argv[1] : sth_cli_default_model();

    GError *error = NULL;
    SthModel *model = sth_cli_open_model(path, &error);
    if (model == NULL)
        return sth_cli_fail(command, error);
    GString *text = describe(model, path);
    gboolean ok = (!graph || print_graphs(text, model, path, &error)) && (dot == NULL || write_dot(model, dot, &error)) &&
                  sth_cli_write(text->str, (gssize)text->len, &error);
    g_string_free(text, TRUE);
    sth_model_unref(model);
    return ok ? STH_EXIT_OK : sth_cli_fail(command, error);
}

const SthCommand sth_cmd_inspect = {
    .name = "inspect",
    .arguments = "[MODEL]",
    .summary = "what a model is: inputs, labels, cost, memory, what was fused",
    .description =
        "Without MODEL: the default model (GST_STH_MODEL or the installed one). A model that cannot run is refused with the node and the reason.",
    .run = run,
};
