/* For tests that run once for each level of kernels. SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/cpu.h"

/* Whether STH_CPU asks for kernels that this CPU cannot run: says so, as TAP, and there is nothing to test that another level does not. */
static inline gboolean level_is_missing(void)
{
    const char *wish = g_getenv("STH_CPU");

    if (wish == NULL || g_str_equal(wish, "blas") || g_str_equal(wish, sth_cpu_level_name(sth_cpu_level())))
        return FALSE;
    g_print("1..0 # SKIP this CPU has no %s\n", wish);
    return TRUE;
}
