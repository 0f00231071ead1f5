/* What several operators share: sets of types, broadcasting walks, strided copies.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/elements.h"
#include "ops/op.h"

G_BEGIN_DECLS

/* Elements of one part of work for the pool: large enough to pay for handing it out, small enough to stay in the first cache. */
#define STH_OP_CHUNK 16384

/* Sets of types, a bit each. */
#define STH_TYPE(name) (1u << STH_DTYPE_##name)
#define STH_TYPES_FLOAT (STH_TYPE(FLOAT))
#define STH_TYPES_REAL (STH_TYPE(FLOAT) | STH_TYPE(DOUBLE))
#define STH_TYPES_SIGNED (STH_TYPES_REAL | STH_TYPE(INT8) | STH_TYPE(INT16) | STH_TYPE(INT32) | STH_TYPE(INT64))
#define STH_TYPES_NUMBER (STH_TYPES_SIGNED | STH_TYPE(UINT8) | STH_TYPE(UINT16) | STH_TYPE(UINT32) | STH_TYPE(UINT64))
#define STH_TYPES_BOOL (STH_TYPE(BOOL))
#define STH_TYPES_INDEX (STH_TYPE(INT32) | STH_TYPE(INT64))
#define STH_TYPES_ANY (STH_TYPES_NUMBER | STH_TYPES_BOOL | STH_TYPE(FLOAT16) | STH_TYPE(BFLOAT16))

/* FALSE with @error, which lists what is supported, unless input @index is there and of one of @types. */
gboolean sth_op_require_types(SthNode *node, guint index, guint types, GError **error);
/* FALSE with @error unless inputs @a and @b have the same type. */
gboolean sth_op_require_same_type(SthNode *node, guint a, guint b, GError **error);

/* Input @index's shape with what a reader of a node has to write often. */
static inline const SthTensor *sth_op_in(const SthNode *node, guint index)
{
    return &((const SthValue *)node->inputs->pdata[index])->tensor;
}
static inline gboolean sth_op_has_input(const SthNode *node, guint index)
{
    return index < node->inputs->len && node->inputs->pdata[index] != NULL;
}
/* Product of dims[from…to-1]. */
static inline gsize sth_op_product(const SthShape *shape, guint from, guint to)
{
    gsize product = 1;
    for (guint i = from; i < to; i++)
        product *= (gsize)shape->dims[i];
    return product;
}

/* The integers of attribute @attr, or of input @index where the attribute is absent (an operator moved them from one to the other between
 * opsets). *given is FALSE, and NULL is returned without an error, if there is neither. Free with g_free(). */
gint64 *sth_op_ints_attr_or_input(SthNode *node, const char *attr, guint index, guint *n, gboolean *given, GError **error);

/* Axes as a bit mask; each in -rank…rank-1, none twice. */
gboolean sth_op_axes_mask(SthNode *node, const gint64 *axes, guint n, guint rank, guint *mask, GError **error);

/* @n elements of output 0 from element @from on. */
typedef void (*SthElementwise)(const SthOpRun *run, gsize from, gsize n);
/* The whole of output 0 in parts of STH_OP_CHUNK elements. */
void sth_op_elementwise(const SthOpRun *run, SthElementwise func);

/* The tensor as [outer][n][inner] around one axis, or around several neighbouring ones. */
typedef struct {
    gsize outer, n, inner;
} SthAxis;
/* The axes from…to-1 as n. */
SthAxis sth_op_around(const SthShape *shape, guint from, guint to);

/* Input 1's shape as broadcasting sees it. Before opset 7 an attribute 'axis' told which axes of input 0 it has; @axis is its default (the
 * operator's), -1: the last ones. */
SthShape sth_op_second_shape(const SthNode *node, gint64 axis);

/* Elementwise work over up to three inputs that broadcast to one shape. Neighbouring axes that broadcast alike are merged, so that an inner
 * run is as long as it can be. */
typedef struct {
    guint n_in, rank;
    gsize dims[STH_MAX_RANK];
    gsize stride[3][STH_MAX_RANK]; /* elements; 0 where an input is repeated */
    gsize rows, inner;             /* rows * inner elements; inner = last of dims */
    gsize piece;                   /* elements of a row that one part of work does */
    gsize rows_each;               /* rows that one part of work does */
} SthBroadcast;

/* @n runs of the output from element @out on; input i starts at element in[i] and moves by step[i] (0 or 1) an element. */
typedef void (*SthBroadcastRun)(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n);

void sth_broadcast_plan(SthBroadcast *plan, const SthShape *out, const SthShape *const *in, guint n_in);
void sth_broadcast_run(const SthOpRun *run, const SthBroadcast *plan, SthBroadcastRun func);

/* A dense output filled from an input by strides: transposes, slices, repeats. */
#define STH_COPY_MAX_RANK (2 * STH_MAX_RANK)
typedef struct {
    guint rank;
    gsize size; /* bytes an element */
    gsize dims[STH_COPY_MAX_RANK];
    gssize stride[STH_COPY_MAX_RANK]; /* of the input, elements; 0 repeats, negative goes backwards */
    gssize start;                     /* the input's element for the output's first */
    guint across;                     /* the axis that is the input's innermost where the last one is not; rank: none */
} SthCopy;

void sth_copy_plan(SthCopy *plan, gsize size, guint rank, const gsize *dims, const gssize *stride, gssize start);
void sth_copy_run(const SthOpRun *run, const SthCopy *plan, gpointer out, gconstpointer in);

G_END_DECLS
