/* Outputs whose elements are elements of the input, chosen axis by axis, or a constant: Pad, and Resize by the nearest element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

/* Elements of a mapped axis: each has an entry. */
#define STH_AXIS_MAP_MAX ((gint64)1 << 26)

typedef struct _SthAxisMap SthAxisMap;

/* @maps[axis] says for each position along the output's axis which one of the input's it is, or -1: the constant. It is taken over; NULL:
 * the axis stays as it is. @size: bytes of an element. Free with sth_axis_map_free(), which takes a gpointer to be an operator's release(). */
SthAxisMap *sth_axis_map_new(const SthShape *in, const SthShape *out, gsize size, gint64 *const *maps);
void sth_axis_map_free(gpointer map);
/* @value: the constant, one element. */
void sth_axis_map_run(const SthOpRun *run, const SthAxisMap *map, gpointer out, gconstpointer in, gconstpointer value);

G_END_DECLS
