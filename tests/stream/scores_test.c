/* Confidences. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "stream/scores.h"

#define CHECK(a, b) g_assert_cmpfloat_with_epsilon(a, b, 1e-6)

static void test_activation(void)
{
    const float raw[4] = {1, -2, 0.25f, 3};
    SthScores scores;
    sth_scores_init(&scores, 4);
    double sum = 0;
    for (guint i = 0; i < 4; i++)
        sum += exp(raw[i]);

    sth_scores_activate(&scores, raw, 1, STH_ACTIVATION_SOFTMAX);
    for (guint i = 0; i < 4; i++)
        CHECK(scores.fresh[i], exp(raw[i]) / sum);
    sth_scores_activate(&scores, raw, 1, STH_ACTIVATION_SIGMOID);
    for (guint i = 0; i < 4; i++)
        CHECK(scores.fresh[i], 1 / (1 + exp(-raw[i])));
    sth_scores_activate(&scores, raw, 1, STH_ACTIVATION_NONE);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpfloat(scores.fresh[i], ==, CLAMP(raw[i], 0, 1));
    sth_scores_clear(&scores);
}

/* Scores of each frame: the mean goes into the activation, not its results. */
static void test_rows(void)
{
    const float raw[6] = {4, -2, 1, 0, 6, 1}, mean[3] = {2, 2, 1};
    const float sum = 2 * expf(2) + expf(1);
    SthScores scores;
    sth_scores_init(&scores, 3);

    sth_scores_activate(&scores, raw, 2, STH_ACTIVATION_SOFTMAX);
    for (guint i = 0; i < 3; i++)
        CHECK(scores.fresh[i], expf(mean[i]) / sum);
    sth_scores_activate(&scores, raw, 2, STH_ACTIVATION_SIGMOID);
    for (guint i = 0; i < 3; i++)
        CHECK(scores.fresh[i], 1 / (1 + expf(-mean[i])));
    sth_scores_clear(&scores);
}

/* Whatever the network gives, confidences are numbers from 0 to 1. */
static void test_not_finite(void)
{
    const float nasty[][3] = {{NAN, NAN, NAN}, {NAN, 1, 2},       {INFINITY, 0, 0}, {-INFINITY, -INFINITY, -INFINITY}, {INFINITY, -INFINITY, NAN},
                              {1e38f, 0, 0},   {-3e38f, 3e38f, 0}};
    SthScores scores;
    sth_scores_init(&scores, 3);
    for (guint row = 0; row < G_N_ELEMENTS(nasty); row++)
        for (SthActivation a = STH_ACTIVATION_SOFTMAX; a <= STH_ACTIVATION_NONE; a++) {
            sth_scores_activate(&scores, nasty[row], 1, a);
            for (guint i = 0; i < 3; i++)
                g_assert_true(scores.fresh[i] >= 0 && scores.fresh[i] <= 1);
        }
    sth_scores_activate(&scores, nasty[2], 1, STH_ACTIVATION_SOFTMAX);
    g_assert_cmpfloat(scores.fresh[0], ==, 1);
    sth_scores_activate(&scores, nasty[1], 1, STH_ACTIVATION_SOFTMAX);
    g_assert_cmpfloat(scores.fresh[0], ==, 0);
    sth_scores_clear(&scores);
}

/* A step from 0 to 1 has come 1 - exp(-t / tau) of the way after t, in however many windows. */
static void test_smoothing(void)
{
    const float zero = 0, one = 1;
    for (guint windows = 1; windows <= 5; windows++) {
        SthScores scores;
        sth_scores_init(&scores, 1);
        sth_scores_activate(&scores, &zero, 1, STH_ACTIVATION_NONE);
        sth_scores_smooth(&scores, 1000, 700);
        for (guint i = 1; i <= windows; i++) {
            sth_scores_activate(&scores, &one, 1, STH_ACTIVATION_NONE);
            sth_scores_smooth(&scores, 1000 + 600 * i / windows, 700);
        }
        CHECK(scores.smoothed[0], 1 - exp(-600.0 / 700));
        sth_scores_reset(&scores);
        sth_scores_smooth(&scores, 5, 700);
        g_assert_cmpfloat(scores.smoothed[0], ==, 1);
        sth_scores_activate(&scores, &zero, 1, STH_ACTIVATION_NONE);
        sth_scores_smooth(&scores, 6, 0);
        g_assert_cmpfloat(scores.smoothed[0], ==, 0);
        sth_scores_clear(&scores);
    }
}

static void test_top(void)
{
    const float confidence[] = {0.1f, 0.5f, 0.2f, 0.5f, 0.9f, 0};
    const gint order[] = {4, 1, 3, 2, 0, 5};
    for (guint k = 1; k <= STH_MAX_TOP_K + 3; k++) {
        SthScore top[STH_MAX_TOP_K];
        const guint n = sth_scores_top(confidence, 6, k, top);
        g_assert_cmpuint(n, ==, MIN(k, 6));
        for (guint i = 0; i < n; i++) {
            g_assert_cmpint(top[i].index, ==, order[i]);
            g_assert_cmpfloat(top[i].confidence, ==, confidence[order[i]]);
        }
    }
    float many[100];
    SthScore top[STH_MAX_TOP_K];
    for (guint i = 0; i < 100; i++)
        many[i] = (float)(i * 37 % 100) / 100;
    g_assert_cmpuint(sth_scores_top(many, 100, 99, top), ==, STH_MAX_TOP_K);
    for (guint i = 0; i < STH_MAX_TOP_K; i++)
        g_assert_cmpfloat(top[i].confidence, ==, (float)(99 - i) / 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scores/rows", test_rows);
    g_test_add_func("/scores/activation", test_activation);
    g_test_add_func("/scores/not-finite", test_not_finite);
    g_test_add_func("/scores/smoothing", test_smoothing);
    g_test_add_func("/scores/top", test_top);
    return g_test_run();
}
