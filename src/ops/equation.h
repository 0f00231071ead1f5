/* Einsum's equations: "bij,bjk->bik", with ellipses and repeated letters.
 *
 * Each letter, and each axis that an ellipsis stands for, is an index. Axes of one element broadcast.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

#define STH_EQUATION_INDICES (2 * 26 + STH_MAX_RANK)
#define STH_EQUATION_TERMS 16

/* Which index each axis of a tensor is. */
typedef struct {
    guint rank;
    guint8 index[STH_MAX_RANK];
} SthTerm;

typedef struct {
    guint n_in;
    SthTerm in[STH_EQUATION_TERMS], out;
    gint64 dims[STH_EQUATION_INDICES]; /* by index */
} SthEquation;

/* Reads the node's equation for the shapes of its inputs. FALSE with @error where they do not fit. */
gboolean sth_equation_read(SthEquation *equation, const SthNode *node, GError **error);

G_END_DECLS
