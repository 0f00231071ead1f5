/* Orders of the axes of a volume.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/arrangement.h"

#include <string.h>

gboolean sth_arrangement_group(const SthArrangement *arrangement, const SthShape *shape, SthGrouping *grouping)
{
    const gint64 *size = arrangement->twin->tensor.shape.dims;
    guint at = 0;

    memset(grouping, 0, sizeof *grouping);
    grouping->rank = shape->rank;
    for (guint i = 0; i < shape->rank; i++) {
        gint64 left = shape->dims[i];
        while (left > 1) {
            if (at == arrangement->n || size[arrangement->axis[at]] == 0 || left % size[arrangement->axis[at]] != 0)
                return FALSE;
            left /= size[arrangement->axis[at]];
            grouping->axis[i][grouping->n[i]++] = arrangement->axis[at++];
        }
    }
    return at == arrangement->n;
}

void sth_arrangement_init(SthArrangement *arrangement, SthValue *twin, const SthGrouping *grouping)
{
    arrangement->twin = twin;
    arrangement->n = 0;
    for (guint i = 0; i < grouping->rank; i++) {
        for (guint k = 0; k < grouping->n[i]; k++) {
            if (twin->tensor.shape.dims[grouping->axis[i][k]] != 1)
                arrangement->axis[arrangement->n++] = grouping->axis[i][k];
        }
    }
}

gboolean sth_arrangement_same_order(const SthArrangement *a, const SthArrangement *b)
{
    return a->n == b->n && memcmp(a->axis, b->axis, a->n) == 0;
}

gboolean sth_arrangement_in_order(const SthArrangement *arrangement)
{
    for (guint i = 1; i < arrangement->n; i++) {
        if (arrangement->axis[i] < arrangement->axis[i - 1])
            return FALSE;
    }
    return TRUE;
}

void sth_arrangement_permutation(const SthArrangement *arrangement, gint64 perm[STH_TWIN_AXES])
{
    guint n = 0, longer = 0;

    for (guint i = 0; i < arrangement->n; i++)
        longer |= 1u << arrangement->axis[i];
    for (guint axis = 0; axis < STH_TWIN_AXES; axis++) {
        if (!(longer & 1u << axis))
            perm[n++] = axis;
    }
    for (guint i = 0; i < arrangement->n; i++)
        perm[n++] = arrangement->axis[i];
}
