/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/scores.h"

#include <float.h>
#include <math.h>
#include <string.h>

void sth_scores_init(SthScores *scores, guint n_classes)
{
    *scores = (SthScores){.n = n_classes, .fresh = g_new0(float, n_classes), .smoothed = g_new0(float, n_classes)};
}

void sth_scores_clear(SthScores *scores)
{
    g_clear_pointer(&scores->fresh, g_free);
    g_clear_pointer(&scores->smoothed, g_free);
}

void sth_scores_reset(SthScores *scores)
{
    scores->started = FALSE;
}

static float finite_score(float x)
{
    return isnan(x) ? -FLT_MAX : CLAMP(x, -FLT_MAX, FLT_MAX);
}

static void softmax(float *out, const float *in, guint n)
{
    float max = -FLT_MAX;
    for (guint i = 0; i < n; i++)
        max = MAX(max, finite_score(in[i]));
    double sum = 0;
    for (guint i = 0; i < n; i++) {
        out[i] = expf(finite_score(in[i]) - max);
        sum += out[i];
    }
    for (guint i = 0; i < n; i++)
        out[i] = (float)(out[i] / sum);
}

void sth_scores_activate(SthScores *scores, const float *raw, SthActivation activation)
{
    if (activation == STH_ACTIVATION_SOFTMAX) {
        softmax(scores->fresh, raw, scores->n);
        return;
    }
    for (guint i = 0; i < scores->n; i++) {
        const float x = finite_score(raw[i]);
        scores->fresh[i] = activation == STH_ACTIVATION_SIGMOID ? 1.0f / (1.0f + expf(-x)) : CLAMP(x, 0.0f, 1.0f);
    }
}

void sth_scores_smooth(SthScores *scores, guint64 end, guint64 tau_ns)
{
    if (!scores->started || tau_ns == 0) {
        memcpy(scores->smoothed, scores->fresh, scores->n * sizeof(float));
    } else {
        const double dt = end > scores->last ? (double)(end - scores->last) : 0;
        const float gain = (float)-expm1(-dt / (double)tau_ns);
        for (guint i = 0; i < scores->n; i++)
            scores->smoothed[i] += gain * (scores->fresh[i] - scores->smoothed[i]);
    }
    scores->started = TRUE;
    scores->last = end;
}

guint sth_scores_top(const float *confidence, guint n, guint k, SthScore *top)
{
    guint found = 0;
    k = MIN(k, STH_MAX_TOP_K);
    for (guint i = 0; i < n; i++) {
        guint at = found;
        while (at > 0 && confidence[i] > top[at - 1].confidence)
            at--;
        if (at >= k)
            continue;
        found = MIN(found + 1, k);
        memmove(top + at + 1, top + at, (found - 1 - at) * sizeof *top);
        top[at] = (SthScore){(gint)i, confidence[i]};
    }
    return found;
}
