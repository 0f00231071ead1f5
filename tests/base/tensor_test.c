/* Element types, shapes, memory, CPU. SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>

#include <sth/sth-error.h>
#include <sth/sth-tensor.h>

#include "base/cpu.h"
#include "base/memory.h"

static void test_dtypes(void)
{
    g_assert_cmpuint(sth_dtype_size(STH_DTYPE_INVALID), ==, 0);
    g_assert_cmpuint(sth_dtype_size(STH_DTYPE_FLOAT), ==, sizeof(float));
    g_assert_cmpuint(sth_dtype_size(STH_DTYPE_BFLOAT16), ==, 2);
    g_assert_cmpuint(sth_dtype_size(STH_DTYPE_BOOL), ==, 1);
    g_assert_cmpuint(sth_dtype_size((SthDType)99), ==, 0);
    g_assert_cmpstr(sth_dtype_name(STH_DTYPE_FLOAT), ==, "float32");
    g_assert_cmpstr(sth_dtype_name(STH_DTYPE_INT64), ==, "int64");
    g_assert_nonnull(sth_dtype_name((SthDType)99));
}

static void test_shapes(void)
{
    static const struct {
        SthShape shape;
        gint64 elements;
        const char *text;
    } cases[] = {
        {{0, {0}}, 1, "scalar"},      {{1, {7}}, 7, "7"},        {{5, {1, 3, 8, 112, 112}}, 301056, "1x3x8x112x112"},
        {{3, {2, 0, 4}}, 0, "2x0x4"}, {{2, {-1, 4}}, -4, "?x4"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *text = sth_shape_to_string(&cases[i].shape);

        g_assert_cmpstr(text, ==, cases[i].text);
        g_assert_cmpint(sth_shape_elements(&cases[i].shape), ==, cases[i].elements);
        for (guint j = 0; j < G_N_ELEMENTS(cases); j++)
            g_assert_cmpint(sth_shape_equal(&cases[i].shape, &cases[j].shape), ==, i == j);
        g_free(text);
    }
    g_assert_cmpuint(sth_tensor_bytes(&(SthTensor){STH_DTYPE_DOUBLE, {2, {3, 5}}, NULL}), ==, 120);
}

static void test_memory(void)
{
    for (gsize size = 0; size < 300; size += 7) {
        guint8 *memory = sth_aligned_try_alloc(size);
        gpointer data;
        GBytes *bytes = sth_aligned_bytes(size, &data);

        g_assert_cmpuint((guintptr)memory % STH_ALIGN, ==, 0);
        for (gsize i = 0; i < size + STH_ALIGN; i++)
            g_assert_cmpuint(memory[i], ==, 0);
        g_assert_cmpuint((guintptr)data % STH_ALIGN, ==, 0);
        g_assert_cmpuint(g_bytes_get_size(bytes), ==, size);
        g_bytes_unref(bytes);
        sth_aligned_free(memory);
    }
    sth_aligned_free(NULL);
    g_assert_null(sth_aligned_try_alloc(G_MAXSIZE));
    g_assert_null(sth_aligned_try_alloc(G_MAXSSIZE - 10));
}

static void test_cpu_count(void)
{
    cpu_set_t all, one;

    g_assert_cmpint(sched_getaffinity(0, sizeof all, &all), ==, 0);
    g_assert_cmpuint(sth_cpu_count(), ==, (guint)CPU_COUNT(&all));
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all)) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            break;
        }
    g_assert_cmpint(sched_setaffinity(0, sizeof one, &one), ==, 0);
    g_assert_cmpuint(sth_cpu_count(), ==, 1);
    g_assert_cmpint(sched_setaffinity(0, sizeof all, &all), ==, 0);
}

/* STH_CPU lowers the level; a word that it does not know does not. */
static void test_cpu_level(void)
{
    if (g_test_subprocess()) {
        g_setenv("STH_CPU", "C", TRUE);
        g_assert_cmpint(sth_cpu_level(), ==, STH_CPU_C);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

static void test_cpu_level_unknown(void)
{
    if (g_test_subprocess()) {
        g_setenv("STH_CPU", "sse17", TRUE);
        g_log_set_always_fatal(G_LOG_FATAL_MASK);
        g_assert_cmpstr(sth_cpu_level_name(sth_cpu_level()), !=, "unknown");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*sse17*");
}

static void test_error(void)
{
    g_assert_cmpstr(g_quark_to_string(STH_ERROR), ==, "sth-error-quark");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tensor/dtypes", test_dtypes);
    g_test_add_func("/tensor/shapes", test_shapes);
    g_test_add_func("/memory", test_memory);
    g_test_add_func("/cpu/count", test_cpu_count);
    g_test_add_func("/cpu/level", test_cpu_level);
    g_test_add_func("/cpu/level-unknown", test_cpu_level_unknown);
    g_test_add_func("/error", test_error);
    return g_test_run();
}
