/* The operator table and what operators share when they are opened.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

#include <string.h>

#include <sth/sth-error.h>

#define STH_OPERATOR(name) extern const SthOp sth_op_##name;
#include "ops/ops.inc"

static const SthOp *const table[] = {
#define STH_OPERATOR(name) &sth_op_##name,
#include "ops/ops.inc"
};

const SthOp *const *sth_op_table(guint *n)
{
    *n = G_N_ELEMENTS(table);
    return table;
}

const SthOp *sth_op_find(const char *name)
{
    for (gsize i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

void sth_op_release(SthNode *node)
{
    gpointer prepared = g_steal_pointer(&node->prepared);
    if (prepared != NULL)
        (node->op->release != NULL ? node->op->release : g_free)(prepared);
}

gboolean sth_op_error(const SthNode *node, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = g_strdup_vprintf(format, args);
    va_end(args);
    /* One line, even where an attribute's text has several. */
    for (char *at = message; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "cannot run '%s' (%s): %s", node->name, node->op_type, message);
    g_free(message);
    return FALSE;
}

void sth_op_set_output(SthNode *node, guint index, SthDType dtype, const SthShape *shape)
{
    SthValue *value = sth_node_output(node, index);
    if (value == NULL)
        return;
    value->tensor.dtype = dtype;
    value->tensor.shape = *shape;
    value->inferred = TRUE;
}

gboolean sth_op_require_type(SthNode *node, guint index, SthDType dtype, GError **error)
{
    SthValue *value = sth_node_input(node, index);
    if (value == NULL)
        return sth_op_error(node, error, "input %u is missing", index);
    if (value->tensor.dtype != dtype)
        return sth_op_error(node, error, "input %u ('%s') is %s, only %s is supported", index, value->name, sth_dtype_name(value->tensor.dtype),
                            sth_dtype_name(dtype));
    return TRUE;
}

gint64 *sth_op_constant_ints(SthNode *node, guint index, guint *n, GError **error)
{
    SthValue *value = sth_node_input(node, index);
    *n = 0;
    if (value == NULL) {
        sth_op_error(node, error, "input %u is missing", index);
        return NULL;
    }
    if (value->constant == NULL) {
        sth_op_error(node, error, "input %u ('%s') must be a constant, but it is computed when the model runs", index, value->name);
        return NULL;
    }
    const SthTensor *tensor = &value->tensor;
    if (tensor->dtype != STH_DTYPE_INT64 && tensor->dtype != STH_DTYPE_INT32) {
        sth_op_error(node, error, "input %u ('%s') is %s, only int64 and int32 are supported", index, value->name, sth_dtype_name(tensor->dtype));
        return NULL;
    }
    gint64 count = sth_shape_elements(&tensor->shape);
    gint64 *ints = g_new(gint64, MAX(count, 1));
    for (gint64 i = 0; i < count; i++)
        ints[i] = tensor->dtype == STH_DTYPE_INT64 ? ((const gint64 *)tensor->data)[i] : ((const gint32 *)tensor->data)[i];
    *n = (guint)count;
    return ints;
}

gboolean sth_op_axis(SthNode *node, gint64 axis, guint rank, guint *out, GError **error)
{
    if (axis < -(gint64)rank || axis >= (gint64)rank)
        return sth_op_error(node, error, "axis %" G_GINT64_FORMAT " is out of range for %u axes", axis, rank);
    *out = (guint)(axis < 0 ? axis + rank : axis);
    return TRUE;
}

gboolean sth_op_broadcast(SthNode *node, const SthShape *a, const SthShape *b, SthShape *out, GError **error)
{
    SthShape result = {.rank = MAX(a->rank, b->rank)};
    for (guint i = 0; i < result.rank; i++) {
        gint64 da = i + a->rank < result.rank ? 1 : a->dims[i + a->rank - result.rank];
        gint64 db = i + b->rank < result.rank ? 1 : b->dims[i + b->rank - result.rank];
        if (da != db && da != 1 && db != 1) {
            char *ta = sth_shape_to_string(a), *tb = sth_shape_to_string(b);
            sth_op_error(node, error, "shapes %s and %s do not broadcast", ta, tb);
            g_free(ta);
            g_free(tb);
            return FALSE;
        }
        result.dims[i] = da == 1 ? db : da;
    }
    *out = result;
    return TRUE;
}

void sth_op_parallel(const SthOpRun *run, SthPoolFunc func, gpointer data, guint n_items)
{
    if (run->pool != NULL && run->threads > 1 && n_items > 1) {
        sth_pool_run(run->pool, run->threads, func, data, n_items);
        return;
    }
    for (guint i = 0; i < n_items; i++)
        func(data, i, 0);
}
