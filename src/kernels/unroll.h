/* STH_UNROLL before a loop of up to 8 rounds, a number that is known when compiling: an array that it indexes can then live in registers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#ifdef __clang__
#define STH_UNROLL _Pragma("clang loop unroll(full)")
#else
#define STH_UNROLL _Pragma("GCC unroll 8")
#endif
