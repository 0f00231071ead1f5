/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/slots.h"

#include "base/memory.h"

gboolean sth_slots_init(SthSlots *slots, guint n, gsize floats)
{
    const gsize stride = STH_ALIGN_UP(floats * sizeof(float)) / sizeof(float);
    *slots = (SthSlots){.memory = stride <= G_MAXSIZE / sizeof(float) / n ? sth_aligned_try_alloc(n * stride * sizeof(float)) : NULL};
    if (!slots->memory)
        return FALSE;
    slots->n = n;
    slots->slot = g_new0(SthSlot, n);
    for (guint i = 0; i < n; i++)
        slots->slot[i].data = slots->memory + i * stride;
    return TRUE;
}

void sth_slots_clear(SthSlots *slots)
{
    sth_aligned_free(slots->memory);
    g_free(slots->slot);
    *slots = (SthSlots){0};
}

SthSlot *sth_slots_take(SthSlots *slots)
{
    for (guint i = 0; i < slots->n; i++)
        if (slots->slot[i].refs == 0) {
            slots->slot[i].id = slots->taken++;
            return sth_slot_ref(&slots->slot[i]);
        }
    return NULL;
}

SthSlot *sth_slot_ref(SthSlot *slot)
{
    slot->refs++;
    return slot;
}

void sth_slot_unref(SthSlot *slot)
{
    slot->refs--;
}
