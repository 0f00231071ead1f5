/* From the positions of a resized axis to those of the original one: what Resize and Upsample do, axis by axis.
 *
 * Source: ONNX operator Resize (opset 10 to 19).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"

G_BEGIN_DECLS

typedef enum { STH_RESAMPLE_NEAREST, STH_RESAMPLE_LINEAR, STH_RESAMPLE_CUBIC } SthResampleMode;

/* coordinate_transformation_mode, in the order of their names in resample.c */
typedef enum {
    STH_COORDINATES_HALF_PIXEL,
    STH_COORDINATES_PYTORCH_HALF_PIXEL,
    STH_COORDINATES_ALIGN_CORNERS,
    STH_COORDINATES_ASYMMETRIC,
    STH_COORDINATES_TF_CROP_AND_RESIZE,
    STH_COORDINATES_TF_HALF_PIXEL_FOR_NN,
    STH_COORDINATES_HALF_PIXEL_SYMMETRIC,
} SthCoordinates;

typedef enum {
    STH_NEAREST_ROUND_PREFER_FLOOR,
    STH_NEAREST_ROUND_PREFER_CEIL,
    STH_NEAREST_FLOOR,
    STH_NEAREST_CEIL,
    STH_NEAREST_SIMPLE, /* of Upsample, and of Resize in opset 10: floor, or ceil where the axis shrinks */
} SthNearest;

/* What is the same for all axes. */
typedef struct {
    SthResampleMode mode;
    SthCoordinates coordinates;
    SthNearest nearest;
    gboolean antialias, exclude_outside;
    float cubic; /* the coefficient a of the cubic kernel */
} SthResample;

/* One axis. */
typedef struct {
    gint64 in, out;   /* >= 1 */
    gboolean by_size; /* the size was given, and the scale is out / in; else the scale was, and the size follows */
    float scale;
    double from, to; /* roi, of STH_COORDINATES_TF_CROP_AND_RESIZE: normalised to 0…1 */
} SthResampleAxis;

/* An axis as sums of taps: output i = sum over k < n of weight[i * n + k] * input index[i * n + k]. */
typedef struct {
    guint n;
    guint32 *index; /* out * n */
    float *weight;  /* NULL: nearest, n is 1 */
    guint8 *beyond; /* by output: it lies outside of the input, and is the constant (extrapolation); NULL: none does */
} SthResampleTaps;

/* Reads mode, coordinate_transformation_mode, nearest_mode, antialias, exclude_outside and cubic_coeff_a. */
gboolean sth_resample_read(SthResample *resample, const SthNode *node, GError **error);

void sth_resample_taps_init(SthResampleTaps *taps, const SthResample *resample, const SthResampleAxis *axis);
void sth_resample_taps_clear(SthResampleTaps *taps);

/* The nearest element for each output, -1 beyond the input: a map for axis_map.h. Free with g_free(). */
gint64 *sth_resample_map(const SthResample *resample, const SthResampleAxis *axis);

G_END_DECLS
