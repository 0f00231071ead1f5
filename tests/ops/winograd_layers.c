/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "winograd-layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLANE 9
#define EIGHTHS 8

GArray *winograd_layers_read(const char *path)
{
    GArray *layers = g_array_new(FALSE, FALSE, sizeof(WinogradLayer));
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(2);
    }
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        WinogradLayer layer;

        if (i == 0 ? strcmp(lines[0], WINOGRAD_LAYERS_HEAD) != 0
                   : sscanf(lines[i], "%u\t%u\t%u\t%u\t%u\t%lf\t%lf", &layer.out_channels, &layer.in_channels, &layer.frames, &layer.size,
                            &layer.temporal, &layer.winograd_ms, &layer.other_ms) != 7) {
            fprintf(stderr, "%s: line %u: not '%s'\n", path, i + 1, WINOGRAD_LAYERS_HEAD);
            exit(2);
        }
        if (i > 0)
            g_array_append_val(layers, layer);
    }
    return layers;
}

void winograd_layer_conv(const WinogradLayer *layer, SthConv *conv)
{
    const gint64 kernel[STH_AXES] = {layer->temporal ? 3 : 1, 3, 3}, size[STH_AXES] = {layer->frames, layer->size, layer->size};

    *conv =
        (SthConv){.batch = 1, .groups = 1, .in_channels = layer->in_channels, .out_channels = layer->out_channels, .min = -INFINITY, .max = INFINITY};
    for (guint axis = 0; axis < STH_AXES; axis++) {
        SthSliding *s = &conv->sliding;

        s->in[axis] = s->out[axis] = size[axis];
        s->kernel[axis] = kernel[axis];
        s->stride[axis] = s->dilation[axis] = 1;
        s->pad[axis] = s->pad_end[axis] = kernel[axis] / 2;
    }
}

float *winograd_layer_weight(const WinogradLayer *layer)
{
    const guint taps = layer->temporal ? 3 : 1, slice = layer->in_channels * layer->temporal / EIGHTHS;
    GRand *dice = g_rand_new_with_seed(3);
    float *weight = g_new0(float, (gsize)layer->out_channels * layer->in_channels * taps * PLANE), *w = weight;

    for (guint out = 0; out < layer->out_channels; out++) {
        const guint parts = slice ? layer->in_channels / slice : 1, first = out * parts / layer->out_channels * slice;

        for (guint in = 0; in < layer->in_channels; in++)
            for (guint tap = 0; tap < taps; tap++)
                for (guint i = 0; i < PLANE; i++, w++) {
                    const gboolean line = in >= first && in < first + slice;

                    if (line ? i == PLANE / 2 : tap == taps / 2)
                        *w = (float)g_rand_double_range(dice, -0.05, 0.05);
                }
    }
    g_rand_free(dice);
    return weight;
}
