/* DepthToSpace and SpaceToDepth: blocks of pixels from channels and back, as transposes of six axes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* Reads the block size and, for DepthToSpace, the mode: DCR (the block comes before the channel) or CRD. */
static gboolean read_block(SthNode *node, gint64 *block, gboolean *channel_first, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape;
    const char *mode = sth_node_string(node, "mode", "DCR");

    *block = sth_node_int(node, "blocksize", 0);
    *channel_first = strcmp(mode, "CRD") == 0;
    if (in->rank != 4)
        return sth_op_error(node, error, "the input has %u axes: batch, channels, height and width are right", in->rank);
    if (*block < 1 || *block > G_MAXUINT16)
        return sth_op_error(node, error, "blocksize is %" G_GINT64_FORMAT ", it must be 1…%d", *block, G_MAXUINT16);
    return *channel_first || strcmp(mode, "DCR") == 0 || sth_op_error(node, error, "mode '%s' is not supported; DCR and CRD are", mode);
}

static gboolean infer_depth(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    gboolean channel_first;
    gint64 block;

    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !read_block(node, &block, &channel_first, error))
        return FALSE;
    if (shape.dims[1] % (block * block))
        return sth_op_error(node, error, "%" G_GINT64_FORMAT " channels are no multiple of %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT, shape.dims[1],
                            block, block);
    shape.dims[1] /= block * block;
    shape.dims[2] *= block;
    shape.dims[3] *= block;
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean infer_space(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    gboolean channel_first;
    gint64 block;

    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !read_block(node, &block, &channel_first, error))
        return FALSE;
    if (shape.dims[2] % block || shape.dims[3] % block)
        return sth_op_error(node, error, "%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " pixels are no multiple of blocks of %" G_GINT64_FORMAT,
                            shape.dims[2], shape.dims[3], block);
    shape.dims[1] *= block * block;
    shape.dims[2] /= block;
    shape.dims[3] /= block;
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

/* The input seen with six axes @dims, its axis order[i] as the output's axis i. */
static gboolean plan_copy(SthNode *node, const gint64 *dims, const guint *order)
{
    SthCopy *plan = g_new(SthCopy, 1);
    gssize strides[6], stride = 1, out_strides[6];
    gsize out_dims[6];

    for (guint i = 6; i-- > 0; stride *= (gssize)dims[i])
        strides[i] = stride;
    for (guint i = 0; i < 6; i++) {
        out_dims[i] = (gsize)dims[order[i]];
        out_strides[i] = strides[order[i]];
    }
    sth_copy_plan(plan, sth_dtype_size(sth_op_in(node, 0)->dtype), 6, out_dims, out_strides, 0);
    node->prepared = plan;
    return TRUE;
}

static gboolean prepare_depth(SthNode *node, GError **error)
{
    static const guint depth_first_order[] = {0, 3, 4, 1, 5, 2}, channel_first_order[] = {0, 1, 4, 2, 5, 3};
    const gint64 *in = sth_op_in(node, 0)->shape.dims;
    gboolean channel_first;
    gint64 block;

    if (!read_block(node, &block, &channel_first, error))
        return FALSE;
    const gint64 channels = in[1] / (block * block);
    const gint64 depth_first_dims[] = {in[0], block, block, channels, in[2], in[3]},
                 channel_first_dims[] = {in[0], channels, block, block, in[2], in[3]};
    return channel_first ? plan_copy(node, channel_first_dims, channel_first_order) : plan_copy(node, depth_first_dims, depth_first_order);
}

static gboolean prepare_space(SthNode *node, GError **error)
{
    static const guint order[] = {0, 3, 5, 1, 2, 4};
    const gint64 *in = sth_op_in(node, 0)->shape.dims;
    gboolean channel_first;
    gint64 block;

    if (!read_block(node, &block, &channel_first, error))
        return FALSE;
    return plan_copy(node, (const gint64[]){in[0], in[1], in[2] / block, block, in[3] / block, block}, order);
}

static void run(const SthOpRun *run)
{
    sth_copy_run(run, run->prepared, run->out[0].data, run->in[0].data);
}

extern const SthOp sth_op_depth_to_space, sth_op_space_to_depth;
const SthOp sth_op_depth_to_space = {
    .name = "DepthToSpace", .since = 1, .flags = STH_OP_HALF, .min_in = 1, .max_in = 1, .infer = infer_depth, .prepare = prepare_depth, .run = run};
const SthOp sth_op_space_to_depth = {
    .name = "SpaceToDepth", .since = 1, .flags = STH_OP_HALF, .min_in = 1, .max_in = 1, .infer = infer_space, .prepare = prepare_space, .run = run};
