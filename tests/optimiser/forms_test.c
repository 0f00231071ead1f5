/* Random linear regions as exporters write them: slices, shifts and turns in front of convolutions, sums and joins behind them, of volumes, of frames
 * and channels last. What is optimised computes what was written.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph_builder.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"

#define REGIONS 400
#define OUT 4 /* channels of a region's result */

typedef enum { VOLUMES, FRAMES, ARRANGEMENTS } Arrangement;

typedef struct {
    SthGraph *graph;
    GRand *dice;
    Arrangement arrangement;
    gint64 frames, channels, height, width, stride;
    guint names;
    gboolean broken; /* something in it must stay */
} Region;

static gint pick(Region *r, gint low, gint high)
{
    return g_rand_int_range(r->dice, low, high + 1);
}

static gboolean chance(Region *r, gint percent)
{
    return pick(r, 0, 99) < percent;
}

static SthNode *add(Region *r, const char *op, SthValue *a, SthValue *b)
{
    g_autofree char *name = g_strdup_printf("%s%u", op, r->names++);

    return build_node(r->graph, op, name, a, b, NULL, NULL);
}

/* Infers the newest node, so that the next one knows what it reads. */
static SthValue *made(SthNode *node)
{
    g_autoptr(GError) error = NULL;

    node->op->infer(node, &error);
    g_assert_no_error(error);
    return sth_node_output(node, 0);
}

static SthValue *ints(Region *r, const gint64 *list, guint n)
{
    return build_ints(r->graph, "ints", list, n);
}

static guint axis_of(const Region *r, guint volume_axis)
{
    return r->arrangement == VOLUMES ? volume_axis : volume_axis - 1;
}

static SthValue *slice(Region *r, SthValue *x, guint axis, gint64 begin, gint64 end, gint64 step)
{
    SthNode *node = add(r, "Slice", x, ints(r, &begin, 1));

    sth_node_add_input(node, ints(r, &end, 1));
    sth_node_add_input(node, ints(r, (gint64[]){axis}, 1));
    sth_node_add_input(node, ints(r, &step, 1));
    return made(node);
}

static SthValue *concat(Region *r, SthValue *a, SthValue *b, guint axis)
{
    SthNode *node = add(r, "Concat", a, b);

    sth_node_set_int(node, "axis", axis);
    return made(node);
}

static SthValue *reshape(Region *r, SthValue *x, const gint64 *shape, guint n)
{
    return made(add(r, "Reshape", x, ints(r, shape, n)));
}

static SthValue *transpose(Region *r, SthValue *x, const gint64 *perm, guint n)
{
    SthNode *node = add(r, "Transpose", x, NULL);

    sth_node_set_ints(node, "perm", perm, n);
    return made(node);
}

/* Frame t + @step in place of t, zeros outside; of frames: as pictures in a clip. */
static SthValue *shift(Region *r, SthValue *x, gint64 step)
{
    const SthShape whole = x->tensor.shape;
    const guint axis = r->arrangement == VOLUMES ? 2 : 1;
    const guint first = step < 0 ? 0 : 5;
    gint64 pads[10] = {0};
    SthNode *pad;

    if (r->arrangement == FRAMES)
        x = reshape(r, x, (gint64[]){1, r->frames, whole.dims[1], whole.dims[2], whole.dims[3]}, 5);
    pads[first + axis] = 1;
    pad = add(r, "Pad", x, ints(r, pads, 10));
    if (chance(r, 10)) {
        sth_node_add_input(pad, build_constant(r->graph, "one", "1", (float[]){1}));
        r->broken = TRUE;
    }
    x = slice(r, made(pad), axis, step < 0 ? 0 : 1, step < 0 ? r->frames : r->frames + 1, 1);
    return r->arrangement == FRAMES ? reshape(r, x, whole.dims, 4) : x;
}

/* What stands in front of a Conv. */
static SthValue *select_some(Region *r, SthValue *x)
{
    if (chance(r, 50)) { /* channels turned round */
        const gint64 at = pick(r, 1, (gint)r->channels - 1);
        x = concat(r, slice(r, x, 1, at, G_MAXINT32, 1), slice(r, x, 1, 0, at, 1), 1);
    }
    if (chance(r, 40))
        x = slice(r, x, 1, pick(r, 0, 1), pick(r, 2, (gint)r->channels), 1);
    if (chance(r, 40))
        x = shift(r, x, chance(r, 50) ? 1 : -1);
    if (chance(r, 10)) {
        x = made(add(r, "Relu", x, NULL));
        r->broken = TRUE;
    }
    return x;
}

static SthValue *convolve(Region *r, SthValue *x, const gint64 *kernel, const gint64 *strides, guint axes, gint64 out)
{
    SthShape shape = {.rank = axes + 2, .dims = {out, x->tensor.shape.dims[1]}};
    g_autofree char *text = NULL;
    gint64 pads[6];
    SthNode *node;

    for (guint a = 0; a < axes; a++) {
        shape.dims[2 + a] = kernel[a];
        pads[a] = pads[axes + a] = kernel[a] / 2;
    }
    text = sth_shape_to_string(&shape);
    node = add(r, "Conv", x, build_constant(r->graph, "w", text, NULL));
    for (gint64 i = 0; i < sth_shape_elements(&shape); i++)
        ((float *)sth_node_input(node, 1)->tensor.data)[i] = (float)g_rand_double_range(r->dice, -1, 1);
    if (chance(r, 50))
        sth_node_add_input(node, build_constant(r->graph, "b", out == OUT ? "4" : "2", NULL));
    sth_node_set_ints(node, "pads", pads, 2 * axes);
    sth_node_set_ints(node, "strides", strides, axes);
    return made(node);
}

/* 3x1x1; of frames: 3x1 of pictures as rows. */
static SthValue *line(Region *r, SthValue *x, gint64 out)
{
    const gint64 ones[] = {1, 1, 1}, c = x->tensor.shape.dims[1];
    const guint h = axis_of(r, 3);
    gint64 height, width;

    if (r->stride > 1)
        x = slice(r, slice(r, x, h, 0, G_MAXINT32, r->stride), h + 1, 0, G_MAXINT32, r->stride);
    if (r->arrangement == VOLUMES)
        return convolve(r, x, (gint64[]){3, 1, 1}, ones, 3, out);
    height = x->tensor.shape.dims[2];
    width = x->tensor.shape.dims[3];
    x = reshape(r, x, (gint64[]){1, r->frames, c, height * width}, 4);
    x = convolve(r, transpose(r, x, (gint64[]){0, 2, 1, 3}, 4), (gint64[]){3, 1}, ones, 2, out);
    return reshape(r, transpose(r, x, (gint64[]){0, 2, 1, 3}, 4), (gint64[]){r->frames, out, height, width}, 4);
}

static SthValue *plane(Region *r, SthValue *x, gint64 out)
{
    const gint64 k = chance(r, 60) ? 3 : 1, s = r->stride;

    if (r->arrangement == VOLUMES)
        return convolve(r, x, (gint64[]){1, k, k}, (gint64[]){1, s, s}, 3, out);
    return convolve(r, x, (gint64[]){k, k}, (gint64[]){s, s}, 2, out);
}

static SthValue *part(Region *r, SthValue *x, gint64 out)
{
    SthValue *chosen = select_some(r, x);

    return chance(r, 50) ? line(r, chosen, out) : plane(r, chosen, out);
}

/* Two or three parts added, or two halves joined; its first Conv and its Relu make clear what is a frame. */
static SthValue *build(Region *r)
{
    const gint64 ones[] = {1, 1, 1};
    SthValue *x, *y;

    if (r->arrangement == VOLUMES) {
        g_autofree char *shape = g_strdup_printf("1x3x%dx%dx%d", (int)r->frames, (int)r->height, (int)r->width);
        x = convolve(r, build_input(r->graph, "x", shape), ones, ones, 3, OUT);
    } else {
        g_autofree char *shape = g_strdup_printf("%dx3x%dx%d", (int)r->frames, (int)r->height, (int)r->width);
        x = convolve(r, build_input(r->graph, "x", shape), ones, ones, 2, OUT);
    }
    r->channels = OUT;
    x = made(add(r, "Relu", x, NULL));
    if (chance(r, 40)) {
        y = concat(r, made(add(r, "Add", part(r, x, 2), part(r, x, 2))), part(r, x, 2), 1);
    } else {
        y = made(add(r, "Add", part(r, x, OUT), part(r, x, OUT)));
        if (chance(r, 50))
            y = made(add(r, "Sum", y, part(r, x, OUT)));
    }
    return made(add(r, "Relu", y, NULL));
}

static void test_random(void)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(29);
    guint whole = 0, sound = 0;

    for (guint i = 0; i < REGIONS; i++) {
        Region r = {.graph = sth_graph_new("test"), .dice = dice};
        g_autoptr(GError) error = NULL;
        SthValue *in, *out;
        float *before, *after;

        r.graph->release = sth_op_release;
        r.arrangement = (Arrangement)pick(&r, 0, ARRANGEMENTS - 1);
        r.frames = pick(&r, 2, 5);
        r.height = pick(&r, 3, 8);
        r.width = pick(&r, 3, 8);
        r.stride = pick(&r, 1, 2);
        out = build(&r);
        build_output(r.graph, out);
        in = g_ptr_array_index(r.graph->inputs, 0);
        build_fill(in, &in->tensor.shape, dice);
        before = build_run(r.graph, NULL, 1);
        build_release(r.graph);
        g_assert_true(sth_graph_optimise(r.graph, NULL, &error));
        g_assert_no_error(error);
        after = build_run(r.graph, NULL, 1);
        for (gint64 k = 0; k < sth_shape_elements(&out->tensor.shape); k++)
            g_assert_cmpfloat(fabs((double)before[k] - after[k]), <, 1e-5 * 4 * 27 * 3);
        sound += !r.broken;
        whole += !r.broken && build_count(r.graph, "Conv") == 2;
        build_release(r.graph);
        build_free(in);
        sth_aligned_free(before);
        sth_aligned_free(after);
        sth_graph_free(r.graph);
    }
    g_test_message("%u of %u regions without anything in the way became one Conv", whole, sound);
    g_assert_cmpuint(whole * 3, >, sound);
    g_assert_cmpuint(sound, <, REGIONS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/optimiser/forms/random", test_random);
    return g_test_run();
}
