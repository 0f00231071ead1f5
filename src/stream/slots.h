/* Slots: room for preprocessed frames, made once. A slot is held by whoever counts on its frame (the window, the run that is going on) and free
 * when nobody does; so frames are written once and never copied while a window runs.
 * The counts are plain: the stream's lock guards them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    float *data; /* [3][H][W] */
    guint64 pts;
    guint64 id; /* of the frame: no two taken ever have the same */
    guint refs;
} SthSlot;

typedef struct {
    guint n;
    SthSlot *slot;
    float *memory;
    guint64 taken; /* how many were taken so far */
} SthSlots;

/* @floats of each frame. FALSE: no memory. */
gboolean sth_slots_init(SthSlots *slots, guint n, gsize floats);
void sth_slots_clear(SthSlots *slots);
/* A free slot, held once by the caller; NULL if all are held. */
SthSlot *sth_slots_take(SthSlots *slots);
SthSlot *sth_slot_ref(SthSlot *slot);
void sth_slot_unref(SthSlot *slot);

G_END_DECLS
