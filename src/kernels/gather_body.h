/* `gather` for any instruction set: the body of convolution_<isa>.c, which defines before it
 *
 *   GATHER               the function's name: sth_gather_<isa>
 *   copy(out, in, n)     out[i] = in[i]
 *   every_second(out, in, n)  out[i] = in[2 * i]; in[2 * n - 1] is not read
 *
 * both for inlining: pieces are often shorter than two vectors, and a call takes as long.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "kernels/unroll.h"

/* @stride is a number that is known when compiling; 0: @any. */
STH_FORCE_INLINE void gather_pieces(float *out, gsize panel_step, const float *in, const gsize stride, gsize any, const SthGatherPiece *pieces,
                                    guint n_pieces)
{
    for (guint k = 0; k < n_pieces; k++) {
        const SthGatherPiece *piece = &pieces[k];
        const float *from = in + piece->from;
        float *to = out + piece->panel * panel_step + piece->column;

        for (guint32 i = 0; i < piece->before; i++)
            *to++ = 0;
        if (stride == 1)
            copy(to, from, piece->n);
        else if (stride == 2)
            every_second(to, from, piece->n);
        else
            for (guint32 i = 0; i < piece->n; i++)
                to[i] = from[i * any];
        to += piece->n;
        for (guint32 i = 0; i < piece->after; i++)
            *to++ = 0;
    }
}

void GATHER(float *out, gsize panel_step, const float *in, gsize stride, const SthGatherPiece *pieces, guint n_pieces)
{
    if (stride == 1)
        gather_pieces(out, panel_step, in, 1, 1, pieces, n_pieces);
    else if (stride == 2)
        gather_pieces(out, panel_step, in, 2, 2, pieces, n_pieces);
    else
        gather_pieces(out, panel_step, in, 0, stride, pieces, n_pieces);
}
