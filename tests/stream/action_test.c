/* Hysteresis: scripts of windows, one a second, and what must be told. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/action.h"

#define STEP 1000u /* ns from window to window; each lasts 100 */
#define MIDDLE(window) ((window)*STEP + 50)

typedef struct {
    float confidence[3];
    guint events;
    gint action;      /* class going on, -1 */
    gint ended;       /* class ended, -1 */
    guint start, end; /* windows of what ended */
} Window;

typedef struct {
    const char *name;
    SthActionRule rule;
    Window windows[8];
    guint n;
} Script;

#define S STH_EVENT_START
#define E STH_EVENT_END

static const Script scripts[] = {
    {"hysteresis",
     {0.6f, 0.3f, 0, -1},
     {{{.5f, .1f, 0}, 0, -1, -1, 0, 0},
      {{.7f, .1f, 0}, S, 0, -1, 0, 0},
      {{.4f, .1f, 0}, 0, 0, -1, 0, 0},
      {{.2f, .1f, 0}, E, -1, 0, 1, 2},
      {{.5f, .1f, 0}, 0, -1, -1, 0, 0}},
     5},
    {"exactly", {0.5f, 0.5f, 0, -1}, {{{.5f, 0, 0}, S, 0, -1, 0, 0}, {{.5f, 0, 0}, 0, 0, -1, 0, 0}, {{.49f, 0, 0}, E, -1, 0, 0, 1}}, 3},
    {"takes-over",
     {0.4f, 0.1f, 0, -1},
     {{{.5f, .2f, 0}, S, 0, -1, 0, 0},
      {{.45f, .42f, 0}, 0, 0, -1, 0, 0},
      {{.3f, .35f, 0}, 0, 0, -1, 0, 0},
      {{.3f, .6f, 0}, S | E, 1, 0, 0, 2},
      {{.3f, .05f, 0}, E, -1, 1, 3, 3}},
     5},
    {"background", {0.3f, 0.2f, 0, 0}, {{{.9f, 0, 0}, 0, -1, -1, 0, 0}, {{.6f, .35f, 0}, S, 1, -1, 0, 0}, {{.9f, .1f, 0}, E, -1, 1, 1, 1}}, 3},
    {"min-duration",
     {0.5f, 0.4f, 2 * STEP, -1},
     {{{.6f, 0, 0}, 0, -1, -1, 0, 0},
      {{0, 0, 0}, 0, -1, -1, 0, 0},
      {{.6f, 0, 0}, 0, -1, -1, 0, 0},
      {{.6f, 0, 0}, 0, -1, -1, 0, 0},
      {{.6f, 0, 0}, S, 0, -1, 0, 0},
      {{.6f, 0, 0}, 0, 0, -1, 0, 0},
      {{0, 0, 0}, E, -1, 0, 2, 5}},
     7},
    {"takes-over-late",
     {0.5f, 0.4f, STEP, -1},
     {{{.6f, 0, 0}, 0, -1, -1, 0, 0}, {{.6f, 0, 0}, S, 0, -1, 0, 0}, {{.5f, .7f, 0}, E, -1, 0, 0, 1}, {{0, .7f, 0}, S, 1, -1, 0, 0}},
     4},
};

static SthResult window_at(guint i)
{
    return (SthResult){.window_start = i * STEP, .window_end = i * STEP + 100};
}

static void test_script(gconstpointer data)
{
    const Script *script = data;
    SthActionState state;
    sth_action_init(&state);
    for (guint i = 0; i < script->n; i++) {
        const Window *window = &script->windows[i];
        SthResult result = window_at(i);
        sth_action_update(&state, &script->rule, window->confidence, 3, &result);
        g_assert_cmpuint(result.events, ==, window->events);
        g_assert_cmpint(result.action.index, ==, window->action);
        g_assert_cmpint(result.ended.index, ==, window->ended);
        if (window->ended >= 0) {
            g_assert_cmpuint(result.ended.start, ==, MIDDLE(window->start));
            g_assert_cmpuint(result.ended.end, ==, MIDDLE(window->end));
        }
        if (window->action >= 0)
            g_assert_cmpuint(result.action.end, ==, MIDDLE(i));
    }
}

static const SthActionRule plain = {0.5f, 0.4f, 0, -1};
static const float first[3] = {0.6f, 0, 0}, second[3] = {0, 0.9f, 0}, nothing[3] = {0};

static void test_peak(void)
{
    const float confidence[][3] = {{.6f, 0, 0}, {.8f, 0, 0}, {.7f, 0, 0}, {0, 0, 0}};
    SthActionState state;
    SthResult result;
    sth_action_init(&state);
    for (guint i = 0; i < 4; i++) {
        result = window_at(i);
        sth_action_update(&state, &plain, confidence[i], 3, &result);
    }
    g_assert_cmpfloat(result.ended.peak, ==, 0.8f);
}

static void test_close(void)
{
    SthActionState state;
    SthResult result = window_at(0);
    sth_action_init(&state);
    g_assert_false(sth_action_close(&state, &result));
    g_assert_cmpuint(result.events, ==, 0);

    /* Going on: ends. */
    sth_action_update(&state, &plain, first, 3, &result);
    result = window_at(1);
    sth_action_update(&state, &plain, first, 3, &result);
    g_assert_true(sth_action_close(&state, &result));
    g_assert_cmpuint(result.events, ==, E);
    g_assert_cmpint(result.ended.index, ==, 0);
    g_assert_cmpuint(result.ended.end, ==, MIDDLE(1));
    g_assert_cmpint(result.action.index, ==, -1);

    /* In one window only: starts and ends. */
    result = window_at(2);
    sth_action_update(&state, &plain, first, 3, &result);
    g_assert_true(sth_action_close(&state, &result));
    g_assert_cmpuint(result.events, ==, S | E);
    g_assert_cmpint(result.action.index, ==, 0);
    g_assert_cmpint(result.ended.index, ==, 0);

    /* Replaced in the last window: the end of the first is told, the second is not. */
    result = window_at(3);
    sth_action_update(&state, &plain, first, 3, &result);
    result = window_at(4);
    sth_action_update(&state, &plain, second, 3, &result);
    g_assert_cmpuint(result.events, ==, S | E);
    g_assert_false(sth_action_close(&state, &result));
    g_assert_cmpuint(result.events, ==, E);
    g_assert_cmpint(result.ended.index, ==, 0);
    g_assert_cmpint(result.action.index, ==, -1);

    /* Not told yet: never told. */
    const SthActionRule slow = {0.5f, 0.4f, 10 * STEP, -1};
    result = window_at(5);
    sth_action_update(&state, &slow, first, 3, &result);
    g_assert_false(sth_action_close(&state, &result));
    g_assert_cmpuint(result.events, ==, 0);
}

/* After an interruption the same class is another action. */
static void test_break(void)
{
    SthActionState state;
    SthResult result = window_at(0);
    sth_action_init(&state);
    sth_action_update(&state, &plain, first, 3, &result);
    sth_action_break(&state);
    result = window_at(9);
    sth_action_update(&state, &plain, first, 3, &result);
    g_assert_cmpuint(result.events, ==, S | E);
    g_assert_cmpuint(result.ended.end, ==, MIDDLE(0));
    g_assert_cmpuint(result.action.start, ==, MIDDLE(9));
    sth_action_break(&state);
    result = window_at(10);
    sth_action_update(&state, &plain, nothing, 3, &result);
    g_assert_cmpuint(result.events, ==, E);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autofree char *path = g_strdup_printf("/action/script/%s", scripts[i].name);
        g_test_add_data_func(path, &scripts[i], test_script);
    }
    g_test_add_func("/action/peak", test_peak);
    g_test_add_func("/action/close", test_close);
    g_test_add_func("/action/break", test_break);
    return g_test_run();
}
