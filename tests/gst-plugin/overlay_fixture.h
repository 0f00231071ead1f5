/* What the tests of sthoverlay share: grey frames, and what of them is no longer grey.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "element_fixture.h"

G_BEGIN_DECLS

typedef struct {
    gint left, top, right, bottom; /* pixels that are not grey; right and bottom are exclusive; empty: right == 0 */
    guint n;
    guint64 light; /* sum of what is brighter than the grey */
} Box;

/* sthoverlay for frames of this format and size. */
void open_overlay(Fixture *f, const char *properties, const char *format, guint width, guint height);
/* A result of three classes, of which the first is `label`; NULL: nothing was recognised. */
GstSthClassification result_of(const char *label, double confidence);

/* A frame of one grey with this result (NULL: without one). */
GstBuffer *grey_frame(Fixture *f, const GstSthClassification *result);
/* The same after sthoverlay; the caller owns it. */
GstBuffer *pass_grey(Fixture *f, const GstSthClassification *result);
/* Of a packed 8-bit format with `f->info`. */
Box changed_box(Fixture *f, GstBuffer *buffer);
/* pass_grey() and changed_box(). */
Box draw(Fixture *f, const GstSthClassification *result);

G_END_DECLS
