/* If: the optimiser puts the taken branch in its place as soon as the condition is known. What reaches this file could not be decided.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

static gboolean infer(SthNode *node, GError **error)
{
    return sth_op_error(node, error, "its condition '%s' is known only when the model runs; export the model so that it has one way to go",
                        sth_node_input(node, 0)->name);
}

const SthOp sth_op_if = {.name = "If", .since = 1, .min_in = 1, .max_in = G_MAXUINT, .constant_in = 1, .infer = infer};
