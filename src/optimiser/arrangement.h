/* One tensor as the elements of another in another order: frames as batch [N*T, C, H, W], channels last [N, T, H, W, C], pictures as rows
 * [N, C, T, H*W] are all volumes [N, C, T, H, W] whose axes were transposed and merged. Transpose, Reshape, Squeeze, Unsqueeze and Flatten lead from
 * one to the other and compute nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

enum { STH_TWIN_N, STH_TWIN_C, STH_TWIN_T, STH_TWIN_H, STH_TWIN_W, STH_TWIN_AXES };

/* A value is its twin transposed to the order @axis, in a shape of its own. */
typedef struct {
    SthValue *twin; /* five axes: N, C, T, H, W */
    guint n;
    guint8 axis[STH_TWIN_AXES]; /* [n] the twin's axes that are longer than 1, slowest first */
} SthArrangement;

/* Which of the twin's axes each axis of the value consists of, slowest first; none for an axis of length 1. */
typedef struct {
    guint rank;
    guint8 n[STH_MAX_RANK], axis[STH_MAX_RANK][STH_TWIN_AXES];
} SthGrouping;

/* FALSE if @shape cuts through an axis of the twin. */
gboolean sth_arrangement_group(const SthArrangement *arrangement, const SthShape *shape, SthGrouping *grouping);
/* The arrangement of a value of @grouping whose twin is @twin. */
void sth_arrangement_init(SthArrangement *arrangement, SthValue *twin, const SthGrouping *grouping);
/* Both list the same axes in the same order. */
gboolean sth_arrangement_same_order(const SthArrangement *a, const SthArrangement *b);
/* The value has the twin's elements in the twin's order. */
gboolean sth_arrangement_in_order(const SthArrangement *arrangement);
/* All five axes: those of length 1, then those of the arrangement. */
void sth_arrangement_permutation(const SthArrangement *arrangement, gint64 perm[STH_TWIN_AXES]);

G_END_DECLS
