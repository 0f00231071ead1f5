/* Window: the newest N frames of a stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

#include "stream/slots.h"

G_BEGIN_DECLS

typedef struct {
    guint frames;    /* N */
    guint count;     /* frames there are, <= N */
    SthSlot **frame; /* oldest first */
} SthWindow;

void sth_window_init(SthWindow *window, guint frames);
/* Lets the frames go and frees the window's own memory. */
void sth_window_clear(SthWindow *window);
/* Adds a frame; the oldest of a full window goes. Takes a reference of its own. */
void sth_window_append(SthWindow *window, SthSlot *slot);
/* Lets the frames go. */
void sth_window_drop(SthWindow *window);
/* Writes the N frames of a run to @frame, each with a reference; a window that is not full is stretched to N as TSN does: frame i is number
 * floor((i + 0.5) * count / N). Needs count >= 1. */
void sth_window_select(const SthWindow *window, SthSlot **frame);

G_END_DECLS
