/* Filter: one axis of a resize, as a table of taps.
 *
 * A triangle (bilinear) filter. STH_FILTER_ANTIALIAS: where the image shrinks its support grows by the same factor: the filter of PIL's
 * Image.resize(BILINEAR, box=…) (libImaging/Resample.c, precompute_coeffs). STH_FILTER_BILINEAR, and both where the image grows: two taps, as
 * OpenCV's resize(INTER_LINEAR) has them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-model.h>

G_BEGIN_DECLS

typedef struct {
    guint n_out, n_taps;
    guint32 *first; /* [n_out]: first input sample; first + n_taps <= size of the input */
    float *weight;  /* [n_out][n_taps]: sum 1 for each output; unused taps are 0 */
} SthFilter;

/* Maps the interval begin…end of an input of @n_in samples (sample i covers i…i+1) to @n_out outputs. Taps outside of the interval but inside
 * of the input are read; those outside of the input are left out and the rest is normalised. n_in, n_out >= 1, begin < end. */
void sth_filter_init(SthFilter *filter, SthFilterPolicy policy, guint n_in, guint n_out, double begin, double end);
void sth_filter_clear(SthFilter *filter);

G_END_DECLS
