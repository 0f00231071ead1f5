/* NumPy files (.npy), format versions 1 to 3, C order, little endian.
 * Source: numpy/lib/format.py (NEP 1).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-tensor.h>

G_BEGIN_DECLS

/* Reads a whole file. *tensor views the memory of the returned bytes (64-byte aligned; g_bytes_unref() frees both).
 * NULL with @error (STH_ERROR_FILE, _FORMAT, _UNSUPPORTED for Fortran order, big endian or a type that is no SthDType). */
GBytes *sth_npy_load(const char *path, SthTensor *tensor, GError **error);
/* Writes version 1.0, atomically (temporary file, then rename). bfloat16 is refused (STH_ERROR_UNSUPPORTED): NumPy has no such type. */
gboolean sth_npy_save(const char *path, const SthTensor *tensor, GError **error);

G_END_DECLS
