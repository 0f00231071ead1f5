/* Scores: from the network's output to confidences, smoothed over time, and the best of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>
#include <sth/sth-result.h>

G_BEGIN_DECLS

typedef struct {
    guint n;
    float *fresh;    /* [n]: confidences of the newest window */
    float *smoothed; /* [n] */
    gboolean started;
    guint64 last; /* end of the newest window, ns */
} SthScores;

void sth_scores_init(SthScores *scores, guint n_classes);
void sth_scores_clear(SthScores *scores);
/* The next window starts the smoothing anew. */
void sth_scores_reset(SthScores *scores);
/* Network output, @rows x n, to scores->fresh: the activation of the rows' mean. A number that is not finite counts as the farthest finite one,
 * NaN as the lowest. */
void sth_scores_activate(SthScores *scores, const float *raw, guint rows, SthActivation activation);
/* scores->fresh into scores->smoothed: exponential with time constant @tau_ns (0: none); @end is the window's end. */
void sth_scores_smooth(SthScores *scores, guint64 end, guint64 tau_ns);
/* The @k best of @confidence[n], best first, the lower index first among equals. Returns how many: min(k, n, STH_MAX_TOP_K). */
guint sth_scores_top(const float *confidence, guint n, guint k, SthScore *top);

G_END_DECLS
