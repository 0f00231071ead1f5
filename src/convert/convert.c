/* A 2-D image classifier becomes a video network.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "convert/convert.h"

#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#include "convert/sth-conv.h"
#include "ops/op.h"
#include "optimiser/constants.h"
#include "optimiser/optimiser.h"

#define DEFAULT_SIZE 224 /* what the usual hosts were made for */

static gboolean refuse(const SthGraph *graph, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean refuse(const SthGraph *graph, GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, STH_ERROR, STH_ERROR_SHAPE, "'%s' is no 2-D image classifier: %s", graph->source, what);
    return FALSE;
}

/* Fraction to number of groups; 0: nothing is temporal. */
static gboolean find_groups(double fraction, guint *groups, GError **error)
{
    double n = fraction > 0 ? round(1 / fraction) : 0;

    *groups = (guint)CLAMP(n, 0, 1024);
    if (fraction == 0 || (fraction > 0 && fraction <= 1 && n <= 1024 && fabs(1 / fraction - n) <= 0.05 * n))
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT,
                "fraction %g: must be 0, or one n-th (1, 0.5, 0.33, 0.25, 0.125, …): channels are cut into n parts", fraction);
    return FALSE;
}

/* The image input, with its size bound; the batch is as the file has it. NULL with @error. */
static SthValue *bind_image(SthGraph *graph, guint size, GError **error)
{
    SthValue *input = graph->inputs->len == 1 ? g_ptr_array_index(graph->inputs, 0) : NULL;
    g_autofree char *shape = input ? sth_shape_to_string(&input->tensor.shape) : NULL;
    gint64 *dims;

    if (!input) {
        refuse(graph, error, "it has %u inputs; an image classifier has one", graph->inputs->len);
        return NULL;
    }
    dims = input->tensor.shape.dims;
    if (input->tensor.dtype != STH_DTYPE_FLOAT || input->tensor.shape.rank != 4 || dims[1] != 3) {
        refuse(graph, error, "its input '%s' is %s %s; an image is float32 Nx3xHxW", input->name, sth_dtype_name(input->tensor.dtype), shape);
        return NULL;
    }
    for (guint axis = 2; axis < 4; axis++) {
        if (dims[axis] < 0)
            dims[axis] = size ? size : DEFAULT_SIZE;
    }
    return input;
}

/* Exporters that were shown one image write its batch of 1 into shapes: Reshape to [1, -1]. From here on it is as many as there are frames. */
static void rewrite_batch(SthGraph *graph, gint64 batch, gint64 frames)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        const SthValue *in = sth_node_input(node, 0), *shape = sth_node_input(node, 1);
        gint64 n;

        if (strcmp(node->op_type, "Reshape") != 0 || !shape || !shape->constant || shape->tensor.dtype != STH_DTYPE_INT64)
            continue;
        n = sth_shape_elements(&shape->tensor.shape);
        if (n < 1 || n > STH_MAX_RANK || in->tensor.shape.rank == 0 || in->tensor.shape.dims[0] != batch ||
            *(const gint64 *)shape->tensor.data != batch)
            continue;
        {
            gint64 dims[STH_MAX_RANK];
            memcpy(dims, shape->tensor.data, (gsize)n * sizeof(gint64));
            dims[0] = frames;
            sth_node_set_input(node, 1, sth_graph_add_ints(graph, shape->name, dims, (guint)n));
        }
    }
}

static gboolean bind_frames(SthGraph *graph, SthValue *input, gint64 frames, GError **error)
{
    gint64 *batch = &input->tensor.shape.dims[0], before = *batch;

    if (before > 0 && before != frames) {
        if (!sth_graph_infer(graph, error))
            return FALSE;
        rewrite_batch(graph, before, frames);
    }
    *batch = frames;
    return sth_graph_infer(graph, error);
}

static gboolean check_scores(const SthGraph *graph, gint64 frames, GError **error)
{
    const SthValue *output = g_ptr_array_index(graph->outputs, 0);
    const SthShape *shape = &output->tensor.shape;
    g_autofree char *shown = sth_shape_to_string(shape);
    gboolean flat = shape->rank >= 2 && shape->dims[0] == frames;

    if (graph->outputs->len != 1)
        return refuse(graph, error, "it has %u outputs; a classifier has one, the scores", graph->outputs->len);
    for (guint i = 2; i < shape->rank; i++)
        flat = flat && shape->dims[i] == 1;
    if (output->tensor.dtype == STH_DTYPE_FLOAT && flat && output->producer)
        return TRUE;
    return refuse(graph, error, "for %" G_GINT64_FORMAT " images its output '%s' is %s %s; scores are float32 NxCLASSES", frames, output->name,
                  sth_dtype_name(output->tensor.dtype), shown);
}

/* Scores of each frame to the mean of them, 1xCLASSES, under the output's name. */
static void average_frames(SthGraph *graph)
{
    SthValue *scores = g_ptr_array_index(graph->outputs, 0), *each, *mean;
    SthNode *last = scores->producer;
    gint64 dims[] = {scores->tensor.shape.dims[0], scores->tensor.shape.dims[1]};
    SthEmitter emitter = {graph, NULL, scores->name, graph->opset};
    g_autofree char *name = g_strdup_printf("%s/of-each-frame", scores->name);
    guint index = 0;

    each = sth_graph_add_value(graph, name);
    g_ptr_array_find(last->outputs, scores, &index);
    sth_node_set_output(last, index, each);
    sth_graph_replace_uses(graph, scores, each);
    if (scores->tensor.shape.rank > 2)
        each = sth_emit_reshape(&emitter, "flat", each, dims, 2);
    mean = sth_emit(&emitter, "ReduceMean", "mean", each, graph->opset < 18 ? NULL : sth_graph_add_ints(graph, "axes", (gint64[]){0}, 1));
    if (graph->opset < 18)
        sth_node_set_ints(mean->producer, "axes", (gint64[]){0}, 1);
    sth_node_set_int(mean->producer, "keepdims", 1);
    sth_node_set_output(mean->producer, 0, scores);
    graph->outputs->pdata[0] = scores;
    /* The file's declaration was that of each image. */
    g_clear_pointer(&scores->axis_names, g_ptr_array_unref);
    if (strcmp(last->op_type, "Softmax") == 0)
        g_hash_table_replace(graph->metadata, g_strdup("sth.activation"), g_strdup("none"));
}

static void replace_convolutions(SthGraph *graph, guint groups, GString *log)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new(); /* as they are now: new ones come between them */
    guint replaced = 0, all = 0;

    for (guint i = 0; i < graph->nodes->len; i++)
        g_ptr_array_add(nodes, g_ptr_array_index(graph->nodes, i));
    for (guint i = 0; i < nodes->len; i++) {
        SthNode *node = g_ptr_array_index(nodes, i);
        if (strcmp(node->op_type, "Conv") != 0)
            continue;
        all++;
        if (groups > 0 && sth_conv_to_sth(graph, node, groups, replaced))
            replaced++;
    }
    sth_graph_sweep_nodes(graph);
    g_string_append_printf(log, "%u of %u convolutions are STH now", replaced, all);
    if (groups > 0 && replaced < all)
        g_string_append(log, "; the others have other kernels than 3x3, are grouped, have too few channels, or read the image itself");
    g_string_append_c(log, '\n');
}

gboolean sth_graph_to_video(SthGraph *graph, const SthConversion *conversion, GString *log, GError **error)
{
    SthValue *input;
    guint groups;

    if (conversion->frames < 1 || conversion->frames > 4096) {
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "%u frames: must be 1 to 4096", conversion->frames);
        return FALSE;
    }
    if (!find_groups(conversion->fraction, &groups, error) || !(input = bind_image(graph, conversion->size, error)) ||
        !bind_frames(graph, input, conversion->frames, error) || !check_scores(graph, conversion->frames, error))
        return FALSE;
    replace_convolutions(graph, groups, log);
    average_frames(graph);
    g_hash_table_replace(graph->metadata, g_strdup("sth.layout"), g_strdup("TCHW"));
    if (!sth_graph_infer(graph, error))
        return FALSE;
    sth_graph_sweep_values(graph);
    return TRUE;
}
