/* `gather` for any instruction set: the body of convolution_<isa>.c, which defines before it
 *
 *   GATHER               the function's name: sth_gather_<isa>
 *   copy(out, in, n)     out[i] = in[i]
 *   every_second(out, in, n)  out[i] = in[2 * i]; in[2 * n - 1] is not read
 *
 * both for inlining: pieces are often shorter than two vectors, and a call takes as long. Rows inside: a piece is as long in each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "kernels/unroll.h"

/* @stride is a number that is known when compiling; 0: @any. */
STH_FORCE_INLINE void gather_piece(const SthGatherRows *rows, const gsize stride, gsize any, const SthGatherPiece piece)
{
    const float *from = rows->in + piece.from;
    float *to = rows->out + piece.panel * rows->panel_step + piece.column;

    for (guint r = 0; r < rows->n_rows; r++, from += rows->in_step, to += rows->out_step) {
        for (guint32 i = 0; i < piece.before; i++)
            to[i] = 0;
        if (stride == 1)
            copy(to + piece.before, from, piece.n);
        else if (stride == 2)
            every_second(to + piece.before, from, piece.n);
        else
            for (guint32 i = 0; i < piece.n; i++)
                to[piece.before + i] = from[i * any];
        for (guint32 i = 0; i < piece.after; i++)
            to[piece.before + piece.n + i] = 0;
    }
}

void GATHER(const SthGatherRows *rows, gsize stride)
{
    for (guint k = 0; k < rows->n_pieces; k++)
        if (stride == 1)
            gather_piece(rows, 1, 1, rows->pieces[k]);
        else if (stride == 2)
            gather_piece(rows, 2, 2, rows->pieces[k]);
        else
            gather_piece(rows, 0, stride, rows->pieces[k]);
}
