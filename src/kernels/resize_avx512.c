/* row_accumulate for AVX-512. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <immintrin.h>

#include "kernels/kernels.h"

#define LANES 16

void sth_row_accumulate_avx512(float *acc, const guint8 *row, gsize n, float weight, gboolean first)
{
    const __m512 w = _mm512_set1_ps(weight);

    for (gsize i = 0; i < n; i += LANES) {
        const __mmask16 mask = n - i >= LANES ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        const __m512 x = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, row + i)));

        _mm512_mask_storeu_ps(acc + i, mask, first ? _mm512_mul_ps(w, x) : _mm512_fmadd_ps(w, x, _mm512_maskz_loadu_ps(mask, acc + i)));
    }
}
