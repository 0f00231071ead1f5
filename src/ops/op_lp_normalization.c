/* LpNormalization and LRN: elements divided by a norm of what lies around them along an axis.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

typedef struct {
    SthAxis axis;
    gint64 p;                 /* of LpNormalization: 1 or 2 */
    gsize before, after;      /* of LRN: neighbours that count */
    double alpha, beta, bias; /* of LRN, alpha by the number of neighbours */
} Norm;

static gboolean set_floats(SthNode *node, GError **error)
{
    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean infer_lp(SthNode *node, GError **error)
{
    guint axis;
    gint64 p = sth_node_int(node, "p", 2);
    if (p != 1 && p != 2)
        return sth_op_error(node, error, "p=%" G_GINT64_FORMAT " is not supported; 1 and 2 are", p);
    return sth_op_axis(node, sth_node_int(node, "axis", -1), sth_op_in(node, 0)->shape.rank, &axis, error) && set_floats(node, error);
}

static gboolean prepare_lp(SthNode *node, GError **error)
{
    guint axis;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", -1), in->rank, &axis, error))
        return FALSE;
    Norm *norm = g_new0(Norm, 1);
    norm->axis = sth_op_around(in, axis, axis + 1);
    norm->p = sth_node_int(node, "p", 2);
    node->prepared = norm;
    return TRUE;
}

/* @item: one line along the axis. A line of zeros stays. */
static void divide_line(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Norm *norm = run->prepared;
    const SthAxis *axis = &norm->axis;
    gsize at = item / axis->inner * axis->n * axis->inner + item % axis->inner;
    const float *in = (const float *)run->in[0].data + at;
    float *out = (float *)run->out[0].data + at;
    double sum = 0;
    for (gsize i = 0; i < axis->n; i++) {
        double x = in[i * axis->inner];
        sum += norm->p == 1 ? fabs(x) : x * x;
    }
    double length = norm->p == 1 ? sum : sqrt(sum);
    for (gsize i = 0; i < axis->n; i++)
        out[i * axis->inner] = length == 0 ? 0 : (float)(in[i * axis->inner] / length);
}

static void run_lp(const SthOpRun *run)
{
    const SthAxis *axis = &((const Norm *)run->prepared)->axis;
    sth_op_parallel(run, divide_line, (gpointer)run, (guint)(axis->outer * axis->inner));
}

extern const SthOp sth_op_lp_normalization;
const SthOp sth_op_lp_normalization = {
    .name = "LpNormalization", .since = 1, .min_in = 1, .max_in = 1, .infer = infer_lp, .prepare = prepare_lp, .run = run_lp};

/* Of AlexNet: Krizhevsky, Sutskever and Hinton 2012, section 3.3; over the channels. */
static gboolean infer_lrn(SthNode *node, GError **error)
{
    if (sth_node_int(node, "size", 0) < 1)
        return sth_op_error(node, error, "the attribute 'size' must be at least 1");
    if (sth_op_in(node, 0)->shape.rank < 2)
        return sth_op_error(node, error, "the input has no axis of channels");
    return set_floats(node, error);
}

static gboolean prepare_lrn(SthNode *node, GError **error)
{
    gint64 size = sth_node_int(node, "size", 1);
    Norm *norm = g_new0(Norm, 1);
    norm->axis = sth_op_around(&sth_op_in(node, 0)->shape, 1, 2);
    norm->before = (gsize)(size - 1) / 2;
    norm->after = (gsize)size / 2;
    norm->alpha = (double)sth_node_float(node, "alpha", 0.0001f) / (double)size;
    norm->beta = sth_node_float(node, "beta", 0.75f);
    norm->bias = sth_node_float(node, "bias", 1.0f);
    node->prepared = norm;
    return TRUE;
}

static void normalise_elements(const SthOpRun *run, gsize from, gsize n)
{
    const Norm *norm = run->prepared;
    const SthAxis *axis = &norm->axis;
    const float *in = run->in[0].data;
    float *out = run->out[0].data;
    for (gsize i = from; i < from + n; i++) {
        gsize c = i / axis->inner % axis->n, line = i - c * axis->inner;
        double squares = 0;
        for (gsize k = c - MIN(c, norm->before); k <= MIN(c + norm->after, axis->n - 1); k++)
            squares += (double)in[line + k * axis->inner] * in[line + k * axis->inner];
        out[i] = (float)(in[i] / pow(norm->bias + norm->alpha * squares, norm->beta));
    }
}

static void run_lrn(const SthOpRun *run)
{
    sth_op_elementwise(run, normalise_elements);
}

extern const SthOp sth_op_lrn;
const SthOp sth_op_lrn = {.name = "LRN", .since = 1, .min_in = 1, .max_in = 1, .infer = infer_lrn, .prepare = prepare_lrn, .run = run_lrn};
