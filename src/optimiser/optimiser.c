/* Runs the table of passes to its fixed point.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/optimiser.h"

#define STH_PASS(name) extern const SthPass sth_pass_##name;
#include "optimiser/passes.inc"

static const SthPass *const passes[] = {
#define STH_PASS(name) &sth_pass_##name,
#include "optimiser/passes.inc"
};

/* No real network needs more; a pass that never settles is a bug that must not hang the caller. */
#define MAX_ROUNDS 32

const SthPass *const *sth_pass_table(guint *n)
{
    *n = G_N_ELEMENTS(passes);
    return passes;
}

static guint run_passes(SthGraph *graph, gboolean standard_only, guint *changes)
{
    guint changed = 0;

    for (guint i = 0; i < G_N_ELEMENTS(passes); i++) {
        guint n = standard_only && !passes[i]->standard ? 0 : passes[i]->run(graph);
        changes[i] += n;
        changed += n;
    }
    /* A pass that edits a node's list by hand would mislead all that follow. */
    g_assert(sth_graph_check(graph));
    return changed;
}

static gboolean optimise(SthGraph *graph, gboolean standard_only, GString *log, GError **error)
{
    guint changes[G_N_ELEMENTS(passes)] = {0};
    guint before = graph->nodes->len, folded;

    if (!sth_graph_infer(graph, error))
        return FALSE;
    folded = before > graph->nodes->len ? before - graph->nodes->len : 0;
    /* The standard passes to their end first: what an exporter wrote is recognised before residuals and activations are fused into its parts. */
    for (gint standard = 1; standard >= (standard_only ? 1 : 0); standard--) {
        guint round = 0, changed;
        do {
            changed = run_passes(graph, standard, changes);
            if (changed && !sth_graph_infer(graph, error))
                return FALSE;
        } while (changed && ++round < MAX_ROUNDS);
    }
    sth_graph_sweep_values(graph);

    if (log && folded)
        g_string_append_printf(log, "infer: %u nodes folded to constants\n", folded);
    for (guint i = 0; log && i < G_N_ELEMENTS(passes); i++) {
        if (changes[i])
            g_string_append_printf(log, "%s: %u (%s)\n", passes[i]->name, changes[i], passes[i]->description);
    }
    return TRUE;
}

gboolean sth_graph_optimise(SthGraph *graph, GString *log, GError **error)
{
    return optimise(graph, FALSE, log, error);
}

gboolean sth_graph_simplify(SthGraph *graph, GString *log, GError **error)
{
    return optimise(graph, TRUE, log, error);
}
