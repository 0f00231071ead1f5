/* Values that hold elements of another one and zeros, and nothing else: Slice, Split, Pad with zeros, Concat, also with zeros, pools of kernel 1.
 * All on volumes [N, C, T, H, W].
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define STH_PLACE_AXES 3 /* T, H, W */
#define STH_PLACE_RANK (STH_PLACE_AXES + 2)

/* Element p of an axis, begin <= p < end, is element from + p * step of the source; all others are 0. */
typedef struct {
    gint64 from, step, begin, end;
} SthPlaceAxis;

/* Channels that follow each other, at the same place. */
typedef struct {
    gint64 n, channel; /* how many; of the first one, in the source; -1: they are 0 */
    SthPlaceAxis axis[STH_PLACE_AXES];
} SthPlaceRun;

/* What was found out about a graph, kept while its nodes in front of what is asked for stay. */
typedef struct {
    GHashTable *above; /* SthValue * -> the nearest value that it holds elements of, NULL: none */
} SthPlaces;

void sth_places_init(SthPlaces *places);
void sth_places_clear(SthPlaces *places);
/* The nearest value that both hold elements of, which may be one of them; NULL: there is none. */
SthValue *sth_places_common(SthPlaces *places, SthValue *a, SthValue *b);
/* Where the channels of @value lie in @source, which sth_places_common() found: SthPlaceRun, in order, together all channels. */
GArray *sth_places_runs(SthPlaces *places, SthValue *value, SthValue *source);

G_END_DECLS
