/* How long preprocessing takes: ms a frame, one thread, best of the rounds. Not a test: prints a table.
 *
 * usage: preprocess-bench [ROUNDS]
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "stream/preprocess.h"
#include "stream/stream-private.h"

static const struct {
    const char *name;
    SthPixelFormat pixel;
    guint bytes; /* a pixel of the first plane */
} formats[] = {{"I420", STH_PIXEL_I420, 1}, {"NV12", STH_PIXEL_NV12, 1}, {"YUY2", STH_PIXEL_YUY2, 2},
               {"RGB", STH_PIXEL_RGB, 3},   {"BGRA", STH_PIXEL_BGRA, 4}, {"GRAY8", STH_PIXEL_GRAY8, 1}};
static const guint sources[][2] = {{640, 480}, {1280, 720}, {1920, 1080}, {3840, 2160}};
static const guint targets[] = {112, 224};

static double measure(guint format, const guint *source, guint target, SthFilterPolicy filter, guint rounds)
{
    const SthFrameFormat frame_format = {.pixel = formats[format].pixel, .width = source[0], .height = source[1], .matrix = STH_MATRIX_BT709};
    const SthModelInfo info = {.width = target, .height = target, .filter = filter, .mean = {123, 116, 103}, .std = {58, 57, 57}};
    const gsize bytes = (gsize)source[0] * source[1] * formats[format].bytes;
    const gint stride = (gint)(source[0] * formats[format].bytes);
    guint8 *pixels = sth_aligned_alloc(bytes);
    float *out = sth_aligned_alloc(3 * sizeof(float) * target * target);
    const SthFrame frame = {{pixels, pixels, pixels}, {stride, formats[format].pixel == STH_PIXEL_I420 ? stride / 2 : stride, stride / 2}, 0};
    guint64 best = G_MAXUINT64;

    for (gsize i = 0; i < bytes; i++)
        pixels[i] = (guint8)(i * 2654435761u >> 13);
    SthPreprocess *preprocess = sth_preprocess_new(&frame_format, &info, NULL);
    for (guint round = 0; round < rounds; round++) {
        const guint64 begin = sth_stream_now();
        sth_preprocess_run(preprocess, &frame, out);
        best = MIN(best, sth_stream_now() - begin);
    }
    sth_preprocess_free(preprocess);
    sth_aligned_free(out);
    sth_aligned_free(pixels);
    return (double)best * 1e-6;
}

int main(int argc, char **argv)
{
    const guint rounds = argc > 1 ? (guint)MAX(atoi(argv[1]), 1) : 50;
    printf("%-6s %-10s %17s %17s  ms a frame\n", "", "", "antialiased", "bilinear");
    printf("%-6s %-10s %8s %8s %8s %8s\n", "format", "source", "112", "224", "112", "224");
    for (guint format = 0; format < G_N_ELEMENTS(formats); format++)
        for (guint source = 0; source < G_N_ELEMENTS(sources); source++) {
            printf("%-6s %4ux%-5u", formats[format].name, sources[source][0], sources[source][1]);
            for (SthFilterPolicy filter = STH_FILTER_ANTIALIAS; filter <= STH_FILTER_BILINEAR; filter++)
                for (guint target = 0; target < G_N_ELEMENTS(targets); target++)
                    printf(" %8.3f", measure(format, sources[source], targets[target], filter, rounds));
            printf("\n");
        }
    return 0;
}
