/* What passes ask of constants.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/constants.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* NaN for types that are not read here. */
static double number_at(const SthTensor *tensor, gint64 i)
{
    switch (tensor->dtype) {
    case STH_DTYPE_FLOAT:
        return ((const float *)tensor->data)[i];
    case STH_DTYPE_DOUBLE:
        return ((const double *)tensor->data)[i];
    case STH_DTYPE_INT32:
        return ((const gint32 *)tensor->data)[i];
    case STH_DTYPE_INT64:
        return (double)((const gint64 *)tensor->data)[i];
    default:
        return (double)NAN;
    }
}

gboolean sth_constant_ints_within(const SthValue *value, gint64 low, gint64 high)
{
    if (!value->constant || (value->tensor.dtype != STH_DTYPE_INT64 && value->tensor.dtype != STH_DTYPE_INT32))
        return FALSE;
    for (gint64 i = 0, n = sth_shape_elements(&value->tensor.shape); i < n; i++) {
        double number = number_at(&value->tensor, i);
        if (number < (double)low || number > (double)high)
            return FALSE;
    }
    return TRUE;
}

gboolean sth_constant_is(const SthValue *value, double number)
{
    gint64 n = value && value->constant ? sth_shape_elements(&value->tensor.shape) : 0;

    for (gint64 i = 0; i < n; i++) {
        if (number_at(&value->tensor, i) != number)
            return FALSE;
    }
    return n > 0;
}

SthValue *sth_graph_add_ints(SthGraph *graph, const char *name, const gint64 *numbers, guint n)
{
    SthShape shape = {.rank = 1, .dims = {n}};
    gpointer data;
    GBytes *bytes = sth_aligned_bytes(n * sizeof(gint64), &data);

    if (n > 0)
        memcpy(data, numbers, n * sizeof(gint64));
    return sth_graph_add_constant(graph, name, STH_DTYPE_INT64, &shape, bytes);
}
