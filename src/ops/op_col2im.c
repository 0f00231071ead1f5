/* Col2Im: windows, one a column, added up to an image.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/columns.h"
#include "ops/op-helpers.h"

typedef struct {
    SthSliding sliding;
    gsize planes; /* batch * channels */
} Col2Im;

/* The sliding kernel whose windows the columns are, of an image of the shape that input 1 says, in blocks of input 2. */
static gboolean read_windows(Col2Im *c, SthNode *node, SthShape *shape, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    SthSliding *s = &c->sliding;
    guint n, n_block;
    gint64 *image = sth_op_constant_ints(node, 1, &n, error), *block = image ? sth_op_constant_ints(node, 2, &n_block, error) : NULL;
    gboolean done = block && ((n == n_block && n >= 1 && n <= STH_AXES && in->rank == 3) ||
                              sth_op_error(node, error, "the input must have three axes, the image one to three, and the block as many"));

    memset(c, 0, sizeof *c);
    *shape = (SthShape){.rank = n + 2};
    for (guint axis = 0; axis < STH_AXES; axis++)
        s->in[axis] = s->out[axis] = s->kernel[axis] = s->stride[axis] = s->dilation[axis] = 1;
    for (guint i = 0; done && i < n; i++) {
        const guint axis = STH_AXES - n + i;

        done = (image[i] >= 1 && image[i] <= G_MAXINT32 && block[i] >= 1 && block[i] <= G_MAXUINT16) ||
               sth_op_error(node, error, "axis %u of image or block is out of range", i);
        s->in[axis] = shape->dims[2 + i] = image[i];
        s->kernel[axis] = block[i];
    }
    done = done && sth_sliding_read_axes(node, "strides", n, 1, s->stride, error) &&
           sth_sliding_read_axes(node, "dilations", n, 1, s->dilation, error) && sth_sliding_read_pads(s, node, n, error);
    g_free(image);
    g_free(block);
    for (guint axis = 0; done && axis < STH_AXES; axis++) {
        const gint64 room = s->in[axis] + s->pad[axis] + s->pad_end[axis] - sth_sliding_span(s, axis);

        done = room >= 0 || sth_op_error(node, error, "the block is larger than the image with its pads");
        s->out[axis] = room / s->stride[axis] + 1;
    }
    const gint64 taps = done ? (gint64)sth_sliding_taps(s) : 1;
    if (done && (in->dims[1] % taps || in->dims[2] != (gint64)sth_sliding_out(s)))
        return sth_op_error(node, error, "%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " elements are no blocks of that image", in->dims[1],
                            in->dims[2]);
    shape->dims[0] = in->dims[0];
    shape->dims[1] = in->dims[1] / taps;
    c->planes = (gsize)(shape->dims[0] * shape->dims[1]);
    return done;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;
    Col2Im c;

    if (!sth_op_require_types(node, 0, STH_TYPES_FLOAT, error) || !read_windows(&c, node, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Col2Im *c = g_new0(Col2Im, 1);
    SthShape shape;

    node->prepared = c;
    return read_windows(c, node, &shape, error);
}

static void run_plane(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Col2Im *c = run->prepared;
    const gsize size = sth_sliding_in(&c->sliding), n = sth_sliding_out(&c->sliding), taps = sth_sliding_taps(&c->sliding);
    float *out = (float *)run->out[0].data + item * size;

    memset(out, 0, size * sizeof *out);
    sth_columns_scatter(&c->sliding, (const float *)run->in[0].data + item * taps * n, 0, n, out);
}

static void run(const SthOpRun *run)
{
    sth_op_parallel(run, run_plane, (gpointer)run, (guint)((const Col2Im *)run->prepared)->planes);
}

extern const SthOp sth_op_col2im;
const SthOp sth_op_col2im = {
    .name = "Col2Im", .since = 18, .min_in = 3, .max_in = 3, .constant_in = 1 << 1 | 1 << 2, .infer = infer, .prepare = prepare, .run = run};
