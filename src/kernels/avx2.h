/* Masks, bounds and maxima of AVX2 vectors. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <immintrin.h>

#include "kernels/unroll.h"

/* All ones in the first n lanes, 0…8. */
STH_FORCE_INLINE __m256i sth_first_lanes_8(gsize n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

STH_FORCE_INLINE __m256 sth_clamp_8(__m256 x, __m256 min, __m256 max)
{
    return _mm256_min_ps(max, _mm256_max_ps(min, x)); /* these return the second operand for NaN */
}

/* NaN where one of them is. */
STH_FORCE_INLINE __m256 sth_maximum_8(__m256 x, __m256 y)
{
    return _mm256_blendv_ps(_mm256_max_ps(x, y), x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
