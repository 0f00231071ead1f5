/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/sampler.h"

#include <sth/sth-result.h>

#define NS_PER_SECOND G_GUINT64_CONSTANT(1000000000)

void sth_sampler_init(SthSampler *sampler, guint rate_n, guint rate_d, guint frames)
{
    g_return_if_fail(rate_n > 0 && rate_d > 0 && frames > 0);
    *sampler = (SthSampler){
        .step = NS_PER_SECOND * rate_d / rate_n,
        .step_remainder = NS_PER_SECOND * rate_d % rate_n,
        .rate_n = rate_n,
    };
    sampler->window_ns = (sampler->step + 1) * frames;
}

void sth_sampler_reset(SthSampler *sampler)
{
    sampler->started = FALSE;
}

static void step(SthSampler *sampler)
{
    sampler->next += sampler->step;
    sampler->next_remainder += sampler->step_remainder;
    if (sampler->next_remainder >= sampler->rate_n) {
        sampler->next_remainder -= sampler->rate_n;
        sampler->next++;
    }
}

SthSample sth_sampler_next(SthSampler *sampler, guint64 pts)
{
    SthSample sample = {0};
    if (pts == STH_TIME_NONE)
        return sample;
    if (sampler->started && (pts < sampler->last || pts - sampler->last > sampler->window_ns)) {
        sampler->started = FALSE;
        sample.cleared = TRUE;
    }
    guint64 interval = 0;
    if (!sampler->started) {
        sampler->started = TRUE;
        sampler->next = pts;
        sampler->next_remainder = 0;
    } else {
        interval = pts - sampler->last;
    }
    sampler->last = pts;
    /* An interval longer than the grid's says nothing about the next one: such a frame claims no more than its own half step. */
    const guint64 reach = pts + MIN(interval, sampler->step) * 7 / 16;
    while (sampler->next <= reach) {
        step(sampler);
        sample.samples++;
    }
    return sample;
}
