/* Resize and Upsample: nearest of any type, linear and cubic of float32.
 *
 * Interpolation is done axis by axis, the one that shrinks most first; axes that stay as they are cost nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/axis_map.h"
#include "ops/resample.h"

/* One axis resized: the input seen as outer x in x inner, the output as outer x out x inner. */
typedef struct {
    SthResampleTaps taps;
    gsize outer, in, out, inner;
} Pass;

typedef struct {
    SthAxisMap *map; /* nearest */
    guint n_passes;  /* else */
    Pass passes[STH_MAX_RANK];
    gsize offset[2]; /* of what goes between passes, in scratch memory: they take turns */
    union {
        float single;
        double wide;
    } beyond; /* the constant for outputs beyond the input */
} Resize;

/* What the node asks for. */
typedef struct {
    SthResample resample;
    SthResampleAxis axes[STH_MAX_RANK];
} Request;

/* Input @index as @n constant floats; *values is NULL if it is left out or empty. */
static gboolean read_floats(SthNode *node, guint index, guint n, const float **values, GError **error)
{
    const SthValue *value = sth_node_input(node, index);

    *values = NULL;
    if (!value || (value->constant && sth_shape_elements(&value->tensor.shape) == 0))
        return TRUE;
    if (!sth_op_require_type(node, index, STH_DTYPE_FLOAT, error))
        return FALSE;
    if (!value->constant || sth_shape_elements(&value->tensor.shape) != n)
        return sth_op_error(node, error, "input %u ('%s') must be a constant of %u numbers", index, value->name, n);
    *values = value->tensor.data;
    return TRUE;
}

static gboolean set_scales(Request *request, SthNode *node, const float *scales, const guint *axes, guint n, GError **error)
{
    for (guint i = 0; i < n; i++) {
        SthResampleAxis *axis = &request->axes[axes[i]];

        if (!(scales[i] > 0) || !isfinite(scales[i]))
            return sth_op_error(node, error, "the scale %g of axis %u is not greater than 0", (double)scales[i], axes[i]);
        if ((double)axis->in * (double)scales[i] > (double)STH_AXIS_MAP_MAX)
            return sth_op_error(node, error, "axis %u would be %g elements long", axes[i], (double)axis->in * (double)scales[i]);
        axis->by_size = FALSE;
        axis->scale = scales[i];
        axis->out = (gint64)floorf((float)axis->in * scales[i]);
    }
    return TRUE;
}

static gboolean set_sizes(Request *request, SthNode *node, const gint64 *sizes, const guint *axes, guint n, GError **error)
{
    const char *policy = sth_node_string(node, "keep_aspect_ratio_policy", "stretch");
    const gboolean larger = strcmp(policy, "not_smaller") == 0, stretch = strcmp(policy, "stretch") == 0;
    double scale = larger ? 0 : INFINITY;

    if (!larger && !stretch && strcmp(policy, "not_larger") != 0)
        return sth_op_error(node, error, "keep_aspect_ratio_policy '%s' is not supported; stretch, not_larger and not_smaller are", policy);
    for (guint i = 0; i < n; i++) {
        SthResampleAxis *axis = &request->axes[axes[i]];

        if (sizes[i] < 0 || sizes[i] > STH_AXIS_MAP_MAX || (axis->in == 0 && sizes[i] > 0))
            return sth_op_error(node, error, "axis %u of %" G_GINT64_FORMAT " elements cannot be resized to %" G_GINT64_FORMAT, axes[i], axis->in,
                                sizes[i]);
        axis->by_size = TRUE;
        axis->out = sizes[i];
        const double own = (double)sizes[i] / (double)MAX(1, axis->in);
        scale = larger ? MAX(scale, own) : MIN(scale, own);
    }
    for (guint i = 0; i < n && !stretch; i++) {
        SthResampleAxis *axis = &request->axes[axes[i]];
        const double length = floor(scale * (double)axis->in + 0.5);

        if (length > (double)STH_AXIS_MAP_MAX)
            return sth_op_error(node, error, "axis %u would be %g elements long", axes[i], length);
        axis->by_size = FALSE;
        axis->scale = (float)scale;
        axis->out = (gint64)length;
    }
    return TRUE;
}

/* The axes that scales, sizes and roi are about. */
static gboolean read_axes(SthNode *node, guint rank, guint *axes, guint *n, GError **error)
{
    guint mask;
    const gint64 *given = sth_node_ints(node, "axes", n);

    if (given && !sth_op_axes_mask(node, given, *n, rank, &mask, error))
        return FALSE;
    *n = given ? *n : rank;
    for (guint i = 0; i < *n; i++)
        axes[i] = given ? (guint)(given[i] < 0 ? given[i] + rank : given[i]) : i;
    return TRUE;
}

static gboolean read_roi(Request *request, SthNode *node, const guint *axes, guint n, GError **error)
{
    const float *roi;

    if (request->resample.coordinates != STH_COORDINATES_TF_CROP_AND_RESIZE)
        return TRUE;
    if (!read_floats(node, 1, 2 * n, &roi, error))
        return FALSE;
    if (!roi)
        return sth_op_error(node, error, "coordinate_transformation_mode 'tf_crop_and_resize' needs a roi");
    for (guint i = 0; i < n; i++) {
        request->axes[axes[i]].from = (double)roi[i];
        request->axes[axes[i]].to = (double)roi[n + i];
    }
    return TRUE;
}

/* Scales of Upsample up to opset 8, which are an attribute. */
static gboolean read_attribute(SthNode *node, guint n, const float **scales, GError **error)
{
    guint given;

    *scales = sth_node_floats(node, "scales", &given);
    return (*scales && given == n) || sth_op_error(node, error, "there are %u scales for %u axes", given, n);
}

static gboolean read_request(Request *request, SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    const gboolean upsample = strcmp(node->op_type, "Upsample") == 0, old = upsample || node->opset < 11;
    guint axes[STH_MAX_RANK], n, n_sizes = 0;
    const float *scales;
    gboolean done;

    memset(request, 0, sizeof *request);
    for (guint i = 0; i < in->rank; i++)
        request->axes[i] = (SthResampleAxis){.in = in->dims[i], .out = in->dims[i], .by_size = TRUE, .to = 1};
    if (!sth_resample_read(&request->resample, node, error) || !read_axes(node, in->rank, axes, &n, error))
        return FALSE;
    if (upsample && node->opset < 9 ? !read_attribute(node, n, &scales, error) : !read_floats(node, old ? 1 : 2, n, &scales, error))
        return FALSE;
    if (!old && !read_roi(request, node, axes, n, error))
        return FALSE;
    if (scales)
        return set_scales(request, node, scales, axes, n, error);
    if (old || !sth_op_has_input(node, 3))
        return sth_op_error(node, error, "there are neither scales nor sizes");
    gint64 *sizes = sth_op_constant_ints(node, 3, &n_sizes, error);
    if (!sizes)
        return FALSE;
    done = n_sizes == n || sth_op_error(node, error, "there are %u sizes for %u axes", n_sizes, n);
    done = done && set_sizes(request, node, sizes, axes, n, error);
    g_free(sizes);
    return done;
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    Request request;

    if (!read_request(&request, node, error))
        return FALSE;
    const gboolean nearest = request.resample.mode == STH_RESAMPLE_NEAREST, beyond = sth_node_float(node, "extrapolation_value", 0) != 0;
    if (!sth_op_require_types(node, 0, !nearest ? STH_TYPES_FLOAT : beyond ? STH_TYPES_REAL : STH_TYPES_ANY, error))
        return FALSE;
    for (guint i = 0; i < shape.rank; i++)
        shape.dims[i] = request.axes[i].out;
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean is_identity_map(const gint64 *map, const SthResampleAxis *axis)
{
    gboolean same = axis->in == axis->out;

    for (gint64 i = 0; i < axis->out && same; i++)
        same = map[i] == i;
    return same;
}

static gboolean is_identity(const SthResampleTaps *taps, const SthResampleAxis *axis)
{
    gboolean same = axis->in == axis->out;

    for (gint64 i = 0; i < axis->out && same; i++) {
        same = !taps->beyond || !taps->beyond[i];
        for (guint k = 0; k < taps->n; k++) {
            const gsize tap = (gsize)i * taps->n + k;
            same = same && (taps->weight[tap] == 0 || (taps->weight[tap] == 1 && taps->index[tap] == i));
        }
    }
    return same;
}

static void prepare_nearest(Resize *resize, const Request *request, SthNode *node)
{
    const SthTensor *in = sth_op_in(node, 0), *out = &sth_node_output(node, 0)->tensor;
    gint64 *maps[STH_MAX_RANK];

    for (guint i = 0; i < in->shape.rank; i++) {
        maps[i] = sth_resample_map(&request->resample, &request->axes[i]);
        if (is_identity_map(maps[i], &request->axes[i]))
            g_clear_pointer(&maps[i], g_free);
    }
    resize->map = sth_axis_map_new(&in->shape, &out->shape, sth_dtype_size(in->dtype), maps);
    if (in->dtype == STH_DTYPE_DOUBLE)
        resize->beyond.wide = (double)sth_node_float(node, "extrapolation_value", 0);
}

/* How much an axis shrinks. */
static double ratio(const SthResampleAxis *axis)
{
    return (double)axis->out / (double)axis->in;
}

static void prepare_passes(Resize *resize, const Request *request, SthNode *node)
{
    SthShape shape = sth_op_in(node, 0)->shape;
    gsize bytes[2] = {0, 0};
    guint order[STH_MAX_RANK];

    for (guint i = 0; i < shape.rank; i++) {
        guint at = i;
        for (; at > 0 && ratio(&request->axes[order[at - 1]]) > ratio(&request->axes[i]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (guint i = 0; i < shape.rank; i++) {
        const SthResampleAxis *axis = &request->axes[order[i]];
        Pass *pass = &resize->passes[resize->n_passes];

        sth_resample_taps_init(&pass->taps, &request->resample, axis);
        if (is_identity(&pass->taps, axis)) {
            sth_resample_taps_clear(&pass->taps);
            continue;
        }
        pass->outer = sth_op_product(&shape, 0, order[i]);
        pass->inner = sth_op_product(&shape, order[i] + 1, shape.rank);
        pass->in = (gsize)axis->in;
        pass->out = (gsize)axis->out;
        shape.dims[order[i]] = axis->out;
        bytes[resize->n_passes % 2] = MAX(bytes[resize->n_passes % 2], STH_ALIGN_UP(pass->outer * pass->out * pass->inner * sizeof(float)));
        resize->n_passes++;
        node->macs += pass->outer * pass->out * pass->inner * pass->taps.n;
    }
    resize->offset[1] = resize->n_passes > 1 ? bytes[0] : 0;
    node->scratch = resize->n_passes > 1 ? bytes[0] + bytes[1] : 0;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Request request;
    Resize *resize;

    if (!read_request(&request, node, error))
        return FALSE;
    node->prepared = resize = g_new0(Resize, 1);
    resize->beyond.single = sth_node_float(node, "extrapolation_value", 0);
    if (sth_shape_elements(&sth_node_output(node, 0)->tensor.shape) == 0)
        return TRUE;
    if (request.resample.mode == STH_RESAMPLE_NEAREST)
        prepare_nearest(resize, &request, node);
    else
        prepare_passes(resize, &request, node);
    return TRUE;
}

static void release(gpointer prepared)
{
    Resize *resize = prepared;

    for (guint i = 0; i < resize->n_passes; i++)
        sth_resample_taps_clear(&resize->passes[i].taps);
    g_clear_pointer(&resize->map, sth_axis_map_free);
    g_free(resize);
}

typedef struct {
    const Pass *pass;
    const float *in;
    float *out;
    float beyond;
    gsize rows, rows_each;
} Work;

/* out[0…n-1] = sum of weighted rows */
static void sum_rows(float *restrict out, const float *in, gsize n, const guint32 *index, const float *weight, guint taps)
{
    for (guint k = 0; k < taps; k += 2) {
        const float *a = in + index[k] * n, *b = in + index[k + 1] * n;
        const float u = weight[k], v = weight[k + 1];

        if (k == 0)
            for (gsize i = 0; i < n; i++)
                out[i] = u * a[i] + v * b[i];
        else
            for (gsize i = 0; i < n; i++)
                out[i] += u * a[i] + v * b[i];
    }
}

/* @item: some rows of inner elements. */
static void resize_rows(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const Pass *pass = work->pass;
    const SthResampleTaps *taps = &pass->taps;
    const gsize n = pass->inner, end = MIN(work->rows, (item + 1) * work->rows_each);

    for (gsize row = item * work->rows_each; row < end; row++) {
        const gsize i = row % pass->out;
        float *out = work->out + row * n;

        if (taps->beyond && taps->beyond[i])
            for (gsize j = 0; j < n; j++)
                out[j] = work->beyond;
        else
            sum_rows(out, work->in + row / pass->out * pass->in * n, n, taps->index + i * taps->n, taps->weight + i * taps->n, taps->n);
    }
}

/* @item: some rows along the axis, which is the innermost one. */
static void resize_columns(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const Pass *pass = work->pass;
    const SthResampleTaps *taps = &pass->taps;
    const gsize end = MIN(work->rows, (item + 1) * work->rows_each);

    for (gsize row = item * work->rows_each; row < end; row++) {
        const float *in = work->in + row * pass->in, *weight = taps->weight;
        const guint32 *index = taps->index;
        float *out = work->out + row * pass->out;

        for (gsize i = 0; i < pass->out; i++, index += taps->n, weight += taps->n) {
            float sum = weight[0] * in[index[0]] + weight[1] * in[index[1]];

            for (guint k = 2; k < taps->n; k += 2)
                sum += weight[k] * in[index[k]] + weight[k + 1] * in[index[k + 1]];
            out[i] = taps->beyond && taps->beyond[i] ? work->beyond : sum;
        }
    }
}

static void run_pass(const SthOpRun *run, const Resize *resize, const Pass *pass, const float *in, float *out)
{
    const gboolean innermost = pass->inner == 1;
    Work work = {
        .pass = pass,
        .in = in,
        .out = out,
        .beyond = resize->beyond.single,
        .rows = pass->outer * (innermost ? 1 : pass->out),
        .rows_each = MAX(1, STH_OP_CHUNK / (innermost ? pass->out : pass->inner)),
    };

    sth_op_parallel(run, innermost ? resize_columns : resize_rows, &work, (guint)((work.rows + work.rows_each - 1) / work.rows_each));
}

static void run(const SthOpRun *run)
{
    const Resize *resize = run->prepared;
    gconstpointer in = run->in[0].data;

    if (sth_tensor_bytes(&run->out[0]) == 0)
        return;
    if (resize->map)
        sth_axis_map_run(run, resize->map, run->out[0].data, in, &resize->beyond);
    else if (resize->n_passes == 0)
        memcpy(run->out[0].data, in, sth_tensor_bytes(&run->out[0]));
    for (guint i = 0; i < resize->n_passes; i++) {
        gpointer out = i + 1 < resize->n_passes ? run->scratch + resize->offset[i % 2] : run->out[0].data;

        run_pass(run, resize, &resize->passes[i], in, out);
        in = out;
    }
}

extern const SthOp sth_op_resize, sth_op_upsample;
const SthOp sth_op_resize = {.name = "Resize",
                             .since = 10,
                             .min_in = 1,
                             .max_in = 4,
                             .constant_in = 1 << 1 | 1 << 2 | 1 << 3,
                             .infer = infer,
                             .prepare = prepare,
                             .run = run,
                             .release = release};
const SthOp sth_op_upsample = {.name = "Upsample",
                               .since = 7,
                               .min_in = 1,
                               .max_in = 2,
                               .constant_in = 1 << 1,
                               .infer = infer,
                               .prepare = prepare,
                               .run = run,
                               .release = release};
