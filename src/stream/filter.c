/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/filter.h"

#include <math.h>

/* Taps [*first, *last) that an output centred at @center reads; never empty. */
static void tap_range(double center, double support, guint n_in, guint *first, guint *last)
{
    const double low = floor(center - support + 0.5), high = floor(center + support + 0.5);
    *first = (guint)CLAMP(low, 0.0, (double)(n_in - 1));
    *last = (guint)CLAMP(high, *first + 1.0, (double)n_in);
}

static void fill_taps(SthFilter *filter, guint index, guint n_in, double center, double support)
{
    guint first, last;
    tap_range(center, support, n_in, &first, &last);
    const guint base = MIN(first, n_in - filter->n_taps);
    float *weight = filter->weight + (gsize)index * filter->n_taps;
    double sum = 0;
    for (guint x = first; x < last; x++)
        sum += fmax(0.0, 1.0 - fabs((x - center + 0.5) / support));
    for (guint x = first; x < last; x++) {
        const double w = fmax(0.0, 1.0 - fabs((x - center + 0.5) / support));
        /* No tap under the triangle: the centre lies outside of the input, its nearest sample stands for it. */
        weight[x - base] = (float)(sum > 0 ? w / sum : (x == first ? 1.0 : 0.0));
    }
    filter->first[index] = base;
}

void sth_filter_init(SthFilter *filter, SthFilterPolicy policy, guint n_in, guint n_out, double begin, double end)
{
    const double scale = (end - begin) / n_out, support = policy == STH_FILTER_ANTIALIAS ? fmax(scale, 1.0) : 1.0;
    filter->n_out = n_out;
    filter->n_taps = 1;
    for (guint i = 0; i < n_out; i++) {
        guint first, last;
        tap_range(begin + (i + 0.5) * scale, support, n_in, &first, &last);
        filter->n_taps = MAX(filter->n_taps, last - first);
    }
    filter->first = g_new0(guint32, n_out);
    filter->weight = g_new0(float, (gsize)n_out * filter->n_taps);
    for (guint i = 0; i < n_out; i++)
        fill_taps(filter, i, n_in, begin + (i + 0.5) * scale, support);
}

void sth_filter_clear(SthFilter *filter)
{
    g_clear_pointer(&filter->first, g_free);
    g_clear_pointer(&filter->weight, g_free);
}
