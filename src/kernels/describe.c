/* What this process computes with, in a line. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-model.h>

#include "base/cpu.h"
#include "kernels/blas.h"

char *sth_describe_kernels(void)
{
    sth_blas_load(NULL);
    return g_strdup_printf("%s%s; %s, 1 thread each", sth_cpu_level_name(sth_cpu_level()),
                           sth_blas_runs_convolutions() ? " with convolutions by OpenBLAS" : "", sth_blas_describe());
}
