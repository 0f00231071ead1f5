/* Folds BatchNormalization into the Conv before it:
 *
 *   y = scale * (conv(x) - mean) / sqrt(var + epsilon) + shift     per output channel
 *     = conv'(x),  w' = w * g,  b' = (b - mean) * g + shift,  g = scale / sqrt(var + epsilon)
 *
 * computed in double.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"

static const float *floats(const SthValue *value, gint64 n)
{
    if (!value || !value->constant || value->tensor.dtype != STH_DTYPE_FLOAT || sth_shape_elements(&value->tensor.shape) != n)
        return NULL;
    return value->tensor.data;
}

/* Conv with constant weights, read by this BatchNormalization alone, nothing fused behind it yet. */
static SthNode *foldable_conv(SthGraph *graph, SthNode *norm)
{
    SthValue *x = sth_node_input(norm, 0), *weight;
    SthNode *conv = x ? x->producer : NULL;

    if (!conv || strcmp(conv->op_type, "Conv") != 0 || sth_graph_single_user(graph, x) != norm)
        return NULL;
    if (conv->inputs->len > 3 || sth_node_has(conv, "sth.min") || sth_node_has(conv, "sth.max"))
        return NULL;
    weight = sth_node_input(conv, 1);
    return weight && weight->constant && weight->tensor.dtype == STH_DTYPE_FLOAT ? conv : NULL;
}

/* FALSE if something in it is not constant. */
static gboolean fold(SthGraph *graph, SthNode *conv, SthNode *norm)
{
    SthValue *w_old = sth_node_input(conv, 1), *b_old = sth_node_input(conv, 2), *value;
    gint64 channels = w_old->tensor.shape.dims[0], per_channel = sth_shape_elements(&w_old->tensor.shape) / MAX(channels, 1);
    const float *scale = floats(sth_node_input(norm, 1), channels), *shift = floats(sth_node_input(norm, 2), channels);
    const float *mean = floats(sth_node_input(norm, 3), channels), *var = floats(sth_node_input(norm, 4), channels);
    const float *w = w_old->tensor.data, *b = b_old ? floats(b_old, channels) : NULL;
    double epsilon = sth_node_float(norm, "epsilon", 1e-5f);
    SthShape bias_shape = {.rank = 1, .dims = {channels}};
    float *w_new, *b_new;
    gpointer w_data, b_data;
    GBytes *w_bytes, *b_bytes;

    if (!scale || !shift || !mean || !var || (b_old && !b))
        return FALSE;
    w_bytes = sth_aligned_bytes(sth_tensor_bytes(&w_old->tensor), &w_data);
    b_bytes = sth_aligned_bytes((gsize)channels * sizeof(float), &b_data);
    w_new = w_data;
    b_new = b_data;
    for (gint64 c = 0; c < channels; c++) {
        double g = scale[c] / sqrt(var[c] + epsilon);
        for (gint64 i = c * per_channel; i < (c + 1) * per_channel; i++)
            w_new[i] = (float)(w[i] * g);
        b_new[c] = (float)(((b ? b[c] : 0) - (double)mean[c]) * g + shift[c]);
    }
    value = sth_graph_add_constant(graph, w_old->name, STH_DTYPE_FLOAT, &w_old->tensor.shape, w_bytes);
    sth_node_set_input(conv, 1, value);
    value = sth_graph_add_constant(graph, conv->name, STH_DTYPE_FLOAT, &bias_shape, b_bytes);
    sth_node_set_input(conv, 2, value);
    return TRUE;
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = graph->nodes->len; i-- > 0;) {
        SthNode *norm = g_ptr_array_index(graph->nodes, i), *conv;
        SthValue *out;

        if (strcmp(norm->op_type, "BatchNormalization") != 0 || (norm->outputs->len > 1 && sth_node_output(norm, 1)))
            continue;
        conv = foldable_conv(graph, norm);
        if (!conv || !fold(graph, conv, norm))
            continue;
        out = sth_node_output(norm, 0);
        sth_node_note_fused(conv, "BatchNormalization '%s'", norm->name);
        /* An activation that could not wait. */
        if (sth_node_has(norm, "sth.min"))
            sth_node_set_float(conv, "sth.min", sth_node_float(norm, "sth.min", 0));
        if (sth_node_has(norm, "sth.max"))
            sth_node_set_float(conv, "sth.max", sth_node_float(norm, "sth.max", 0));
        sth_graph_remove_node(graph, norm);
        /* The Conv now makes what the BatchNormalization made, under its name. */
        sth_node_set_output(conv, 0, out);
        changes++;
    }
    return changes;
}

const SthPass sth_pass_fuse_batch_norm = {
    .name = "fuse_batch_norm", .description = "BatchNormalization into the weights of the Conv before it", .run = run, .standard = TRUE};
