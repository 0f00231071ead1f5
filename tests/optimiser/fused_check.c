/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fused_check.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph_builder.h"
#include "optimiser/optimiser.h"

#define MAX_THREADS 7

static const SthPass *find_pass(const char *name)
{
    guint n;
    const SthPass *const *table = sth_pass_table(&n);

    for (guint i = 0; i < n; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    g_assert_not_reached();
}

gboolean fused_runs(SthGraph *graph, const char *pass)
{
    return find_pass(pass)->run(graph) > 0;
}

void fused_check(SthGraph *graph, const char *pass, double tolerance)
{
    const SthTensor *out = &((SthValue *)g_ptr_array_index(graph->outputs, 0))->tensor;
    SthPool *pool = sth_pool_get();
    float *parts = build_run(graph, NULL, 1), *one;

    build_release(graph);
    g_assert_true(fused_runs(graph, pass));
    g_assert_cmpuint(graph->nodes->len, ==, 1);
    one = build_run(graph, NULL, 1);
    for (gint64 i = 0; i < sth_shape_elements(&out->shape); i++)
        g_assert_cmpfloat(fabs((double)one[i] - parts[i]), <=, tolerance);
    for (guint threads = 2; threads <= MAX_THREADS; threads += 5) {
        float *many = build_run(graph, pool, threads);

        g_assert_cmpmem(many, sth_tensor_bytes(out), one, sth_tensor_bytes(out));
        sth_aligned_free(many);
    }
    sth_aligned_free(one);
    sth_aligned_free(parts);
    sth_pool_unref(pool);
}
