/* Positions and weights of resized axes. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/resample.h"

#include <math.h>
#include <string.h>

/* The number of the name that the attribute has in a list; FALSE with @error, which shows the list. */
static gboolean read_name(const SthNode *node, const char *attr, const char *fallback, const char *const *names, guint *out, GError **error)
{
    const char *given = sth_node_string(node, attr, fallback);
    char *list;

    for (*out = 0; names[*out]; (*out)++)
        if (strcmp(names[*out], given) == 0)
            return TRUE;
    list = g_strjoinv(", ", (char **)names);
    sth_op_error(node, error, "%s '%s' is not supported; supported: %s", attr, given, list);
    g_free(list);
    return FALSE;
}

gboolean sth_resample_read(SthResample *r, const SthNode *node, GError **error)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear", NULL};
    static const char *const coordinates[] = {"half_pixel",         "pytorch_half_pixel",   "align_corners",        "asymmetric",
                                              "tf_crop_and_resize", "tf_half_pixel_for_nn", "half_pixel_symmetric", NULL};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    const gboolean old = strcmp(node->op_type, "Upsample") == 0 || node->opset < 11;
    guint mode, where, which;

    if (!read_name(node, "mode", "nearest", modes, &mode, error) ||
        !read_name(node, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel", coordinates, &where, error) ||
        !read_name(node, "nearest_mode", "round_prefer_floor", nearest, &which, error))
        return FALSE;
    *r = (SthResample){
        .mode = mode > STH_RESAMPLE_CUBIC ? STH_RESAMPLE_LINEAR : mode, /* "bilinear" was Upsample's name for it */
        .coordinates = where,
        .nearest = old ? STH_NEAREST_SIMPLE : which,
        .antialias = sth_node_int(node, "antialias", 0) != 0,
        .exclude_outside = sth_node_int(node, "exclude_outside", 0) != 0,
        .cubic = sth_node_float(node, "cubic_coeff_a", -0.75f),
    };
    return TRUE;
}

static double scale_of(const SthResampleAxis *axis)
{
    return axis->by_size ? (double)axis->out / (double)axis->in : (double)axis->scale;
}

/* @x / scale. Where the size was given it is exact for whole results; else it is rounded to float32, as in the runtimes that exporters are
 * tested with: 1 / 0.333333343 is 3 then. */
static double divide(const SthResampleAxis *axis, double x)
{
    return axis->by_size ? x * (double)axis->in / (double)axis->out : (double)((float)x / axis->scale);
}

/* The position in the input of output @i. The length of the output that counts is scale * in, which need not be whole: so ONNX's cases have it
 * (PyTorch takes the whole number; the two agree where sizes or whole scales are given). */
static double coordinate(const SthResample *r, const SthResampleAxis *axis, gint64 i)
{
    const double x = (double)i, length = axis->by_size ? (double)axis->out : (double)axis->scale * (double)axis->in, last = (double)(axis->in - 1);

    switch (r->coordinates) {
    case STH_COORDINATES_PYTORCH_HALF_PIXEL:
        return axis->out > 1 ? divide(axis, x + 0.5) - 0.5 : 0;
    case STH_COORDINATES_ALIGN_CORNERS:
        return axis->out == 1 || length == 1 ? 0 : x * last / (length - 1);
    case STH_COORDINATES_ASYMMETRIC:
        return divide(axis, x);
    case STH_COORDINATES_TF_CROP_AND_RESIZE:
        return axis->from * last +
               (axis->out == 1 || length == 1 ? (axis->to - axis->from) * last / 2 : x * (axis->to - axis->from) * last / (length - 1));
    case STH_COORDINATES_TF_HALF_PIXEL_FOR_NN:
        return divide(axis, x + 0.5);
    case STH_COORDINATES_HALF_PIXEL_SYMMETRIC:
        /* The output's middle is the input's middle, also where the size was rounded down. */
        return (double)axis->in / 2 * (1 - (double)axis->out / length) + divide(axis, x + 0.5) - 0.5;
    default:
        return divide(axis, x + 0.5) - 0.5;
    }
}

static gboolean is_beyond(const SthResample *r, const SthResampleAxis *axis, double x)
{
    return r->coordinates == STH_COORDINATES_TF_CROP_AND_RESIZE && !(x >= 0 && x <= (double)(axis->in - 1));
}

static gint64 clamp_index(double x, gint64 n)
{
    return x > 0 ? (gint64)MIN(x, (double)(n - 1)) : 0;
}

static gint64 nearest(const SthResample *r, const SthResampleAxis *axis, double x)
{
    switch (r->nearest) {
    case STH_NEAREST_ROUND_PREFER_CEIL:
        return clamp_index(floor(x + 0.5), axis->in);
    case STH_NEAREST_FLOOR:
        return clamp_index(floor(x), axis->in);
    case STH_NEAREST_CEIL:
        return clamp_index(ceil(x), axis->in);
    case STH_NEAREST_SIMPLE:
        return clamp_index(scale_of(axis) < 1 ? ceil(x) : floor(x), axis->in);
    default:
        return clamp_index(ceil(x - 0.5), axis->in);
    }
}

/* The kernel at a distance. */
static double kernel(const SthResample *r, double x)
{
    const double a = (double)r->cubic;

    x = fabs(x);
    if (r->mode == STH_RESAMPLE_LINEAR)
        return MAX(0, 1 - x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

void sth_resample_taps_init(SthResampleTaps *taps, const SthResample *r, const SthResampleAxis *axis)
{
    /* Where an axis shrinks, antialiasing stretches the kernel to the distance of outputs. */
    const double stretch = r->antialias ? MIN(1, scale_of(axis)) : 1, reach = (r->mode == STH_RESAMPLE_LINEAR ? 1 : 2) / stretch;
    const gint64 first = (gint64)floor(-reach) + 1;

    taps->n = (guint)(2 - 2 * first);
    taps->index = g_new(guint32, (gsize)axis->out * taps->n);
    taps->weight = g_new(float, (gsize)axis->out * taps->n);
    taps->beyond = r->coordinates == STH_COORDINATES_TF_CROP_AND_RESIZE ? g_new0(guint8, (gsize)axis->out) : NULL;
    for (gint64 i = 0; i < axis->out; i++) {
        const double x = coordinate(r, axis, i), base = CLAMP(floor(x), -0x1p31, 0x1p31);
        guint32 *index = taps->index + (gsize)i * taps->n;
        float *weight = taps->weight + (gsize)i * taps->n;
        double sum = 0;

        if (taps->beyond)
            taps->beyond[i] = is_beyond(r, axis, x);
        for (guint k = 0; k < taps->n; k++) {
            const double at = base + (double)(first + k), w = kernel(r, (at - x) * stretch);
            const gboolean outside = at < 0 || at >= (double)axis->in;

            index[k] = (guint32)clamp_index(at, axis->in);
            weight[k] = outside && r->exclude_outside ? 0 : (float)w;
            sum += (double)weight[k];
        }
        for (guint k = 0; k < taps->n && (r->antialias || r->exclude_outside) && sum != 0; k++)
            weight[k] = (float)((double)weight[k] / sum);
    }
}

void sth_resample_taps_clear(SthResampleTaps *taps)
{
    g_free(taps->index);
    g_free(taps->weight);
    g_free(taps->beyond);
}

gint64 *sth_resample_map(const SthResample *r, const SthResampleAxis *axis)
{
    gint64 *map = g_new(gint64, (gsize)axis->out);

    for (gint64 i = 0; i < axis->out; i++) {
        const double x = coordinate(r, axis, i);

        map[i] = is_beyond(r, axis, x) ? -1 : nearest(r, axis, x);
    }
    return map;
}
