/* Measures the layers of tests/ops/winograd-measured.tsv by Winograd's algorithm and by the method that would run them else, in turns, and prints the
 * file anew. A layer of one's own is a line with any two times. AVX-512, one thread; on a quiet machine.
 *
 * usage: winograd-bench LAYERS.tsv >MEASURED.tsv
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "winograd-layers.h"

#define ROUNDS 9
#define LEAST_TIME 1000 /* of a turn, microseconds */

typedef struct {
    const SthConvMethod *method;
    SthNode node; /* the sizes of its memory */
    gpointer prepared;
    guint8 *scratch, *thread_scratch;
    double best; /* ms */
} Way;

static void way_init(Way *way, const SthConvMethod *method, const SthConv *conv, const float *weight)
{
    *way = (Way){.method = method, .best = INFINITY};
    way->prepared = method->prepare(conv, &way->node, weight, NULL);
    way->scratch = sth_aligned_alloc(way->node.scratch);
    way->thread_scratch = sth_aligned_alloc(way->node.thread_scratch);
}

static void way_clear(Way *way)
{
    way->method->release(way->prepared);
    sth_aligned_free(way->scratch);
    sth_aligned_free(way->thread_scratch);
}

static void way_time(Way *way, const float *in, float *out)
{
    const SthOpRun run = {.prepared = way->prepared, .scratch = way->scratch, .thread_scratch = way->thread_scratch, .threads = 1};
    const gint64 start = g_get_monotonic_time();
    guint runs = 0;

    do {
        way->method->run(way->prepared, &run, in, NULL, out);
        runs++;
    } while (g_get_monotonic_time() - start < LEAST_TIME);
    way->best = MIN(way->best, (double)(g_get_monotonic_time() - start) / 1e3 / runs);
}

static void measure(WinogradLayer *layer)
{
    const gsize size = (gsize)layer->frames * layer->size * layer->size;
    g_autofree float *weight = winograd_layer_weight(layer);
    float *in = sth_aligned_alloc(layer->in_channels * size * sizeof *in), *out = sth_aligned_alloc(layer->out_channels * size * sizeof *out);
    SthConv conv;
    Way winograd, other;

    for (gsize i = 0; i < layer->in_channels * size; i++)
        in[i] = (float)(i % 61) / 61 - 0.5f;
    winograd_layer_conv(layer, &conv);
    way_init(&winograd, &sth_conv_winograd, &conv, weight);
    way_init(&other, sth_conv_strips.takes(&conv, weight) ? &sth_conv_strips : &sth_conv_gemm, &conv, weight);
    for (guint round = 0; round < ROUNDS; round++) {
        way_time(&winograd, in, out);
        way_time(&other, in, out);
    }
    layer->winograd_ms = winograd.best;
    layer->other_ms = other.best;
    way_clear(&winograd);
    way_clear(&other);
    sth_aligned_free(in);
    sth_aligned_free(out);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: winograd-bench LAYERS.tsv >MEASURED.tsv\n");
        return 2;
    }
    GArray *layers = winograd_layers_read(argv[1]);

    printf("%s\n", WINOGRAD_LAYERS_HEAD);
    for (guint i = 0; i < layers->len; i++) {
        WinogradLayer *layer = &g_array_index(layers, WinogradLayer, i);

        measure(layer);
        printf("%u\t%u\t%u\t%u\t%u\t%.4f\t%.4f\n", layer->out_channels, layer->in_channels, layer->frames, layer->size, layer->temporal,
               layer->winograd_ms, layer->other_ms);
    }
    g_array_unref(layers);
    return 0;
}
