/* Slots, windows, durations: the small parts. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/slots.h"
#include "stream/stats.h"
#include "stream/window.h"

static void test_slots(void)
{
    SthSlots slots;
    SthSlot *held[3];
    g_assert_true(sth_slots_init(&slots, 3, 5));
    for (guint i = 0; i < 3; i++) {
        held[i] = sth_slots_take(&slots);
        for (guint k = 0; k < 5; k++)
            held[i]->data[k] = (float)i;
    }
    g_assert_null(sth_slots_take(&slots));
    for (guint i = 0; i < 3; i++)
        g_assert_cmpfloat(held[i]->data[0] + held[i]->data[4], ==, 2 * (float)i);
    sth_slot_ref(held[1]);
    sth_slot_unref(held[1]);
    g_assert_null(sth_slots_take(&slots));
    sth_slot_unref(held[1]);
    g_assert_true(sth_slots_take(&slots) == held[1]);
    sth_slots_clear(&slots);
    g_assert_false(sth_slots_init(&slots, 3, G_MAXSIZE / 8));
}

/* A window holds the newest N, and only those are in use. */
static void test_newest(void)
{
    SthSlots slots;
    SthWindow window;
    g_assert_true(sth_slots_init(&slots, 4, 1));
    sth_window_init(&window, 3);
    for (guint i = 0; i < 20; i++) {
        SthSlot *slot = sth_slots_take(&slots);
        slot->pts = i;
        sth_window_append(&window, slot);
        sth_slot_unref(slot);
        g_assert_cmpuint(window.count, ==, MIN(i + 1, 3));
        g_assert_cmpuint(window.frame[window.count - 1]->pts, ==, i);
        g_assert_cmpuint(window.frame[0]->pts, ==, i < 3 ? 0 : i - 2);
    }
    sth_window_drop(&window);
    for (guint i = 0; i < 4; i++)
        g_assert_nonnull(sth_slots_take(&slots));
    sth_window_clear(&window);
    sth_slots_clear(&slots);
}

/* Too few frames are stretched: floor((i + 0.5) * have / N). */
static void test_stretch(void)
{
    static const guint expected[][8] = {{0},
                                        {0, 0, 0, 0, 1, 1, 1, 1},
                                        {0, 0, 0, 1, 1, 2, 2, 2},
                                        {0, 0, 1, 1, 2, 2, 3, 3},
                                        {0, 0, 1, 2, 2, 3, 4, 4},
                                        {0, 1, 1, 2, 3, 4, 4, 5},
                                        {0, 1, 2, 3, 3, 4, 5, 6},
                                        {0, 1, 2, 3, 4, 5, 6, 7}};
    SthSlots slots;
    SthWindow window;
    SthSlot *chosen[8];
    g_assert_true(sth_slots_init(&slots, 8, 1));
    sth_window_init(&window, 8);
    for (guint have = 1; have <= 8; have++) {
        SthSlot *slot = sth_slots_take(&slots);
        slot->pts = have - 1;
        sth_window_append(&window, slot);
        sth_slot_unref(slot);
        sth_window_select(&window, chosen);
        for (guint i = 0; i < 8; i++) {
            g_assert_cmpuint(chosen[i]->pts, ==, expected[have - 1][i]);
            sth_slot_unref(chosen[i]);
        }
    }
    for (guint i = 0; i < 8; i++)
        g_assert_cmpuint(window.frame[i]->refs, ==, 1);
    sth_window_clear(&window);
    sth_slots_clear(&slots);
}

static void test_durations(void)
{
    SthDurations *durations = g_new0(SthDurations, 1);
    g_assert_cmpuint(sth_durations_percentile(durations, 0.5), ==, 0);
    g_assert_cmpuint(sth_durations_mean(durations), ==, 0);
    for (guint64 i = 1; i <= 10000; i++)
        sth_durations_add(durations, (i * 7919 % 10000 + 1) * 1000);
    g_assert_cmpuint(durations->count, ==, 10000);
    g_assert_cmpuint(durations->max, ==, 10000000);
    g_assert_cmpuint(sth_durations_mean(durations), ==, 5000500);
    for (double fraction = 0.01; fraction < 1; fraction += 0.01) {
        const double found = (double)sth_durations_percentile(durations, fraction);
        g_assert_cmpfloat_with_epsilon(found / (fraction * 1e7), 1, 1.0 / 30);
    }
    g_assert_cmpuint(sth_durations_percentile(durations, 1), <=, durations->max);
    sth_durations_add(durations, G_MAXUINT64 / 2);
    sth_durations_add(durations, 0);
    g_assert_cmpuint(sth_durations_percentile(durations, 0), ==, 0);
    g_assert_cmpuint(durations->last, ==, 0);
    g_free(durations);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/slots/take", test_slots);
    g_test_add_func("/window/newest", test_newest);
    g_test_add_func("/window/stretch", test_stretch);
    g_test_add_func("/stats/durations", test_durations);
    return g_test_run();
}
