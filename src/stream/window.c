/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/window.h"

#include <string.h>

void sth_window_init(SthWindow *window, guint frames)
{
    *window = (SthWindow){.frames = frames, .frame = g_new0(SthSlot *, frames)};
}

void sth_window_clear(SthWindow *window)
{
    if (window->frame)
        sth_window_drop(window);
    g_clear_pointer(&window->frame, g_free);
}

void sth_window_append(SthWindow *window, SthSlot *slot)
{
    if (window->count == window->frames) {
        sth_slot_unref(window->frame[0]);
        memmove(window->frame, window->frame + 1, (window->count - 1) * sizeof *window->frame);
        window->count--;
    }
    window->frame[window->count++] = sth_slot_ref(slot);
}

void sth_window_drop(SthWindow *window)
{
    for (guint i = 0; i < window->count; i++)
        sth_slot_unref(window->frame[i]);
    window->count = 0;
}

void sth_window_select(const SthWindow *window, SthSlot **frame)
{
    for (guint64 i = 0; i < window->frames; i++)
        frame[i] = sth_slot_ref(window->frame[(2 * i + 1) * window->count / (2 * window->frames)]);
}
