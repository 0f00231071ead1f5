/* A trimmed clip: which frames of a whole video a clip network sees.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth.h>

G_BEGIN_DECLS

/* Classifies a whole video as one clip: frame i of N is the one that shows at the middle of the i-th of N equal parts of its length, as TSN
 * (arXiv 1608.00859) evaluates. FALSE with @error (STH_ERROR_FILE, _FORMAT). */
gboolean sth_clip_classify(SthStream *stream, const SthModelInfo *info, const char *location, SthResult *result, GError **error);

G_END_DECLS
