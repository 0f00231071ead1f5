/* GridSample: an image or volume read at the positions that a grid holds, by the nearest element, linearly or by cubic interpolation.
 *
 * Source: ONNX operator GridSample (opset 16, 20), which is PyTorch's grid_sample; cubic kernel with a = -0.75, images only.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "ops/op-helpers.h"

#define MAX_AXES 3
#define MAX_TAPS 64  /* 4 x 4 for an image, 2 x 2 x 2 for a volume */
#define POSITIONS 64 /* of the grid, that one part of work does for all channels */

typedef enum { GRID_NEAREST, GRID_LINEAR, GRID_CUBIC } GridMode;
typedef enum { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION } GridPadding;

typedef struct {
    GridMode mode;
    GridPadding padding;
    gboolean align_corners;
    guint n;             /* axes: 2 or 3 */
    gint64 in[MAX_AXES]; /* slowest first */
    gsize batch, channels, positions, parts;
} Grid;

static gboolean read_name(SthNode *node, const char *attr, const char *fallback, const char *const *names, guint *out, GError **error)
{
    const char *given = sth_node_string(node, attr, fallback);

    for (*out = 0; names[*out]; (*out)++)
        if (strcmp(names[*out], given) == 0)
            return TRUE;
    return sth_op_error(node, error, "%s '%s' is not supported", attr, given);
}

static gboolean read_grid(Grid *grid, SthNode *node, GError **error)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear", "bicubic", NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    const SthShape *in = &sth_op_in(node, 0)->shape, *at = &sth_op_in(node, 1)->shape;
    guint mode, padding;

    if (!sth_op_require_types(node, 0, STH_TYPES_FLOAT, error) || !sth_op_require_types(node, 1, STH_TYPES_FLOAT, error) ||
        !read_name(node, "mode", "linear", modes, &mode, error) || !read_name(node, "padding_mode", "zeros", paddings, &padding, error))
        return FALSE;
    *grid = (Grid){.mode = mode > GRID_CUBIC ? mode - 2 : mode, .padding = padding, .align_corners = sth_node_int(node, "align_corners", 0) != 0};
    if ((in->rank != 4 && in->rank != 5) || at->rank != in->rank || at->dims[at->rank - 1] != in->rank - 2 || at->dims[0] != in->dims[0])
        return sth_op_error(node, error, "the grid's shape does not fit the input's: N x C x H x W and N x H' x W' x 2 do, and so with three axes");
    grid->n = in->rank - 2;
    if (grid->mode == GRID_CUBIC && grid->n == 3)
        return sth_op_error(node, error, "mode 'cubic' is supported for images only, not for volumes");
    for (guint i = 0; i < grid->n; i++) {
        grid->in[i] = in->dims[2 + i];
        if (grid->in[i] < 1 || grid->in[i] > G_MAXINT32)
            return sth_op_error(node, error, "axis %u of the input has %" G_GINT64_FORMAT " elements", 2 + i, grid->in[i]);
    }
    grid->batch = (gsize)in->dims[0];
    grid->channels = (gsize)in->dims[1];
    grid->positions = sth_op_product(at, 1, at->rank - 1);
    grid->parts = (grid->positions + POSITIONS - 1) / POSITIONS;
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape = sth_op_in(node, 0)->shape;
    Grid grid;

    if (!read_grid(&grid, node, error))
        return FALSE;
    for (guint i = 2; i < shape.rank; i++)
        shape.dims[i] = sth_op_in(node, 1)->shape.dims[i - 1];
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Grid *grid = g_new0(Grid, 1);

    node->prepared = grid;
    return read_grid(grid, node, error);
}

/* -1…1 to elements. What is no number or far away becomes a place outside. */
static double to_elements(const Grid *grid, double x, gint64 n)
{
    const double place = grid->align_corners ? (x + 1) / 2 * (double)(n - 1) : ((x + 1) * (double)n - 1) / 2;

    return place > -0x1p40 && place < 0x1p40 ? place : -0x1p40;
}

/* Reflects at the ends: at the outer elements' middles with align_corners, else at their outer edges. */
static double reflect(const Grid *grid, double place, gint64 n)
{
    const double low = grid->align_corners ? 0 : -0.5, span = grid->align_corners ? (double)(n - 1) : (double)n;
    double from;

    if (span == 0)
        return 0;
    from = fmod(fabs(place - low), 2 * span);
    return low + (from > span ? 2 * span - from : from);
}

static double move_inside(const Grid *grid, double place, gint64 n)
{
    if (grid->padding == GRID_REFLECTION)
        place = reflect(grid, place, n);
    return grid->padding == GRID_ZEROS ? place : CLAMP(place, 0, (double)(n - 1));
}

static double cubic(double x)
{
    const double a = -0.75;

    x = fabs(x);
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

/* The taps of one axis: their elements (-1: zero) and weights; returns how many there are. */
static guint axis_taps(const Grid *grid, double x, gint64 n, gint64 *at, float *weight)
{
    const double place = to_elements(grid, x, n), inside = grid->mode == GRID_CUBIC ? place : move_inside(grid, place, n);
    const guint count = grid->mode == GRID_NEAREST ? 1 : grid->mode == GRID_LINEAR ? 2 : 4;
    const double first = grid->mode == GRID_NEAREST ? rint(inside) : floor(inside) - (grid->mode == GRID_CUBIC ? 1 : 0);

    for (guint k = 0; k < count; k++) {
        double tap = first + (double)k, distance = fabs(inside - tap);

        weight[k] = count == 1 ? 1 : (float)(count == 2 ? MAX(0, 1 - distance) : cubic(distance));
        /* Of a cubic kernel each tap is moved inside by itself. */
        tap = grid->mode == GRID_CUBIC ? rint(move_inside(grid, tap, n)) : tap;
        at[k] = tap >= 0 && tap <= (double)(n - 1) ? (gint64)tap : -1;
        weight[k] = at[k] < 0 ? 0 : weight[k];
    }
    return count;
}

/* The taps of one position: elements of a channel and weights. Those of weight 0 are left out. */
static guint position_taps(const Grid *grid, const float *position, gsize *index, float *weight)
{
    guint total = 1;

    index[0] = 0;
    weight[0] = 1;
    /* The grid's innermost axis is x, y, z: the fastest axis first. */
    for (guint axis = 0; axis < grid->n; axis++) {
        gint64 at[4];
        float own[4];
        gsize old_index[MAX_TAPS];
        float old_weight[MAX_TAPS];
        const guint old = total, count = axis_taps(grid, (double)position[grid->n - 1 - axis], grid->in[axis], at, own);

        memcpy(old_index, index, old * sizeof *index);
        memcpy(old_weight, weight, old * sizeof *weight);
        total = 0;
        for (guint i = 0; i < old; i++)
            for (guint k = 0; k < count; k++)
                if (own[k] != 0) {
                    index[total] = old_index[i] * (gsize)grid->in[axis] + (gsize)at[k];
                    weight[total++] = old_weight[i] * own[k];
                }
    }
    return total;
}

/* @item: some positions of one image. */
static void sample_part(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Grid *grid = run->prepared;
    const gsize image = item / grid->parts, first = item % grid->parts * POSITIONS, end = MIN(grid->positions, first + POSITIONS);
    gsize size = 1;

    for (guint i = 0; i < grid->n; i++)
        size *= (gsize)grid->in[i];
    for (gsize at = first; at < end; at++) {
        const float *position = (const float *)run->in[1].data + (image * grid->positions + at) * grid->n;
        gsize index[MAX_TAPS];
        float weight[MAX_TAPS];
        const guint taps = position_taps(grid, position, index, weight);

        for (gsize channel = image * grid->channels; channel < (image + 1) * grid->channels; channel++) {
            const float *in = (const float *)run->in[0].data + channel * size;
            float sum = 0;

            for (guint k = 0; k < taps; k++)
                sum += weight[k] * in[index[k]];
            ((float *)run->out[0].data)[channel * grid->positions + at] = sum;
        }
    }
}

static void run(const SthOpRun *run)
{
    const Grid *grid = run->prepared;

    sth_op_parallel(run, sample_part, (gpointer)run, (guint)(grid->batch * grid->parts));
}

extern const SthOp sth_op_grid_sample;
const SthOp sth_op_grid_sample = {.name = "GridSample", .since = 16, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run};
