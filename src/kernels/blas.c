/* OpenBLAS, in a copy of our own.
 *
 * A library cannot share OpenBLAS with its host. The number of threads is global to the copy that is loaded; the kernels are chosen once, when
 * it is loaded, and often wrongly: Debian 12's 0.3.21 does not know Intel's Emerald Rapids and later and falls back to SSE3, an eighth of the
 * speed. OPENBLAS_CORETYPE and OPENBLAS_NUM_THREADS would cure that, but are read at load time from the environment, which belongs to the host.
 *
 * So we open a second copy in a link-map namespace of its own (dlmopen(3)), with its own C library: first libc, whose setenv() changes that
 * copy's environment only, then OpenBLAS, which reads it. The host's OpenBLAS, loaded before or after, keeps its threads and its kernels, and
 * ours is single-threaded with the kernels for this CPU. If the user has set OPENBLAS_CORETYPE, it counts for our copy too.
 *
 * Where there are no namespaces (no glibc, or dlmopen() fails, as with a full static TLS block) we share the process's copy: if we are the
 * first to load it, the same variables are set for the moment of loading; if the host was first, its threads and kernels are used as they are,
 * with a warning.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/blas.h"

#include <dlfcn.h>
#include <string.h>

#include <cblas.h>
#include <sth/sth-error.h>

#include "base/cpu.h"
#include "kernels/kernels.h"

#define LIBRARY "libopenblas.so.0"

typedef int SetEnv(const char *name, const char *value, int overwrite);

/* What OPENBLAS_CORETYPE asks for, by level; openblas_get_corename() answers with the same word in other case. */
static const char *const core_types[] = {[STH_CPU_C] = NULL, [STH_CPU_NEON] = NULL, [STH_CPU_AVX2] = "HASWELL", [STH_CPU_AVX512] = "SKYLAKEX"};

/* dlsym() into a function pointer: *(gpointer *)&function is the conversion that POSIX has in mind. */
#define FIND(library, name, function) (*(gpointer *)&(function) = dlsym(library, name))

/* Written once, by load(). */
static struct {
    __typeof__(cblas_sgemm) *sgemm;
    GError *error;
    char *description;
} blas;

#ifdef LM_ID_NEWLM
static gpointer open_private(const char *core)
{
    gpointer libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW), library;
    SetEnv *set;
    Lmid_t space;

    if (!libc)
        return NULL;
    if (!FIND(libc, "setenv", set) || dlinfo(libc, RTLD_DI_LMID, &space) != 0) {
        dlclose(libc);
        return NULL;
    }
    set("OPENBLAS_NUM_THREADS", "1", 1);
    set("OMP_NUM_THREADS", "1", 1);
    if (core)
        set("OPENBLAS_CORETYPE", core, 1);
    library = dlmopen(space, LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        dlclose(libc);
    return library;
}
#else
static gpointer open_private(const char *core)
{
    return NULL;
}
#endif

/* For the moment of loading; setenv() is not safe beside getenv() in other threads, but there is no other way to tell OpenBLAS. */
static gpointer open_with_environment(const char *core)
{
    const char *const names[] = {"OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"}, *const values[] = {"1", core};
    char *before[G_N_ELEMENTS(names)];
    gpointer library;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        before[i] = g_strdup(g_getenv(names[i]));
        if (values[i])
            g_setenv(names[i], values[i], TRUE);
    }
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (before[i])
            g_setenv(names[i], before[i], TRUE);
        else
            g_unsetenv(names[i]);
        g_free(before[i]);
    }
    return library;
}

static gpointer open_shared(const char *core)
{
    gpointer library = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);

    if (!library)
        return open_with_environment(core);
    g_warning("OpenBLAS is shared with the host application, with its threads and kernels: matrix products may be slower");
    return library;
}

/* "OpenBLAS 0.3.21 NO_AFFINITY …" to "OpenBLAS 0.3.21 SkylakeX"; warns if that core is not the one that was asked for. */
static void describe(gpointer library, const char *core)
{
    __typeof__(openblas_get_config) *get_config;
    __typeof__(openblas_get_corename) *get_corename;
    const char *name = FIND(library, "openblas_get_corename", get_corename) ? get_corename() : "of unknown core";
    char **words = g_strsplit(FIND(library, "openblas_get_config", get_config) ? get_config() : "OpenBLAS", " ", 3);
    gboolean versioned = g_strv_length(words) > 1 && g_ascii_isdigit(words[1][0]);

    blas.description = g_strdup_printf("OpenBLAS %s %s", versioned ? words[1] : "of unknown version", name);
    g_strfreev(words);
    if (core && g_ascii_strcasecmp(core, name) != 0)
        g_warning("%s loaded in place of %s: matrix products may be slower", blas.description, core);
    else
        g_debug("%s", blas.description);
}

static void load(void)
{
    const char *wish = g_getenv("OPENBLAS_CORETYPE");
    const char *core = wish && *wish ? wish : core_types[sth_cpu_level()];
    gpointer library = open_private(core);

    if (!library) {
        const char *reason = dlerror();

        g_debug("no private copy of OpenBLAS: %s", reason ? reason : "no link-map namespaces");
        library = open_shared(core);
    }
    if (!library) {
        g_set_error(&blas.error, STH_ERROR, STH_ERROR_SYSTEM, "cannot load OpenBLAS: %s; install the package libopenblas0", dlerror());
        return;
    }
    if (!FIND(library, "cblas_sgemm", blas.sgemm)) {
        g_set_error(&blas.error, STH_ERROR, STH_ERROR_SYSTEM, "cannot use OpenBLAS: %s has no cblas_sgemm; install the package libopenblas0",
                    LIBRARY);
        return;
    }
    describe(library, core);
}

gboolean sth_blas_load(GError **error)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        load();
        g_once_init_leave(&once, 1);
    }
    if (blas.error && error)
        *error = g_error_copy(blas.error);
    return !blas.error;
}

void sth_blas_sgemm(gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b, gsize ldb, float beta,
                    float *c, gsize ldc)
{
    if (m == 0 || n == 0)
        return;
    blas.sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
               (blasint)MAX(lda, 1), b, (blasint)MAX(ldb, 1), beta, c, (blasint)MAX(ldc, 1));
}

gboolean sth_blas_runs_convolutions(void)
{
    return !sth_cpu_plain_c() && g_str_equal(sth_kernels_chosen("gemm"), "c") && sth_blas_load(NULL);
}

const char *sth_blas_describe(void)
{
    return blas.description ? blas.description : "no OpenBLAS";
}
