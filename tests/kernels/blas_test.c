/* Our copy of OpenBLAS beside the host's: kernels for this CPU in ours, threads and kernels of the host's untouched.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sth/sth-model.h>

#include "base/cpu.h"
#include "kernels/blas.h"
#include "../base/level.h"

/* What openblas_get_corename() must say; NULL: what it finds itself. */
static const char *const cores[] = {[STH_CPU_C] = NULL, [STH_CPU_NEON] = NULL, [STH_CPU_AVX2] = " Haswell", [STH_CPU_AVX512] = " SkylakeX"};

static gpointer host_library;
static int (*host_threads)(void);
static char *(*host_core)(void);

/* The host loads OpenBLAS first, with kernels of its choice: that must neither bind us nor be changed by us. */
static void load_host_library(void)
{
    g_setenv("OPENBLAS_CORETYPE", "Prescott", TRUE);
    g_setenv("OPENBLAS_NUM_THREADS", "2", TRUE);
    host_library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    g_unsetenv("OPENBLAS_CORETYPE");
    g_unsetenv("OPENBLAS_NUM_THREADS");
    g_assert_nonnull(host_library);
    *(gpointer *)&host_threads = dlsym(host_library, "openblas_get_num_threads");
    *(gpointer *)&host_core = dlsym(host_library, "openblas_get_corename");
    g_assert_nonnull(host_threads);
    g_assert_nonnull(host_core);
}

static void test_host_untouched(void)
{
    const char *core = cores[sth_cpu_level()];
    int threads;
    char *line;

    load_host_library();
    threads = host_threads();
#ifdef __x86_64__
    g_assert_cmpstr(host_core(), ==, "Prescott");
#endif
    g_assert_true(sth_blas_load(NULL));
    g_assert_true(sth_blas_load(NULL));
    g_assert_true(g_str_has_prefix(sth_blas_describe(), "OpenBLAS 0."));
    if (core)
        g_assert_true(g_str_has_suffix(sth_blas_describe(), core));
    g_assert_cmpint(host_threads(), ==, threads);
#ifdef __x86_64__
    g_assert_cmpstr(host_core(), ==, "Prescott");
#endif
    g_assert_null(g_getenv("OPENBLAS_CORETYPE"));
    g_assert_null(g_getenv("OPENBLAS_NUM_THREADS"));
    line = sth_describe_kernels();
    g_assert_nonnull(strstr(line, sth_blas_describe()));
    g_assert_true(g_str_has_prefix(line, sth_cpu_level_name(sth_cpu_level())));
    g_free(line);
}

/* Convolutions run by OpenBLAS where there is no better kernel than plain C, unless STH_CPU asks for just that. */
static void test_runs_convolutions(void)
{
    const char *limit = g_getenv("STH_CPU");
    g_autofree char *line = sth_describe_kernels();
    gboolean blas = sth_cpu_level() == STH_CPU_C && g_strcmp0(limit, "c") != 0;

    if (g_strcmp0(limit, "blas") == 0)
        g_assert_cmpint(sth_cpu_level(), ==, STH_CPU_C);
    g_assert_cmpint(sth_cpu_plain_c(), ==, g_strcmp0(limit, "c") == 0);
    g_assert_cmpint(sth_blas_runs_convolutions(), ==, blas);
    g_assert_cmpint(strstr(line, "convolutions by OpenBLAS") != NULL, ==, blas);
}

static double element(const float *x, gboolean transposed, gsize row, gsize column, gsize ld)
{
    return transposed ? x[column * ld + row] : x[row * ld + column];
}

static void check_product(gboolean ta, gboolean tb, gsize m, gsize n, gsize k, float beta)
{
    gsize lda = (ta ? m : k) + 1, ldb = (tb ? k : n) + 2, ldc = n + 3;
    gsize na = lda * (ta ? k : m), nb = ldb * (tb ? n : k);
    float *a = g_new(float, na + 1), *b = g_new(float, nb + 1), *c = g_new(float, m *ldc + 1), *before = g_new(float, m *ldc + 1);

    for (gsize i = 0; i < na; i++)
        a[i] = (float)g_test_rand_double_range(-1, 1);
    for (gsize i = 0; i < nb; i++)
        b[i] = (float)g_test_rand_double_range(-1, 1);
    for (gsize i = 0; i < m * ldc; i++)
        before[i] = c[i] = (float)g_test_rand_double_range(-1, 1);
    sth_blas_sgemm(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
    for (gsize i = 0; i < m; i++)
        for (gsize j = 0; j < ldc; j++) {
            double sum = j < n ? (double)beta * before[i * ldc + j] : (double)before[i * ldc + j];

            for (gsize l = 0; l < k && j < n; l++)
                sum += element(a, ta, i, l, lda) * element(b, tb, l, j, ldb);
            g_assert_cmpfloat_with_epsilon(c[i * ldc + j], sum, 1e-6 * (double)(k + 1));
        }
    g_free(a);
    g_free(b);
    g_free(c);
    g_free(before);
}

static void test_products(void)
{
    static const gsize sizes[] = {0, 1, 2, 3, 17, 64, 129};

    g_assert_true(sth_blas_load(NULL));
    for (guint m = 0; m < G_N_ELEMENTS(sizes); m++)
        for (guint n = 0; n < G_N_ELEMENTS(sizes); n++)
            for (guint k = 0; k < G_N_ELEMENTS(sizes); k++)
                check_product(k % 2, n % 2, sizes[m], sizes[n], sizes[k], (float)(m % 2));
}

static gpointer multiply_many(gpointer data)
{
    for (guint i = 0; i < 50; i++)
        check_product(FALSE, TRUE, 65, 33, 40, 0);
    return NULL;
}

/* Several threads at once, and after they have gone. */
static void test_threads(void)
{
    GThread *threads[4];

    g_assert_true(sth_blas_load(NULL));
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("multiply", multiply_many, NULL);
    multiply_many(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    multiply_many(NULL);
}

/* No host loads OpenBLAS before us, one may afterwards: our kernels are right, and its copy is its own. */
static void test_first(void)
{
    if (g_test_subprocess()) {
        const char *core = cores[sth_cpu_level()];

        g_assert_true(sth_blas_load(NULL));
        if (core)
            g_assert_true(g_str_has_suffix(sth_blas_describe(), core));
        load_host_library();
#ifdef __x86_64__
        g_assert_cmpstr(host_core(), ==, "Prescott");
#endif
        if (core)
            g_assert_true(g_str_has_suffix(sth_blas_describe(), core));
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

/* A user's choice of kernels counts for our copy too. */
static void test_user_choice(void)
{
    if (g_test_subprocess()) {
        g_setenv("OPENBLAS_CORETYPE", "Nehalem", TRUE);
        g_assert_true(sth_blas_load(NULL));
        g_assert_true(g_str_has_suffix(sth_blas_describe(), " Nehalem"));
        return;
    }
#ifndef __x86_64__
    g_test_skip("Nehalem is an x86-64 core");
    return;
#endif
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

int main(int argc, char **argv)
{
    g_unsetenv("OPENBLAS_CORETYPE"); /* of whoever runs the test */
    g_unsetenv("OPENBLAS_NUM_THREADS");
    g_test_init(&argc, &argv, NULL);
    if (level_is_missing())
        return 0;
    g_test_add_func("/blas/host-untouched", test_host_untouched);
    g_test_add_func("/blas/runs-convolutions", test_runs_convolutions);
    g_test_add_func("/blas/products", test_products);
    g_test_add_func("/blas/threads", test_threads);
    g_test_add_func("/blas/first", test_first);
    g_test_add_func("/blas/user-choice", test_user_choice);
    return g_test_run();
}
