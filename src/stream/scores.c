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

/* Element @i of the mean over @rows rows of @n. */
static float mean_score(const float *raw, guint rows, guint n, guint i)
{
    double sum = 0;
    for (guint r = 0; r < rows; r++)
        sum += finite_score(raw[(gsize)r * n + i]);
    return (float)(sum / rows);
}

static void softmax(float *x, guint n)
{
    float max = -FLT_MAX;
    for (guint i = 0; i < n; i++)
        max = MAX(max, x[i]);
    double sum = 0;
    for (guint i = 0; i < n; i++) {
        x[i] = expf(x[i] - max);
        sum += x[i];
    }
    for (guint i = 0; i < n; i++)
        x[i] = (float)(x[i] / sum);
}

void sth_scores_activate(SthScores *scores, const float *raw, guint rows, SthActivation activation)
{
    for (guint i = 0; i < scores->n; i++) {
        const float x = mean_score(raw, rows, scores->n, i);
        if (activation == STH_ACTIVATION_SOFTMAX)
            scores->fresh[i] = x;
        else
            scores->fresh[i] = activation == STH_ACTIVATION_SIGMOID ? 1.0f / (1.0f + expf(-x)) : CLAMP(x, 0.0f, 1.0f);
    }
    if (activation == STH_ACTIVATION_SOFTMAX)
        softmax(scores->fresh, scores->n);
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
