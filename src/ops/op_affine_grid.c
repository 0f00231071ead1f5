/* AffineGrid: the positions of a grid, moved by a matrix for each image: what GridSample reads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

typedef struct {
    guint n; /* axes: 2 or 3 */
    gsize positions;
    gint64 dims[3]; /* of the grid */
    gboolean align_corners;
} Affine;

static gboolean read_affine(Affine *affine, SthNode *node, SthShape *shape, GError **error)
{
    const SthShape *theta = &sth_op_in(node, 0)->shape;
    guint given;
    gint64 *size;

    if (!sth_op_require_types(node, 0, STH_TYPES_FLOAT, error))
        return FALSE;
    size = sth_op_constant_ints(node, 1, &given, error);
    if (!size)
        return FALSE;
    *affine = (Affine){.n = given - 2, .positions = 1, .align_corners = sth_node_int(node, "align_corners", 0) != 0};
    *shape = (SthShape){.rank = given};
    gboolean fits =
        (given == 4 || given == 5) && theta->rank == 3 && theta->dims[0] == size[0] && theta->dims[1] == given - 2 && theta->dims[2] == given - 1;
    for (guint i = 0; fits && i < affine->n; i++) {
        affine->dims[i] = shape->dims[1 + i] = size[2 + i];
        fits = size[2 + i] > 0 && size[2 + i] <= G_MAXINT32 && affine->positions <= G_MAXINT32;
        affine->positions *= fits ? (gsize)size[2 + i] : 1;
    }
    if (fits) {
        shape->dims[0] = size[0];
        shape->dims[given - 1] = affine->n;
    }
    g_free(size);
    return fits || sth_op_error(node, error, "the size (N, C, and two or three axes) does not fit a matrix of 2 x 3 or 3 x 4 for each image");
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;
    Affine affine;

    if (!read_affine(&affine, node, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Affine *affine = g_new0(Affine, 1);
    SthShape shape;

    node->prepared = affine;
    return read_affine(affine, node, &shape, error);
}

/* Of n positions from -1 to 1 (0 for a single one): with align_corners the ends are the middles of the outer ones, else their outer edges. */
static float place(const Affine *affine, gsize i, gint64 n)
{
    if (affine->align_corners)
        return n == 1 ? 0 : -1 + 2 * (float)i / (float)(n - 1);
    return (2 * (float)i + 1) / (float)n - 1;
}

/* @item: an image. */
static void run_image(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Affine *affine = run->prepared;
    const guint n = affine->n;
    const float *theta = (const float *)run->in[0].data + (gsize)item * n * (n + 1);
    float *out = (float *)run->out[0].data + item * affine->positions * n;

    for (gsize i = 0; i < affine->positions; i++) {
        float position[4];
        gsize rest = i;

        /* x, y, z, 1: the fastest axis first. */
        for (guint axis = 0; axis < n; axis++) {
            const gint64 dim = affine->dims[n - 1 - axis];
            position[axis] = place(affine, rest % (gsize)dim, dim);
            rest /= (gsize)dim;
        }
        position[n] = 1;
        for (guint row = 0; row < n; row++) {
            float sum = 0;
            for (guint k = 0; k <= n; k++)
                sum += theta[row * (n + 1) + k] * position[k];
            *out++ = sum;
        }
    }
}

static void run(const SthOpRun *run)
{
    sth_op_parallel(run, run_image, (gpointer)run, (guint)run->in[0].shape.dims[0]);
}

extern const SthOp sth_op_affine_grid;
const SthOp sth_op_affine_grid = {
    .name = "AffineGrid", .since = 20, .min_in = 2, .max_in = 2, .constant_in = 1 << 1, .infer = infer, .prepare = prepare, .run = run};
