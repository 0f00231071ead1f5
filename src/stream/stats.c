/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/stats.h"

#include <math.h>

/* Values below 16 have a bucket each; above, the four bits that follow the leading one choose the part of its power of two. */
static guint bucket_of(guint64 ns)
{
    if (ns < STH_STATS_SPLIT)
        return (guint)ns;
    const guint octave = 63 - (guint)__builtin_clzll(ns);
    return (octave - 3) * STH_STATS_SPLIT + (guint)((ns >> (octave - 4)) & (STH_STATS_SPLIT - 1));
}

static guint64 bucket_middle(guint bucket)
{
    if (bucket < STH_STATS_SPLIT)
        return bucket;
    const guint shift = bucket / STH_STATS_SPLIT - 1;
    const guint64 low = (guint64)(STH_STATS_SPLIT + bucket % STH_STATS_SPLIT) << shift;
    return low + ((G_GUINT64_CONSTANT(1) << shift) >> 1);
}

void sth_durations_add(SthDurations *durations, guint64 ns)
{
    durations->count++;
    durations->sum += ns;
    durations->last = ns;
    durations->max = MAX(durations->max, ns);
    durations->bucket[bucket_of(ns)]++;
}

guint64 sth_durations_mean(const SthDurations *durations)
{
    return durations->count ? durations->sum / durations->count : 0;
}

guint64 sth_durations_percentile(const SthDurations *durations, double fraction)
{
    const guint64 rank = (guint64)ceil(fraction * (double)durations->count);
    guint64 seen = 0;
    for (guint i = 0; i < STH_STATS_BUCKETS && durations->count; i++) {
        seen += durations->bucket[i];
        if (seen >= MAX(rank, 1))
            return MIN(bucket_middle(i), durations->max);
    }
    return 0;
}
