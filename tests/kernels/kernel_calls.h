/* One typical call of each kernel: for measuring time and for counting instructions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"

/* Numbers to work on, none of them extreme. */
#define ROOM_FLOATS (1 << 18)
typedef struct {
    float in[ROOM_FLOATS], gap[272], more[ROOM_FLOATS], gap_2[272], out[ROOM_FLOATS]; /* gaps: the same place modulo 4 KB makes CPUs wait */
    guint8 bytes[ROOM_FLOATS];
    guint32 offsets[1024];
} Room;

Room *room_new(void);
/* Calls the row's function once, on sizes as a network or a 1080p video has them. */
void kernel_call(const SthKernelRow *row, Room *room);
