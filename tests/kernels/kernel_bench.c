/* What the kernels cost: a typical call of each row of the table.
 *
 * Run by itself it prints the time of a call, the fastest of some rounds, and how many times as fast as plain C that is: kernel-bench [SLOT…].
 * Under callgrind it does each call once and writes a dump of its instructions, named as the function (kernel_instructions.sh reads them).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "kernel_calls.h"

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name)
#endif

#define ROUNDS 20
#define ROUND_US 2000 /* a round repeats the call for about so long */

static void count(const SthKernelRow *row, Room *room)
{
    kernel_call(row, room); /* what the dynamic linker does once does not count */
    CALLGRIND_ZERO_STATS;
    kernel_call(row, room);
    CALLGRIND_DUMP_STATS_AT(row->name);
}

/* Nanoseconds of a call. */
static double measure(const SthKernelRow *row, Room *room)
{
    double best = G_MAXDOUBLE;
    guint repeats = 1;

    for (guint round = 0; round < ROUNDS; round++) {
        const gint64 start = g_get_monotonic_time();
        for (guint i = 0; i < repeats; i++)
            kernel_call(row, room);
        const gint64 us = MAX(1, g_get_monotonic_time() - start);
        if (us < ROUND_US / 2) { /* too short to be measured */
            repeats = (guint)((gint64)repeats * ROUND_US / us);
            continue;
        }
        best = MIN(best, (double)us * 1e3 / repeats);
    }
    return best;
}

static gboolean wanted(const SthKernelRow *row, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], row->slot) == 0)
            return TRUE;
    return argc < 2;
}

int main(int argc, char **argv)
{
    guint n;
    const SthKernelRow *rows = sth_kernel_rows(&n);
    Room *room = room_new();
    double plain = 0;

    for (guint i = n; i-- > 0;) { /* backwards: plain C stands last in each slot */
        if (rows[i].level > sth_cpu_level() || !wanted(&rows[i], argc, argv))
            continue;
        if (RUNNING_ON_VALGRIND) {
            count(&rows[i], room);
            continue;
        }
        const double ns = measure(&rows[i], room);
        if (strcmp(rows[i].isa, "c") == 0)
            plain = ns;
        g_print("%-18s %-8s %10.1f ns %7.2f x\n", rows[i].slot, rows[i].isa, ns, plain / ns);
    }
    g_free(room);
    return 0;
}
