/* One convolution in the place of another.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Replaces @conv by an STH convolution of @groups groups, turned by @rotation; its input and output are inferred, frames as batch. FALSE if it has to
 * stay: another kernel than 3x3, groups, weights that are no constant float32, fewer channels than groups, or the image itself as its input. */
gboolean sth_conv_to_sth(SthGraph *graph, SthNode *conv, guint groups, guint rotation);

/* Adds nodes in front of @next; every value they make is named after the node. */
typedef struct {
    SthGraph *graph;
    SthNode *next;      /* NULL: at the end */
    const char *prefix; /* of names */
    gint opset;
} SthEmitter;

/* A node of one output with inputs a and b (NULL: none); returns its output, whose producer it is. */
SthValue *sth_emit(const SthEmitter *emitter, const char *op_type, const char *name, SthValue *a, SthValue *b);
SthValue *sth_emit_reshape(const SthEmitter *emitter, const char *name, SthValue *x, const gint64 *dims, guint rank);

G_END_DECLS
