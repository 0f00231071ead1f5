/* Softmax, LogSoftmax and Hardmax. Up to opset 12 all axes from `axis` on are one; later it is `axis` alone.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

/* Neighbouring sums that are made side by side where inner > 1. */
#define LANES 64

/* The default changed with the meaning. */
static gint64 given_axis(const SthNode *node, guint rank)
{
    return sth_node_int(node, "axis", node->opset >= 13 ? -1 : rank > 1 ? 1 : 0);
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    guint axis;
    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error))
        return FALSE;
    if (in->shape.rank > 0 && !sth_op_axis(node, given_axis(node, in->shape.rank), in->shape.rank, &axis, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &in->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthShape *shape = &sth_op_in(node, 0)->shape;
    SthAxis *plan = g_new(SthAxis, 1);
    gint64 given = given_axis(node, shape->rank);
    guint axis = (guint)(given < 0 ? given + shape->rank : given), end = node->opset < 13 ? shape->rank : axis + 1;
    *plan = shape->rank == 0 ? (SthAxis){1, 1, 1} : sth_op_around(shape, axis, end);
    node->prepared = plan;
    return TRUE;
}

/* Up to LANES sums, each over n elements that are `inner` apart. */
static void softmax_lanes(float *out, const float *in, gsize n, gsize inner, gsize lanes, gboolean logarithm)
{
    float top[LANES], sum[LANES];
    for (gsize l = 0; l < lanes; l++) {
        top[l] = -INFINITY;
        sum[l] = 0;
    }
    for (gsize i = 0; i < n; i++)
        for (gsize l = 0; l < lanes; l++)
            top[l] = in[i * inner + l] > top[l] ? in[i * inner + l] : top[l];
    for (gsize i = 0; i < n; i++)
        for (gsize l = 0; l < lanes; l++) {
            float e = expf(in[i * inner + l] - top[l]);
            sum[l] += e;
            out[i * inner + l] = logarithm ? in[i * inner + l] - top[l] : e;
        }
    for (gsize l = 0; l < lanes; l++)
        sum[l] = logarithm ? logf(sum[l]) : 1.0f / sum[l];
    for (gsize i = 0; i < n; i++)
        for (gsize l = 0; l < lanes; l++)
            out[i * inner + l] = logarithm ? out[i * inner + l] - sum[l] : out[i * inner + l] * sum[l];
}

typedef struct {
    const SthOpRun *run;
    gboolean logarithm;
    gsize strips; /* of LANES in inner */
} Work;

static void softmax_part(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const SthAxis *axis = work->run->prepared;
    gsize lane = item % work->strips * LANES, at = item / work->strips * axis->n * axis->inner + lane;
    softmax_lanes((float *)work->run->out[0].data + at, (const float *)work->run->in[0].data + at, axis->n, axis->inner,
                  MIN(LANES, axis->inner - lane), work->logarithm);
}

static void run_any(const SthOpRun *run, gboolean logarithm)
{
    const SthAxis *axis = run->prepared;
    Work work = {run, logarithm, (axis->inner + LANES - 1) / LANES};
    if (axis->n > 0)
        sth_op_parallel(run, softmax_part, &work, (guint)(axis->outer * work.strips));
}

static void run_softmax(const SthOpRun *run)
{
    run_any(run, FALSE);
}

static void run_log_softmax(const SthOpRun *run)
{
    run_any(run, TRUE);
}

extern const SthOp sth_op_softmax;
const SthOp sth_op_softmax = {.name = "Softmax", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_softmax};

extern const SthOp sth_op_log_softmax;
const SthOp sth_op_log_softmax = {
    .name = "LogSoftmax", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_log_softmax};

/* One where the first of the largest is, zero elsewhere. */
static void hardmax_part(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const SthAxis *axis = run->prepared;
    gsize at = item / axis->inner * axis->n * axis->inner + item % axis->inner, top = 0;
    const float *in = (const float *)run->in[0].data + at;
    float *out = (float *)run->out[0].data + at;
    for (gsize i = 0; i < axis->n; i++) {
        top = in[i * axis->inner] > in[top * axis->inner] ? i : top;
        out[i * axis->inner] = 0;
    }
    out[top * axis->inner] = 1;
}

static void run_hardmax(const SthOpRun *run)
{
    const SthAxis *axis = run->prepared;
    if (axis->n > 0)
        sth_op_parallel(run, hardmax_part, (gpointer)run, (guint)(axis->outer * axis->inner));
}

extern const SthOp sth_op_hardmax;
const SthOp sth_op_hardmax = {.name = "Hardmax", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_hardmax};
