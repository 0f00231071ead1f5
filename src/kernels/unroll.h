/* STH_UNROLL before a loop of up to 32 rounds, a number that is known when compiling: an array that it indexes can then live in registers.
 * STH_FORCE_INLINE before a function whose arguments are such numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#ifdef __clang__
#define STH_UNROLL _Pragma("clang loop unroll(full)")
#else
#define STH_UNROLL _Pragma("GCC unroll 32")
#endif

#define STH_FORCE_INLINE static inline __attribute__((always_inline))
