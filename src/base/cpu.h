/* What this processor and this process may do. Read once, on first use; any thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Levels of instruction sets, each includes those before it. A kernel row names the level it needs. */
typedef enum {
    STH_CPU_C = 0,  /* whatever the compiler's baseline is */
    STH_CPU_NEON,   /* 64-bit Arm's vectors, which all of them have; on no other */
    STH_CPU_AVX2,   /* AVX2 and FMA */
    STH_CPU_AVX512, /* AVX-512 F, BW, DQ, VL */
} SthCpuLevel;

/* The highest level that CPU and operating system support, lowered by the
 * environment variable STH_CPU ("c", "blas", "neon", "avx2", "avx512") where that is
 * set; "blas" is level C. A word there that is unknown, or the level of another
 * kind of processor, is ignored with a warning. */
SthCpuLevel sth_cpu_level(void);
/* STH_CPU is "c": plain C is wanted for its own sake (it is the reference), and
 * nothing faster may stand in for it, as OpenBLAS does where there are no
 * kernels for the CPU. "blas" is the same level with that stand-in, on any CPU. */
gboolean sth_cpu_plain_c(void);
const char *sth_cpu_level_name(SthCpuLevel level);
/* Processors in the affinity mask of the calling thread, >= 1. */
guint sth_cpu_count(void);

#define STH_CPU_BACKGROUND_NICE 10

/* From now on the calling thread gives way to threads that have not called this: it gets what they leave, and a tenth of a processor that they
 * want all of (Linux: a nice value of 10, which cannot be taken back without privileges). Elsewhere, nothing. */
void sth_cpu_give_way(void);

G_END_DECLS
