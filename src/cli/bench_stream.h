/* `sth bench --stream`: windows that share frames, with and without what is kept of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

G_BEGIN_DECLS

/* Measures @windows windows a stride and prints what they took. Returns an exit code. */
int sth_bench_stream(const SthCommand *command, const char *path, guint threads, guint windows, gboolean json);

G_END_DECLS
