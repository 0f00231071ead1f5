/* What this processor and this process may do. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpu.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const level_names[] = {[STH_CPU_C] = "c", [STH_CPU_NEON] = "neon", [STH_CPU_AVX2] = "avx2", [STH_CPU_AVX512] = "avx512"};

const char *sth_cpu_level_name(SthCpuLevel level)
{
    return (guint)level < G_N_ELEMENTS(level_names) ? level_names[level] : "unknown";
}

/* The compiler's CPUID code also asks XGETBV whether the operating system saves the registers. */
static SthCpuLevel level_of_hardware(void)
{
#if defined(__x86_64__) || defined(__i386__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return STH_CPU_C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return STH_CPU_AVX512;
    return STH_CPU_AVX2;
#elif defined(__aarch64__)
    return STH_CPU_NEON;
#else
    return STH_CPU_C;
#endif
}

#ifdef __aarch64__
#define OUR_LEVELS "neon"
#else
#define OUR_LEVELS "avx2, avx512"
#endif

/* The level exists on this kind of processor, whether or not this one has it. */
static gboolean level_is_ours(SthCpuLevel level)
{
#ifdef __aarch64__
    return level <= STH_CPU_NEON;
#elif defined(__x86_64__) || defined(__i386__)
    return level != STH_CPU_NEON;
#else
    return level == STH_CPU_C;
#endif
}

static SthCpuLevel level_with_limit(void)
{
    SthCpuLevel level = level_of_hardware();
    const char *limit = g_getenv("STH_CPU");

    if (!limit || !*limit)
        return level;
    for (guint i = 0; i < G_N_ELEMENTS(level_names); i++)
        if (level_is_ours((SthCpuLevel)i) && g_ascii_strcasecmp(limit, level_names[i]) == 0)
            return MIN(level, (SthCpuLevel)i);
    if (g_ascii_strcasecmp(limit, "blas") == 0)
        return STH_CPU_C;
    g_warning("STH_CPU=%s is not known here: use c, blas or " OUR_LEVELS "; running with %s", limit, sth_cpu_level_name(level));
    return level;
}

SthCpuLevel sth_cpu_level(void)
{
    static gsize level_plus_1;

    if (g_once_init_enter(&level_plus_1))
        g_once_init_leave(&level_plus_1, (gsize)level_with_limit() + 1);
    return (SthCpuLevel)(level_plus_1 - 1);
}

gboolean sth_cpu_plain_c(void)
{
    static gsize plain_plus_1;

    if (g_once_init_enter(&plain_plus_1)) {
        const char *limit = g_getenv("STH_CPU");

        g_once_init_leave(&plain_plus_1, limit && g_ascii_strcasecmp(limit, level_names[STH_CPU_C]) == 0 ? 2 : 1);
    }
    return plain_plus_1 == 2;
}

guint sth_cpu_count(void)
{
#ifdef __linux__
    /* The kernel refuses (EINVAL) a set that is smaller than its own: grow until it fits. */
    for (gsize cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        gsize bytes = CPU_ALLOC_SIZE(cpus);
        int count = 0;

        if (set && sched_getaffinity(0, bytes, set) == 0)
            count = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0)
            return (guint)count;
    }
#endif
    return MAX(1, g_get_num_processors());
}

#ifdef __linux__
/* sched_setattr(2), version 0. The C library of Debian 12 has no declaration. */
typedef struct {
    guint32 size, policy;
    guint64 flags;
    gint32 nice;
    guint32 priority;
    guint64 runtime, deadline, period;
} Attributes;

#define LONGEST_SLICE 100000000 /* ns: the most that Linux takes */

/* From Linux 6.12 on a thread that wakes up takes the processor at once from one whose slice is longer than its own; else it may have to wait for the
 * end of that slice, whatever the nice values. Other systems and older kernels ignore it, or refuse. */
static void take_long_slices(void)
{
    Attributes attributes = {0};

    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != SCHED_OTHER)
        return;
    attributes.runtime = LONGEST_SLICE;
    if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
        g_debug("slices stay as they are: %s", g_strerror(errno));
}
#endif

void sth_cpu_give_way(void)
{
#ifdef __linux__
    /* Against POSIX, nice values are the threads' there; 0 is the caller. A host that runs at a higher one already is left alone. */
    if (getpriority(PRIO_PROCESS, 0) < STH_CPU_BACKGROUND_NICE)
        setpriority(PRIO_PROCESS, 0, STH_CPU_BACKGROUND_NICE);
    take_long_slices();
#endif
}
