/* Recognises a model as a clip network: which axis of its input is what.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "model/model-private.h"
#include "ops/elements.h"
#include "optimiser/widen.h"

/* Where a layout has its axes; -1: the axis does not exist. */
typedef struct {
    SthLayout layout;
    const char *name;
    guint rank;
    gint n, t, c, h, w;
} Axes;

static const Axes table[] = {
    {STH_LAYOUT_NTCHW, "NTCHW", 5, 0, 1, 2, 3, 4}, {STH_LAYOUT_NCTHW, "NCTHW", 5, 0, 2, 1, 3, 4}, {STH_LAYOUT_TCHW, "TCHW", 4, -1, 0, 1, 2, 3},
    {STH_LAYOUT_NTHWC, "NTHWC", 5, 0, 1, 4, 2, 3}, {STH_LAYOUT_THWC, "THWC", 4, -1, 0, 3, 1, 2},
};

#define LAYOUTS "NTCHW, NCTHW, TCHW, NTHWC or THWC"

const char *sth_model_layout_name(SthLayout layout)
{
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].layout == layout)
            return table[i].name;
    }
    return NULL;
}

SthLayout sth_model_layout_from_name(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_ascii_strcasecmp(table[i].name, name) == 0)
            return table[i].layout;
    }
    return STH_LAYOUT_AUTO;
}

/* @told: the layout was asked for, so that free channels may be meant as three. */
static gboolean fits(const Axes *axes, const SthShape *shape, gboolean told)
{
    return shape->rank == axes->rank && (shape->dims[axes->c] == 3 || (told && shape->dims[axes->c] == -1));
}

static gboolean is_open(const SthShape *shape)
{
    for (guint i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return TRUE;
    }
    return FALSE;
}

guint sth_clip_frame_axis(SthLayout layout)
{
    guint i = 0;

    while (table[i].layout != layout)
        i++;
    return (guint)table[i].t;
}

static gint64 batch_of(const Axes *axes, const SthShape *shape)
{
    return axes->n < 0 ? 1 : shape->dims[axes->n];
}

/* From option or metadata; NULL with *error unset: neither says anything. */
static const Axes *told_layout(SthModel *model, const SthModelOptions *options, GError **error)
{
    const char *word = g_hash_table_lookup(model->graph->metadata, "sth.layout");
    SthLayout layout = options->layout;

    if (layout == STH_LAYOUT_AUTO && word) {
        layout = sth_model_layout_from_name(word);
        if (layout == STH_LAYOUT_AUTO)
            g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: sth.layout = '%s' should be " LAYOUTS, model->path, word);
    }
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].layout == layout)
            return &table[i];
    }
    return NULL;
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
        if (fits(told, shape, TRUE)) {
            *found = told;
            return TRUE;
        }
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: layout %s does not fit its input '%s' of shape %s", model->path, told->name,
                    input->name, shown);
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (fits(&table[i], shape, FALSE)) {
            *found = &table[i];
            n++;
        }
    }
    if (n > 1) {
        *found = NULL;
        sth_model_no_clip(
            model, "its input '%s' of shape %s may be in more than one of the layouts " LAYOUTS "; say which with the layout option or sth.layout",
            input->name, shown);
        if (!is_open(shape))
            return TRUE;
        g_propagate_error(error, g_error_copy(model->no_clip)); /* it could not run as anything else either */
        return FALSE;
    }
    if (n == 0)
        return sth_model_no_clip(model, "its input '%s' has the shape %s; a clip is 1xTx3xHxW, 1x3xTxHxW, Tx3xHxW, 1xTxHxWx3 or TxHxWx3", input->name,
                                 shown);
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
        return sth_model_no_clip(model, "it has %u inputs; a clip network has one", inputs->len);
    input = g_ptr_array_index(inputs, 0);
    if (!recognise(model, options, input, &axes, error))
        return FALSE;
    if (!axes)
        return TRUE;
    if (batch_of(axes, &input->tensor.shape) > 1)
        return sth_model_no_clip(model, "its input '%s' takes %" G_GINT64_FORMAT " clips at a time; export it for one (N = 1), or with N free",
                                 input->name, batch_of(axes, &input->tensor.shape));
    if (input->tensor.dtype != STH_DTYPE_FLOAT && !sth_dtype_is_half(input->tensor.dtype))
        return sth_model_no_clip(model, "its input '%s' is %s; a clip is float32, float16 or bfloat16", input->name,
                                 sth_dtype_name(input->tensor.dtype));
    dims = input->tensor.shape.dims;
    if (!bind_frames(model, options, &dims[axes->t], error))
        return FALSE;
    if (axes->n >= 0)
        dims[axes->n] = 1;
    dims[axes->c] = 3;
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
        return sth_model_no_clip(model, "its input '%s' is empty", input->name);
    sth_widen_ends(model->graph);
    return TRUE;
}
