/* Where a network keeps its frames: which axis of a value they are, and whether a node works on each of them alone.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Frame i of the node's results depends on nothing but frame i of its computed inputs, and only the size of the frame axis would change if there
 * were another number of them: returns the results' frame axis. -1: it mixes frames, or it is not known that it does not.
 * @axes: SthValue * -> frame axis + 1, of computed values; those that are not in it count as mixed. @frames: how many, >= 2. */
gint sth_node_frame_axis(const SthNode *node, GHashTable *axes, gint64 frames);

G_END_DECLS
