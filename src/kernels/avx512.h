/* Masks, bounds and maxima of AVX-512 vectors. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <immintrin.h>

#include "kernels/unroll.h"

/* The first n lanes; all for 16 and more. */
STH_FORCE_INLINE __mmask16 sth_first_lanes_16(gsize n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

STH_FORCE_INLINE __m512 sth_clamp_16(__m512 x, __m512 min, __m512 max)
{
    return _mm512_min_ps(max, _mm512_max_ps(min, x)); /* these return the second operand for NaN */
}

/* NaN where one of them is. */
STH_FORCE_INLINE __m512 sth_maximum_16(__m512 x, __m512 y)
{
    return _mm512_mask_mov_ps(_mm512_max_ps(x, y), _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
}
