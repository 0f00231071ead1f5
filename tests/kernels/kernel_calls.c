/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_calls.h"

#define B STH_BLOCK
#define IMAGE 56 /* rows and columns of an image in a network */
#define PLANE (IMAGE * IMAGE)
#define WIDTH 1920 /* of a video */
#define SIDE 224   /* of what a network sees of it */
#define TAPS 9     /* of a filter that makes 224 of 1920 or of a 3x3 kernel */

typedef void Call(void (*function)(void), Room *room);

Room *room_new(void)
{
    Room *room = g_new(Room, 1);

    for (guint i = 0; i < ROOM_FLOATS; i++) {
        room->in[i] = (float)(i % 61) / 61 - 0.5f;
        room->more[i] = (float)(i % 53) / 53 - 0.5f;
        room->out[i] = 0;
        room->bytes[i] = (guint8)(i % 251);
    }
    for (guint i = 0; i < G_N_ELEMENTS(room->offsets); i++)
        room->offsets[i] = i * (WIDTH - TAPS) / SIDE;
    return room;
}

/* 256 input channels. */
static void call_gemm(void (*function)(void), Room *room)
{
    static const SthGemmRun runs[] = {{0, 128}, {160, 128}};
    const SthGemmTile tile = {
        .a = room->more,
        .runs = runs,
        .n_runs = G_N_ELEMENTS(runs),
        .b = room->in,
        .ldb = STH_GEMM_COLS,
        .c = room->out,
        .ldc = PLANE,
        .m = STH_GEMM_ROWS,
        .n = STH_GEMM_COLS,
        .bias = room->more,
        .residual = room->in,
        .ldr = PLANE,
        .min = 0,
        .max = 6,
    };
    ((SthGemm *)function)(&tile);
}

static void call_panel(void (*function)(void), Room *room)
{
    static const SthPanelRun runs[] = {{0, 16}, {IMAGE * B, 16}, {2 * IMAGE * B, 16}, {3 * IMAGE * B, 16}};
    const SthPanel panel = {
        .a = room->more,
        .runs = runs,
        .n_runs = G_N_ELEMENTS(runs),
        .b = room->in,
        .row_step = 1,
        .step = B,
        .c = room->out,
        .n = IMAGE,
        .bias = room->more,
        .min = 0,
        .max = 6,
    };
    ((SthPanelSum *)function)(&panel);
}

/* The nine taps of a 3x3 kernel, rows @pitch and columns @step floats apart. */
static void make_taps(const float *tap[TAPS], const Room *room, gsize pitch, gsize step)
{
    for (guint k = 0; k < TAPS; k++)
        tap[k] = room->in + k / 3 * pitch + k % 3 * step;
}

static void call_tap_sum(void (*function)(void), Room *room)
{
    const float *tap[TAPS];

    make_taps(tap, room, IMAGE + 2, 1);
    ((SthTapSum *)function)(room->out, IMAGE, IMAGE, IMAGE, tap, IMAGE + 2, room->more, TAPS, 1, 0, 6);
}

static void call_depthwise(void (*function)(void), Room *room)
{
    const float *tap[TAPS];

    make_taps(tap, room, (IMAGE + 2) * B, B);
    ((SthDepthwise *)function)(room->out, IMAGE, tap, B, room->more, TAPS, room->more, 0, 6);
}

static void call_block_maximum(void (*function)(void), Room *room)
{
    const float *tap[TAPS];

    make_taps(tap, room, (IMAGE + 2) * B, B);
    ((SthBlockMaximum *)function)(room->out, IMAGE / 2, tap, 2 * B, TAPS);
}

static void call_every_second(void (*function)(void), Room *room)
{
    ((SthEverySecond *)function)(room->out, room->in, 2 * IMAGE);
}

/* A row of B for a stride of two, of images of half the size. */
static void call_gather(void (*function)(void), Room *room)
{
    SthGatherPiece pieces[8];

    for (guint i = 0; i < G_N_ELEMENTS(pieces); i++)
        pieces[i] = (SthGatherPiece){.from = i * 2 * IMAGE, .panel = i / 2, .column = i % 2 * IMAGE / 2, .before = 1, .n = IMAGE / 2 - 1};
    ((SthGather *)function)(&(SthGatherRows){.out = room->out,
                                             .out_step = IMAGE / 2,
                                             .panel_step = IMAGE,
                                             .in = room->in,
                                             .in_step = 1,
                                             .n_rows = 4,
                                             .pieces = pieces,
                                             .n_pieces = G_N_ELEMENTS(pieces)},
                            2);
}

static void call_to_blocked(void (*function)(void), Room *room)
{
    ((SthToBlocked *)function)(room->out, room->in, PLANE, B, IMAGE);
}

static void call_from_blocked(void (*function)(void), Room *room)
{
    ((SthFromBlocked *)function)(room->out, PLANE, room->in, room->more, B, IMAGE, 0, 6);
}

static void call_winograd_input(void (*function)(void), Room *room)
{
    ((SthWinogradInput *)function)(room->out, 14 * B, room->in, (IMAGE + 2) * B);
}

static void call_winograd_output(void (*function)(void), Room *room)
{
    ((SthWinogradOutput *)function)(room->out, IMAGE * B, room->in, 14 * B);
}

static void call_add_clamp(void (*function)(void), Room *room)
{
    ((SthAddClamp *)function)(room->out, room->in, room->more, PLANE, 0, 6);
}

static void call_scale_shift(void (*function)(void), Room *room)
{
    ((SthScaleShift *)function)(room->out, room->in, PLANE, 0.5f, 0.25f, 0, 6);
}

static void call_maximum(void (*function)(void), Room *room)
{
    ((SthMaximum *)function)(room->out, room->in, room->more, PLANE);
}

static void call_sum(void (*function)(void), Room *room)
{
    room->out[0] = ((SthSum *)function)(room->in, PLANE);
}

static void call_row_blend(void (*function)(void), Room *room)
{
    ((SthRowBlend *)function)(room->out, room->bytes, WIDTH, WIDTH, room->more, TAPS);
}

static void call_transpose(void (*function)(void), Room *room)
{
    ((SthTranspose *)function)(room->out, STH_RESIZE_ROWS, room->in, WIDTH, STH_RESIZE_ROWS, WIDTH);
}

static void call_column_resample(void (*function)(void), Room *room)
{
    ((SthColumnResample *)function)(room->out, SIDE, room->in, room->offsets, room->more, TAPS, 1);
}

static void call_color_matrix(void (*function)(void), Room *room)
{
    static const float m[3][4] = {{1, 0, 1.5f, 2}, {1, -0.5f, -0.8f, 3}, {1, 2, 0, 4}}, low[3] = {-2, -2, -2}, high[3] = {2, 2, 2};
    float *const out[3] = {room->out, room->out + SIDE, room->out + 2 * SIDE};
    const float *const in[3] = {room->in, room->in + SIDE, room->in + 2 * SIDE};

    ((SthColorMatrix *)function)(out, in, SIDE, m, low, high);
}

/* By row; a slot without a call does not compile. */
static Call *const calls[] = {
#define STH_SLOT(slot, Type)
#define STH_KERNEL(slot, isa, level) call_##slot,
#include "kernels/kernels.inc"
};

void kernel_call(const SthKernelRow *row, Room *room)
{
    calls[row - sth_kernel_rows(&(guint){0})](row->function, room);
}
