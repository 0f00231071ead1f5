/* libsth: errors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * STH_ERROR:
 *
 * Every failure of libsth is a GError of this domain. The message says what,
 * where (file, node, attribute) and what to do; it is one line without a final
 * full stop, ready to be shown to a person.
 */
#define STH_ERROR (sth_error_quark())
GQuark sth_error_quark(void);

typedef enum {
    STH_ERROR_FILE,        /* a file is missing or cannot be read or written */
    STH_ERROR_FORMAT,      /* a file is not what it should be: truncated, not ONNX, not NumPy */
    STH_ERROR_UNSUPPORTED, /* valid, but outside of what this library runs: operator, type, opset */
    STH_ERROR_SHAPE,       /* shapes disagree, or a model's input is no clip */
    STH_ERROR_METADATA,    /* labels, mean, sampling rate: contradictory or malformed */
    STH_ERROR_ARGUMENT,    /* the caller's option or value */
    STH_ERROR_SYSTEM,      /* memory, threads, a library that does not load */
} SthErrorCode;

G_END_DECLS
