/* Opening a model: load, bind, optimise, prepare, plan.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

#include "base/memory.h"
#include "kernels/blas.h"
#include "model/model-private.h"
#include "onnx/onnx-load.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"

/* @times: how often a window runs the graph. */
static gboolean prepare_nodes(SthModel *model, SthGraph *graph, guint64 times, GError **error)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (node->op->prepare && !node->op->prepare(node, error))
            return FALSE;
        model->macs += node->macs * times;
    }
    return TRUE;
}

/* Constants that run() reads no more, because prepare() packed them, go. */
static void drop_packed_constants(SthModel *model, SthGraph *graph)
{
    g_autoptr(GHashTable) needed = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        model->weight_bytes += node->prepared_bytes;
        for (guint k = 0; k < node->inputs->len; k++) {
            if (k >= 32 || !(node->packed_inputs & 1u << k))
                g_hash_table_add(needed, sth_node_input(node, k));
        }
    }
    for (guint i = 0; i < graph->outputs->len; i++)
        g_hash_table_add(needed, g_ptr_array_index(graph->outputs, i));
    for (guint i = 0; i < graph->values->len; i++) {
        SthValue *value = g_ptr_array_index(graph->values, i);
        if (!value->constant)
            continue;
        if (g_hash_table_contains(needed, value)) {
            model->weight_bytes += sth_tensor_bytes(&value->tensor);
        } else {
            GBytes *empty = g_bytes_new_static("", 0);
            g_bytes_unref(value->constant);
            value->constant = empty;
            value->tensor.data = NULL;
        }
    }
}

static const SthModelOptions no_options = {0};

static gsize memory_limit(const SthModelOptions *options)
{
    return options->memory_limit ? (gsize)MIN(options->memory_limit, G_MAXSIZE) : sth_memory_limit();
}

/* Adds the constants of @graph to *bytes; returns the largest of its other values and @largest. */
static const SthValue *count_values(const SthGraph *graph, gsize *bytes, const SthValue *largest)
{
    for (guint i = 0; i < graph->values->len; i++) {
        const SthValue *value = g_ptr_array_index(graph->values, i);
        gsize size = sth_tensor_bytes(&value->tensor);
        if (value->constant)
            *bytes += size;
        else if (!largest || size > sth_tensor_bytes(&largest->tensor))
            largest = value;
    }
    return largest;
}

/* Counts what the model takes, once the shapes are known and before weights are packed and again with their true size. */
static gboolean check_memory(SthModel *model, const SthModelOptions *options, GError **error)
{
    gsize limit = memory_limit(options), constants = 0, bytes, session;
    const SthValue *largest = count_values(model->graph, &constants, NULL);

    g_clear_pointer(&model->plan, sth_plan_free);
    g_clear_pointer(&model->frame_plan, sth_plan_free);
    model->plan = sth_plan_new(model->graph);
    if (model->split) {
        largest = count_values(model->split->graph, &constants, largest);
        model->frame_plan = sth_plan_new(model->split->graph);
    }
    bytes = model->weight_bytes ? model->weight_bytes : constants;
    session = sth_model_get_arena_bytes(model);
    if (session <= limit && bytes <= limit - session)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM,
                "%s: needs %.1f MB for weights and %.1f MB for a session (the largest value there is '%s'), more than the limit of %.1f "
                "MB; " STH_MEMORY_REMEDY,
                model->path, (double)bytes * 1e-6, (double)session * 1e-6, largest ? largest->name : "none", (double)limit * 1e-6);
    return FALSE;
}

/* Convolutions by OpenBLAS may sum in another order where there are fewer columns: then nothing is kept, for it would not be the same. */
static gboolean wants_split(SthModel *model, const SthModelOptions *options)
{
    return options->sliding && !model->no_clip && !sth_blas_runs_convolutions();
}

static gboolean prepare(SthModel *model, GError **error)
{
    const SthFrameSplit *split = model->split;

    if (split && !prepare_nodes(model, split->graph, split->frames, error))
        return FALSE;
    model->frame_macs = model->macs;
    if (!prepare_nodes(model, model->graph, 1, error))
        return FALSE;
    drop_packed_constants(model, model->graph);
    if (split)
        drop_packed_constants(model, split->graph);
    return TRUE;
}

SthModel *sth_model_read(const char *path, const SthModelOptions *options, GError **error)
{
    SthModel *model = g_new0(SthModel, 1);

    if (!options)
        options = &no_options;
    model->refs = 1;
    model->path = g_strdup(path);
    model->strings = g_string_chunk_new(256);
    model->info.background_label = -1;
    if (sth_blas_load(error) && (model->graph = sth_onnx_load(path, memory_limit(options), error)) && sth_modelinfo_read(model, options, error) &&
        sth_clip_bind(model, options, error))
        return model;
    sth_model_destroy(model);
    return NULL;
}

SthModel *sth_model_load(const char *path, const SthModelOptions *options, GError **error)
{
    SthModel *model = sth_model_read(path, options, error);
    GString *log;

    if (!model)
        return NULL;
    if (!options)
        options = &no_options;
    log = g_string_new(NULL);
    if (!sth_graph_optimise(model->graph, log, error))
        goto failed;
    if (wants_split(model, options))
        model->split = sth_graph_split_frames(model->graph, sth_clip_frame_axis(model->info.layout));
    if (!check_memory(model, options, error) || !prepare(model, error) || !check_memory(model, options, error))
        goto failed;
    model->passes = g_string_free(log, FALSE);
    log = NULL;
    sth_clip_check_scores(model);
    if (!model->no_clip && !sth_modelinfo_read_labels(model, options, error))
        goto failed;
    g_debug("%s: %u nodes, %.3f GMAC, weights %.1f MB, arena %.1f MB", path, model->graph->nodes->len, (double)model->macs * 1e-9,
            (double)model->weight_bytes * 1e-6, (double)sth_model_get_arena_bytes(model) * 1e-6);
    return model;

failed:
    if (log)
        g_string_free(log, TRUE);
    sth_model_destroy(model);
    return NULL;
}

void sth_model_destroy(SthModel *model)
{
    if (model->graph)
        sth_graph_free(model->graph);
    sth_frame_split_free(model->split);
    sth_plan_free(model->plan);
    sth_plan_free(model->frame_plan);
    g_clear_error(&model->no_clip);
    g_string_chunk_free(model->strings);
    g_free((gpointer)model->info.labels);
    g_free(model->passes);
    g_free(model->path);
    g_free(model->cache_key);
    g_free(model);
}

gboolean sth_model_no_clip(SthModel *model, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_clear_error(&model->no_clip);
    model->no_clip = g_error_new(STH_ERROR, STH_ERROR_SHAPE, "%s is no clip network: %s", model->path, what);
    return TRUE;
}

const SthModelInfo *sth_model_get_info(SthModel *model, GError **error)
{
    if (model->no_clip) {
        g_propagate_error(error, g_error_copy(model->no_clip));
        return NULL;
    }
    return &model->info;
}

guint sth_model_get_n_inputs(SthModel *model)
{
    return model->graph->inputs->len;
}

guint sth_model_get_n_outputs(SthModel *model)
{
    return model->graph->outputs->len;
}

static const char *describe(GPtrArray *values, guint index, const SthTensor **tensor)
{
    const SthValue *value;

    g_return_val_if_fail(index < values->len, NULL);
    value = g_ptr_array_index(values, index);
    if (tensor)
        *tensor = &value->tensor;
    return value->name;
}

const char *sth_model_get_input(SthModel *model, guint index, const SthTensor **tensor)
{
    return describe(model->graph->inputs, index, tensor);
}

const char *sth_model_get_output(SthModel *model, guint index, const SthTensor **tensor)
{
    return describe(model->graph->outputs, index, tensor);
}

guint64 sth_model_get_macs(SthModel *model)
{
    return model->macs;
}

guint64 sth_model_get_parameters(SthModel *model)
{
    return model->graph->parameters;
}

gsize sth_model_get_weight_bytes(SthModel *model)
{
    return model->weight_bytes;
}

gsize sth_model_get_arena_bytes(SthModel *model)
{
    const SthFrameSplit *split = model->split;
    gsize bytes = model->plan->arena_bytes;

    if (split) {
        bytes += model->frame_plan->arena_bytes;
        for (guint i = 0; i < split->n_cuts; i++)
            bytes += sth_tensor_bytes(&split->cut[i].window->tensor);
    }
    return bytes;
}

double sth_model_get_frame_share(SthModel *model)
{
    if (!model->split)
        return 0;
    return model->frame_macs > 0 ? (double)model->frame_macs / (double)model->macs : model->split->share;
}

char *sth_model_describe_graph(SthModel *model)
{
    char *window = sth_graph_to_text(model->graph);

    if (model->split) {
        g_autofree char *frame = sth_graph_to_text(model->split->graph), *rest = window;
        window = g_strconcat(frame, rest, NULL);
    }
    return window;
}

char *sth_model_describe_passes(SthModel *model)
{
    return g_strdup(model->passes);
}
