/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/pixels.h"

/* {plane, offset, step, shift_x, shift_y} of each component. */
static const SthPixelLayout layouts[] = {
    {STH_PIXEL_I420, STH_COLOR_YUV, 3, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}},
    {STH_PIXEL_YV12, STH_COLOR_YUV, 3, {{0, 0, 1, 0, 0}, {2, 0, 1, 1, 1}, {1, 0, 1, 1, 1}}},
    {STH_PIXEL_NV12, STH_COLOR_YUV, 3, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}},
    {STH_PIXEL_NV21, STH_COLOR_YUV, 3, {{0, 0, 1, 0, 0}, {1, 1, 2, 1, 1}, {1, 0, 2, 1, 1}}},
    {STH_PIXEL_YUY2, STH_COLOR_YUV, 3, {{0, 0, 2, 0, 0}, {0, 1, 4, 1, 0}, {0, 3, 4, 1, 0}}},
    {STH_PIXEL_UYVY, STH_COLOR_YUV, 3, {{0, 1, 2, 0, 0}, {0, 0, 4, 1, 0}, {0, 2, 4, 1, 0}}},
    {STH_PIXEL_RGB, STH_COLOR_RGB, 3, {{0, 0, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 2, 3, 0, 0}}},
    {STH_PIXEL_BGR, STH_COLOR_RGB, 3, {{0, 2, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 0, 3, 0, 0}}},
    {STH_PIXEL_RGBA, STH_COLOR_RGB, 3, {{0, 0, 4, 0, 0}, {0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}}},
    {STH_PIXEL_BGRA, STH_COLOR_RGB, 3, {{0, 2, 4, 0, 0}, {0, 1, 4, 0, 0}, {0, 0, 4, 0, 0}}},
    {STH_PIXEL_ARGB, STH_COLOR_RGB, 3, {{0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 3, 4, 0, 0}}},
    {STH_PIXEL_ABGR, STH_COLOR_RGB, 3, {{0, 3, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 1, 4, 0, 0}}},
    {STH_PIXEL_GRAY8, STH_COLOR_GRAY, 1, {{0, 0, 1, 0, 0}}},
};

const SthPixelLayout *sth_pixel_layout(SthPixelFormat pixel)
{
    for (guint i = 0; i < G_N_ELEMENTS(layouts); i++)
        if (layouts[i].pixel == pixel)
            return &layouts[i];
    return NULL;
}
