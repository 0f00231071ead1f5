/* Quantised tensors. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/quantized.h"

#include <math.h>

#include "ops/elements.h"

#define BLOCK 512 /* elements that are converted at once */

static gboolean check_count(SthNode *node, guint index, gint64 n, GError **error)
{
    const SthShape *shape = &sth_op_in(node, index)->shape;
    const gint64 given = sth_shape_elements(shape);

    if (given == 1 || (given == n && shape->rank == 1))
        return TRUE;
    return sth_op_error(node, error, "input %u ('%s') has %" G_GINT64_FORMAT " numbers where one or a list of %" G_GINT64_FORMAT " is supported",
                        index, sth_node_input(node, index)->name, given, n);
}

gboolean sth_quantized_check(SthNode *node, guint index, guint zero, gint64 n, GError **error)
{
    if (!sth_op_require_types(node, index, STH_TYPES_BYTE, error))
        return FALSE;
    return !sth_op_has_input(node, zero) || (sth_op_require_same_type(node, index, zero, error) && check_count(node, zero, n, error));
}

gboolean sth_quantized_check_scale(SthNode *node, guint index, gint64 n, GError **error)
{
    return sth_op_require_type(node, index, STH_DTYPE_FLOAT, error) && check_count(node, index, n, error);
}

double sth_quantized_parameter(const SthTensor *tensor, gsize at)
{
    double value = 0;

    if (tensor->dtype != STH_DTYPE_INVALID)
        sth_elements_to_doubles(&value, tensor, sth_shape_elements(&tensor->shape) == 1 ? 0 : at, 1);
    return value;
}

typedef struct {
    const SthTensor *in, *zero; /* zero: NULL if it is left out */
    gsize inner;
    gint32 *out;
} Widen;

static void widen_part(gpointer data, guint item, guint thread)
{
    const Widen *w = data;
    const gsize first = (gsize)item * STH_OP_CHUNK, end = MIN(first + STH_OP_CHUNK, (gsize)sth_shape_elements(&w->in->shape));
    const gsize period = w->zero ? (gsize)sth_shape_elements(&w->zero->shape) : 1;
    gint64 wide[BLOCK];

    for (gsize from = first, n; from < end; from += n) {
        n = MIN(BLOCK, end - from);
        sth_elements_to_integers(wide, w->in, from, n);
        for (gsize i = 0, stop; i < n; i = stop) {
            const gsize at = from + i;
            const gint64 zero = w->zero ? sth_element_integer(w->zero, period == 1 ? 0 : at / w->inner % period) : 0;

            stop = period == 1 ? n : MIN(n, i + w->inner - at % w->inner);
            for (gsize j = i; j < stop; j++)
                w->out[from + j] = (gint32)(wide[j] - zero);
        }
    }
}

void sth_quantized_widen(const SthOpRun *run, guint index, guint zero, gsize inner, gint32 *out)
{
    const SthTensor *in = &run->in[index];
    Widen widen = {in, zero < run->n_in && run->in[zero].dtype != STH_DTYPE_INVALID ? &run->in[zero] : NULL, MAX(1, inner), out};

    sth_op_parallel(run, widen_part, &widen, (guint)(((gsize)sth_shape_elements(&in->shape) + STH_OP_CHUNK - 1) / STH_OP_CHUNK));
}

void sth_quantized_store(const SthTensor *out, gsize at, gsize n, const gint32 *sum, double factor, const float *scale, gsize step, double zero)
{
    double wide[BLOCK];

    for (gsize from = 0, count; from < n; from += count) {
        count = MIN(BLOCK, n - from);
        for (gsize i = 0; i < count; i++)
            wide[i] = rint(sum[from + i] * (factor * (double)scale[(from + i) * step])) + zero;
        sth_elements_from_doubles(out, wide, at + from, count);
    }
}
