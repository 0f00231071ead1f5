/* Recognises a model as a clip network: which axis of its input is what.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "model/model-private.h"

/* Where a layout has its axes; -1: the axis does not exist. */
typedef struct {
    SthLayout layout;
    const char *name;
    guint rank;
    gint n, t, c, h, w;
} Axes;

static const Axes table[] = {
    {STH_LAYOUT_NTCHW, "NTCHW", 5, 0, 1, 2, 3, 4},
    {STH_LAYOUT_NCTHW, "NCTHW", 5, 0, 2, 1, 3, 4},
    {STH_LAYOUT_TCHW, "TCHW", 4, -1, 0, 1, 2, 3},
};

static gboolean fits(const Axes *axes, const SthShape *shape)
{
    gint64 channels, batch;

    if (shape->rank != axes->rank)
        return FALSE;
    channels = shape->dims[axes->c];
    batch = axes->n < 0 ? 1 : shape->dims[axes->n];
    return channels == 3 && (batch == 1 || batch == -1);
}

/* From option or metadata; NULL with *error unset: neither says anything. */
static const Axes *told_layout(SthModel *model, const SthModelOptions *options, GError **error)
{
    const char *word = g_hash_table_lookup(model->graph->metadata, "sth.layout");

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (options->layout != STH_LAYOUT_AUTO ? options->layout == table[i].layout : word && g_ascii_strcasecmp(word, table[i].name) == 0)
            return &table[i];
    }
    if (word && options->layout == STH_LAYOUT_AUTO)
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: sth.layout = '%s' should be NTCHW, NCTHW or TCHW", model->path, word);
    return NULL;
}

static gboolean not_a_clip(SthModel *model, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Not an error of opening: sessions run any model. Streams give this as their error. */
static gboolean not_a_clip(SthModel *model, const char *format, ...)
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

static gboolean recognise(SthModel *model, const SthModelOptions *options, const SthValue *input, const Axes **found, GError **error)
{
    const SthShape *shape = &input->tensor.shape;
    g_autofree char *shown = sth_shape_to_string(shape);
    g_autoptr(GError) why = NULL;
    const Axes *told = told_layout(model, options, &why);
    guint n = 0;

    *found = NULL;
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (told) {
        if (fits(told, shape)) {
            *found = told;
            return TRUE;
        }
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: layout %s does not fit its input '%s' of shape %s", model->path, told->name,
                    input->name, shown);
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (fits(&table[i], shape)) {
            *found = &table[i];
            n++;
        }
    }
    if (n > 1) {
        *found = NULL;
        return not_a_clip(model, "its input '%s' of shape %s may be NTCHW or NCTHW; say which with the layout option or sth.layout", input->name,
                          shown);
    }
    if (n == 0)
        return not_a_clip(model, "its input '%s' has the shape %s; a clip is 1xTx3xHxW, 1x3xTxHxW or Tx3xHxW", input->name, shown);
    return TRUE;
}

/* Number of a metadata key, 0 if absent or malformed. */
static guint metadata_uint(SthModel *model, const char *key)
{
    const char *word = g_hash_table_lookup(model->graph->metadata, key);

    return word ? (guint)CLAMP(g_ascii_strtoll(word, NULL, 10), 0, 65536) : 0;
}

static gboolean bind_frames(SthModel *model, const SthModelOptions *options, gint64 *frames, GError **error)
{
    guint wanted = options->window_size;

    if (*frames < 0) {
        if (wanted == 0)
            wanted = metadata_uint(model, "sth.window");
        if (wanted == 0) {
            g_set_error(error, STH_ERROR, STH_ERROR_SHAPE,
                        "%s: the model leaves the number of frames free; say how many (window-size, or sth.window)", model->path);
            return FALSE;
        }
        *frames = wanted;
    } else if (wanted != 0 && *frames != wanted) {
        g_set_error(error, STH_ERROR, STH_ERROR_SHAPE, "%s: a window of %u frames was asked for, but the model takes %" G_GINT64_FORMAT, model->path,
                    wanted, *frames);
        return FALSE;
    }
    return TRUE;
}

gboolean sth_clip_bind(SthModel *model, const SthModelOptions *options, GError **error)
{
    GPtrArray *inputs = model->graph->inputs;
    SthModelInfo *info = &model->info;
    const Axes *axes;
    SthValue *input;
    gint64 *dims;

    if (inputs->len != 1)
        return not_a_clip(model, "it has %u inputs; a clip network has one", inputs->len);
    input = g_ptr_array_index(inputs, 0);
    if (!recognise(model, options, input, &axes, error))
        return FALSE;
    if (!axes)
        return TRUE;
    if (input->tensor.dtype != STH_DTYPE_FLOAT)
        return not_a_clip(model, "its input '%s' is %s; a clip is float32", input->name, sth_dtype_name(input->tensor.dtype));
    dims = input->tensor.shape.dims;
    if (!bind_frames(model, options, &dims[axes->t], error))
        return FALSE;
    if (axes->n >= 0)
        dims[axes->n] = 1;
    for (gint a = axes->h; a <= axes->w; a++) {
        guint size = metadata_uint(model, "sth.size");
        if (dims[a] < 0)
            dims[a] = size ? size : 224; /* what the hosts, ResNet and MobileNet, were made for */
    }
    info->layout = axes->layout;
    info->frames = (guint)dims[axes->t];
    info->height = (guint)dims[axes->h];
    info->width = (guint)dims[axes->w];
    if (info->frames == 0 || info->height == 0 || info->width == 0)
        return not_a_clip(model, "its input '%s' is empty", input->name);
    return TRUE;
}

void sth_clip_check_scores(SthModel *model)
{
    GPtrArray *outputs = model->graph->outputs;
    const SthValue *output;
    gint64 n;

    if (model->no_clip)
        return;
    if (outputs->len != 1) {
        not_a_clip(model, "it has %u outputs; a clip network has one, the scores", outputs->len);
        return;
    }
    output = g_ptr_array_index(outputs, 0);
    n = sth_shape_elements(&output->tensor.shape);
    if (output->tensor.dtype != STH_DTYPE_FLOAT || output->tensor.shape.rank == 0 || n < 1 || n > G_MAXINT ||
        output->tensor.shape.dims[output->tensor.shape.rank - 1] != n) {
        g_autofree char *shape = sth_shape_to_string(&output->tensor.shape);
        not_a_clip(model, "its output '%s' is %s %s; scores are float32, 1xCLASSES", output->name, sth_dtype_name(output->tensor.dtype), shape);
        return;
    }
    model->info.n_classes = (guint)n;
}
