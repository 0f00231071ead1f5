/* Stats: durations in a fixed histogram, for percentiles without keeping samples. Allocates nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Buckets: STH_STATS_SPLIT equal parts of each power of two: a percentile is right to within 1/32 = 3 %. */
#define STH_STATS_SPLIT 16
#define STH_STATS_BUCKETS ((64 - 4 + 1) * STH_STATS_SPLIT)

typedef struct {
    guint64 count, sum, last, max; /* ns */
    guint32 bucket[STH_STATS_BUCKETS];
} SthDurations;

void sth_durations_add(SthDurations *durations, guint64 ns);
guint64 sth_durations_mean(const SthDurations *durations);
/* @fraction 0…1 of the durations are not longer than this; 0 without any. */
guint64 sth_durations_percentile(const SthDurations *durations, double fraction);

G_END_DECLS
