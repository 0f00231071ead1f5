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

/* Channels last: x[pixel][c] of planes. */
static void interleave(const float *planes, gsize plane, float *out)
{
    for (gsize i = 0; i < plane; i++) {
        for (gsize c = 0; c < 3; c++)
            out[i * 3 + c] = planes[c * plane + i];
    }
}

void sth_window_assemble(SthSlot *const *frame, guint frames, gsize plane, SthLayout layout, float *input)
{
    for (guint t = 0; t < frames; t++) {
        if (layout == STH_LAYOUT_NCTHW) {
            for (gsize c = 0; c < 3; c++)
                memcpy(input + (c * frames + t) * plane, frame[t]->data + c * plane, plane * sizeof(float));
        } else if (layout == STH_LAYOUT_NTHWC || layout == STH_LAYOUT_THWC) {
            interleave(frame[t]->data, plane, input + t * 3 * plane);
        } else { /* NTCHW and TCHW are the same bytes */
            memcpy(input + t * 3 * plane, frame[t]->data, 3 * plane * sizeof(float));
        }
    }
}
