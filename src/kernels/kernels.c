/* The choice of kernels. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"

#include <stddef.h>
#include <string.h>

static const SthKernelRow rows[] = {
#define STH_SLOT(slot, Type)
#define STH_KERNEL(slot, isa, level) {#slot, #isa, "sth_" #slot "_" #isa, level, offsetof(SthKernels, slot), (void (*)(void))sth_##slot##_##isa},
#include "kernels/kernels.inc"
};

const SthKernelRow *sth_kernel_rows(guint *n)
{
    *n = G_N_ELEMENTS(rows);
    return rows;
}

static const SthKernelRow *choose(const char *slot)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].slot, slot) == 0 && rows[i].level <= sth_cpu_level())
            return &rows[i];
    return NULL;
}

const char *sth_kernels_chosen(const char *slot)
{
    const SthKernelRow *row = choose(slot);

    return row ? row->isa : NULL;
}

const SthKernels *sth_kernels(void)
{
    static SthKernels kernels;
    static gsize once;

    if (g_once_init_enter(&once)) {
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
            const SthKernelRow *row = choose(rows[i].slot);

            if (row != &rows[i])
                continue;
            memcpy((guint8 *)&kernels + row->offset, &row->function, sizeof row->function);
            g_debug("kernel %s: %s", row->slot, row->isa);
        }
        g_once_init_leave(&once, 1);
    }
    return &kernels;
}
