/* ONNX file to graph: the file, the model around the graph, its opset and its metadata.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"
#include "onnx/onnx-load.h"
#include "ops/op.h"

/* Opset and IR version of the ONNX releases 1.4 to 1.17 in which the IR version changed. */
static const struct {
    gint opset;
    gint64 ir_version;
} releases[] = {{9, 4}, {10, 5}, {11, 6}, {12, 7}, {15, 8}, {19, 9}, {21, STH_ONNX_MAX_IR_VERSION}};

gint64 sth_onnx_ir_version(gint opset)
{
    gint64 version = releases[0].ir_version;
    for (gsize i = 0; i < G_N_ELEMENTS(releases); i++)
        if (opset >= releases[i].opset)
            version = releases[i].ir_version;
    return version;
}

/* The opset of the domain ai.onnx in a list of imports; 0: not there. */
static gint64 find_opset(Onnx__OperatorSetIdProto *const *imports, gsize n)
{
    gint64 opset = 0;
    for (gsize i = 0; i < n; i++)
        if (sth_onnx_is_default_domain(imports[i]->domain))
            opset = imports[i]->version;
    return opset;
}

static gboolean check_opset(SthOnnxReader *reader, gint64 opset, GError **error)
{
    if (opset >= 1 && opset <= STH_ONNX_MAX_OPSET)
        return TRUE;
    if (opset > STH_ONNX_MAX_OPSET)
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': opset %" G_GINT64_FORMAT " is newer than %d; export the model with an older one",
                    reader->source, opset, STH_ONNX_MAX_OPSET);
    else
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': the model imports no opset of the domain 'ai.onnx'", reader->source);
    return FALSE;
}

gint sth_onnx_function_opset(SthOnnxReader *reader, const Onnx__FunctionProto *function, gint model_opset, GError **error)
{
    gint64 opset = find_opset(function->opset_import, function->n_opset_import);
    if (opset == 0)
        return model_opset;
    return check_opset(reader, opset, error) ? (gint)opset : 0;
}

static gint read_opset(SthOnnxReader *reader, const Onnx__ModelProto *model, GError **error)
{
    gint64 opset = find_opset(model->opset_import, model->n_opset_import);
    if (model->ir_version > STH_ONNX_MAX_IR_VERSION) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED,
                    "'%s': IR version %" G_GINT64_FORMAT " is newer than %d; save the model with an older version of ONNX", reader->source,
                    (gint64)model->ir_version, STH_ONNX_MAX_IR_VERSION);
        return 0;
    }
    /* IR versions 1 and 2 had no imports and one opset. */
    if (model->n_opset_import == 0 && model->ir_version < 3)
        opset = 1;
    if (model->n_opset_import == 0 && opset == 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': the model imports no opset of the domain 'ai.onnx'", reader->source);
        return 0;
    }
    return check_opset(reader, opset, error) ? (gint)opset : 0;
}

static void read_metadata(SthGraph *graph, const Onnx__ModelProto *model)
{
    for (gsize i = 0; i < model->n_metadata_props; i++) {
        const char *value = model->metadata_props[i]->value;
        g_hash_table_replace(graph->metadata, sth_onnx_text(model->metadata_props[i]->key), g_utf8_make_valid(value != NULL ? value : "", -1));
    }
}

static SthGraph *read_model(SthOnnxReader *reader, const Onnx__ModelProto *model, GError **error)
{
    if (model->graph == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' is no ONNX file: it holds no graph", reader->source);
        return NULL;
    }
    gint opset = read_opset(reader, model, error);
    if (opset == 0)
        return NULL;
    SthGraph *graph = sth_graph_new(reader->source);
    SthOnnxScope scope;
    graph->release = sth_op_release;
    graph->opset = opset;
    graph->memory_limit = reader->memory_limit;
    graph->name = sth_onnx_text(model->graph->name);
    reader->mapped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_mapped_file_unref);
    reader->functions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sth_onnx_scope_init(&scope, reader, graph, opset);
    read_metadata(graph, model);
    gboolean done = sth_onnx_read_functions(reader, model, error) && sth_onnx_read_graph(&scope, model->graph, error);
    graph->parameters = reader->parameters;
    sth_onnx_scope_clear(&scope);
    g_hash_table_unref(reader->functions);
    g_hash_table_unref(reader->mapped);
    if (done)
        return graph;
    sth_graph_free(graph);
    return NULL;
}

SthGraph *sth_onnx_parse(const guint8 *data, gsize size, const char *source, const char *folder, gsize memory_limit, GError **error)
{
    SthOnnxReader reader = {.source = source, .folder = folder, .memory_limit = memory_limit};
    ProtobufCMessage *message = sth_onnx_unpack(&onnx__model_proto__descriptor, data, size, source, "ONNX file", error);
    if (message == NULL)
        return NULL;
    SthGraph *graph = read_model(&reader, (const Onnx__ModelProto *)message, error);
    sth_onnx_free_message(message);
    return graph;
}

SthGraph *sth_onnx_load(const char *path, gsize memory_limit, GError **error)
{
    struct stat info;
    GError *reason = NULL;
    if (stat(path, &info) != 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    if (!S_ISREG(info.st_mode)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': it is no regular file", path);
        return NULL;
    }
    GMappedFile *file = g_mapped_file_new(path, FALSE, &reason);
    if (file == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': %s", path, reason->message);
        g_error_free(reason);
        return NULL;
    }
    char *folder = g_path_get_dirname(path);
    SthGraph *graph =
        sth_onnx_parse((const guint8 *)g_mapped_file_get_contents(file), g_mapped_file_get_length(file), path, folder, memory_limit, error);
    g_free(folder);
    g_mapped_file_unref(file);
    return graph;
}
