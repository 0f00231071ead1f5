/* Sampling by time. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include <sth/sth-result.h>

#include "stream/sampler.h"

#define SECOND 1000000000.0

typedef struct {
    const char *name;
    double fps;
    guint rate_n, rate_d;
} RateCase;

static const RateCase rate_cases[] = {
    {"15-of-8", 15, 8, 1},
    {"24-of-8", 24, 8, 1},
    {"25-of-8", 25, 8, 1},
    {"30-of-8", 30, 8, 1},
    {"50-of-8", 50, 8, 1},
    {"60-of-8", 60, 8, 1},
    {"ntsc-of-8", 30000 / 1001., 8, 1},
    {"film-of-12", 24000 / 1001., 12, 1},
    {"25-of-12.5", 25, 25, 2},
    {"60-of-ntsc", 60, 30000, 1001},
    {"30-of-30", 30, 30, 1},
    {"120-of-16", 120, 16, 1},
};

/* Sample k is at most 9/16 of a frame interval from origin + k / rate, and none is left out. */
static void test_grid(gconstpointer data)
{
    const RateCase *row = data;
    const double step = SECOND * row->rate_d / row->rate_n, interval = SECOND / row->fps;
    const guint64 origin = 7000000123;
    SthSampler sampler;
    guint64 k = 0;

    sth_sampler_init(&sampler, row->rate_n, row->rate_d, 8);
    for (guint frame = 0; frame < 200000; frame++) {
        const guint64 pts = origin + (guint64)(frame * interval);
        const SthSample sample = sth_sampler_next(&sampler, pts);
        g_assert_false(sample.cleared);
        g_assert_cmpuint(sample.samples, <=, 1);
        if (sample.samples)
            g_assert_cmpfloat(fabs((double)(pts - origin) - (double)k * step), <=, interval * 9 / 16 + 2);
        k += sample.samples;
    }
    g_assert_cmpfloat(fabs((double)k - (199999 * interval / step + 1)), <=, 1);
}

/* Matroska rounds timestamps to milliseconds: the same frames must be chosen. */
static void test_rounded(gconstpointer data)
{
    const RateCase *row = data;
    SthSampler exact, rounded;
    guint differ = 0;
    sth_sampler_init(&exact, row->rate_n, row->rate_d, 8);
    sth_sampler_init(&rounded, row->rate_n, row->rate_d, 8);
    for (guint frame = 0; frame < 10000; frame++) {
        const double pts = frame * SECOND / row->fps;
        const guint a = sth_sampler_next(&exact, (guint64)pts).samples;
        differ += a != sth_sampler_next(&rounded, (guint64)(floor(pts / 1e6 + 0.5) * 1e6)).samples;
    }
    /* Rates that are no multiple of each other pass every phase, also those within a rounding of the decision. */
    g_assert_cmpuint(differ, <=, fmod(row->fps * 8 * row->rate_d / row->rate_n, 1) == 0 ? 0 : 300);
}

/* The same instants at any rate: times of samples of a variable rate lie within half of the local interval of the grid. */
static void test_variable(void)
{
    GRand *rand = g_rand_new_with_seed(3);
    SthSampler sampler;
    guint64 pts = 0, k = 0;
    sth_sampler_init(&sampler, 8, 1, 8);
    for (guint frame = 0; frame < 20000; frame++) {
        const SthSample sample = sth_sampler_next(&sampler, pts);
        g_assert_false(sample.cleared);
        for (guint i = 0; i < sample.samples; i++, k++)
            g_assert_cmpfloat(fabs((double)pts - (double)k * SECOND / 8), <=, 400e6);
        pts += (guint64)g_rand_int_range(rand, 5000000, 400000000);
    }
    g_assert_cmpfloat(fabs((double)k - (double)pts * 8 / SECOND), <=, 5);
    g_rand_free(rand);
}

/* A video slower than the grid fills several grid points with one frame. */
static void test_slow(void)
{
    SthSampler sampler;
    guint samples = 0;
    sth_sampler_init(&sampler, 8, 1, 8);
    for (guint frame = 0; frame <= 20; frame++)
        samples += sth_sampler_next(&sampler, frame * G_GUINT64_CONSTANT(250000000)).samples;
    g_assert_cmpuint(samples, ==, 41);
}

static void test_policy(void)
{
    static const struct {
        guint64 pts;
        guint samples;
        gboolean cleared;
    } frames[] = {
        {1000000000, 1, FALSE},    {1100000000, 1, FALSE}, {1100000000, 0, FALSE}, /* twice the same PTS */
        {STH_TIME_NONE, 0, FALSE},                                                 /* no place in time, and no gap either */
        {1200000000, 1, FALSE},    {1600000000, 4, FALSE},                         /* four steps on: as long as a window, not longer */
        {2000000002, 4, FALSE},    {2400000013, 1, TRUE},                          /* longer than a window */
        {2500000013, 1, FALSE},    {2400000000, 1, TRUE},                          /* back */
        {2450000000, 0, FALSE},    {0, 1, TRUE},           {G_MAXINT64, 1, TRUE},
    };
    SthSampler sampler;
    sth_sampler_init(&sampler, 10, 1, 4);
    for (guint i = 0; i < G_N_ELEMENTS(frames); i++) {
        const SthSample sample = sth_sampler_next(&sampler, frames[i].pts);
        g_assert_cmpuint(sample.samples, ==, frames[i].samples);
        g_assert_cmpint(sample.cleared, ==, frames[i].cleared);
    }
    sth_sampler_reset(&sampler);
    const SthSample sample = sth_sampler_next(&sampler, 5);
    g_assert_cmpuint(sample.samples, ==, 1);
    g_assert_false(sample.cleared);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rate_cases); i++) {
        g_autofree char *grid = g_strdup_printf("/sampler/grid/%s", rate_cases[i].name);
        g_autofree char *rounded = g_strdup_printf("/sampler/rounded/%s", rate_cases[i].name);
        g_test_add_data_func(grid, &rate_cases[i], test_grid);
        g_test_add_data_func(rounded, &rate_cases[i], test_rounded);
    }
    g_test_add_func("/sampler/variable", test_variable);
    g_test_add_func("/sampler/slow", test_slow);
    g_test_add_func("/sampler/policy", test_policy);
    return g_test_run();
}
