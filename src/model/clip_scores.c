/* Which output of a clip network the scores are, how many, and whether they are confidences already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/model-private.h"
#include "ops/op.h"

/* Scores are float32 with at most two axes longer than one: [frames x] classes. Axes of one element, wherever they stand, come from heads that
 * keep dimensions (1xKx1x1x1) and from the batch. */
static gboolean is_scores(const SthValue *value, guint frames, guint *rows, guint *classes)
{
    const SthShape *shape = &value->tensor.shape;
    gint64 longer[2] = {1, 1};
    guint n = 0;

    if (value->tensor.dtype != STH_DTYPE_FLOAT || shape->rank == 0)
        return FALSE;
    for (guint i = 0; i < shape->rank; i++) {
        gint64 dim = shape->dims[i];
        if (dim < 1 || dim > G_MAXINT || (dim > 1 && n == 2))
            return FALSE;
        if (dim > 1)
            longer[n++] = dim;
    }
    if (n == 1 && frames > 1 && shape->dims[0] == frames && shape->rank > 1) { /* frames x 1: one class */
        longer[1] = 1;
        n = 2;
    }
    if (n == 2 && longer[0] != frames)
        return FALSE;
    *rows = n == 2 ? (guint)longer[0] : 1;
    *classes = (guint)longer[n == 2 ? 1 : 0];
    return TRUE;
}

/* The output called sth.output, or the only one that may be scores; NULL with no_clip set. */
static const SthValue *choose(SthModel *model, guint *rows, guint *classes)
{
    GPtrArray *outputs = model->graph->outputs;
    const char *name = g_hash_table_lookup(model->graph->metadata, "sth.output");
    g_autoptr(GString) all = g_string_new(NULL);
    const SthValue *found = NULL;
    guint n = 0;

    for (guint i = 0; i < outputs->len; i++) {
        const SthValue *output = g_ptr_array_index(outputs, i);
        g_autofree char *shape = sth_shape_to_string(&output->tensor.shape);
        guint r, k;

        g_string_append_printf(all, "%s'%s' %s %s", i ? ", " : "", output->name, sth_dtype_name(output->tensor.dtype), shape);
        if ((name && strcmp(name, output->name) != 0) || !is_scores(output, model->info.frames, &r, &k))
            continue;
        found = output;
        model->info.output = i;
        *rows = r;
        *classes = k;
        n++;
    }
    if (n == 1)
        return found;
    if (name)
        sth_model_no_clip(model, "its output '%s' (sth.output) is no list of scores, float32 1xCLASSES or FRAMESxCLASSES; it has %s", name, all->str);
    else if (n == 0)
        sth_model_no_clip(model, "none of its outputs is a list of scores, float32 1xCLASSES or FRAMESxCLASSES: %s", all->str);
    else
        sth_model_no_clip(model, "%u of its outputs may be the scores: %s; say which by its name in sth.output", n, all->str);
    return NULL;
}

/* Does the network end in a softmax or sigmoid? Only reshaping may stand behind it. */
static gboolean ends_in_activation(const SthValue *scores)
{
    const SthNode *node = scores->producer;

    while (node && node->op->flags & STH_OP_VIEW)
        node = sth_node_input(node, 0)->producer;
    return node && (strcmp(node->op_type, "Softmax") == 0 || strcmp(node->op_type, "Sigmoid") == 0);
}

void sth_clip_check_scores(SthModel *model)
{
    const SthValue *scores;
    guint rows, classes;

    if (model->no_clip || !(scores = choose(model, &rows, &classes)))
        return;
    model->info.score_rows = rows;
    model->info.n_classes = classes;
    if (!g_hash_table_contains(model->graph->metadata, "sth.activation") && ends_in_activation(scores))
        model->info.activation = STH_ACTIVATION_NONE;
}
