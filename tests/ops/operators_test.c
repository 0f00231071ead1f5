/* docs/operators.md lists what the rows of the operator table say, and nothing else. STH_UPDATE_EXPECTED=1 writes it anew.
 *
 * usage: operators-test docs/operators.md
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "onnx/onnx-internal.h"
#include "ops/op.h"

static const char *path;

static gint by_name(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp((*(const SthOp *const *)a)->name, (*(const SthOp *const *)b)->name);
}

/* ONNX's operators; the table has some that only passes make. */
static GPtrArray *list_operators(void)
{
    guint n;
    const SthOp *const *table = sth_op_table(&n);
    GPtrArray *list = g_ptr_array_new();
    for (guint i = 0; i < n; i++)
        if (!g_str_has_prefix(table[i]->name, "sth."))
            g_ptr_array_add(list, (gpointer)table[i]);
    g_ptr_array_sort(list, by_name);
    return list;
}

static char *write_page(void)
{
    GPtrArray *list = list_operators();
    GString *text = g_string_new("# Operators\n\n");
    g_string_append_printf(
        text,
        "%u operators of ONNX's own domain, up to opset %d; this page is written from the rows in "
        "[src/ops/ops.inc](../src/ops/ops.inc)\nby `STH_UPDATE_EXPECTED=1 meson test -C build operators`. What a row does not take "
        "of an operator (a type, an attribute) is\nrefused when the model is opened, naming the node. float16 and bfloat16 are "
        "computed in float32.\n\n| operator | from opset | inputs that must be constants, counted from 0 |\n|---|---|---|\n",
        list->len, STH_ONNX_MAX_OPSET);
    for (guint i = 0; i < list->len; i++) {
        const SthOp *op = list->pdata[i];
        g_string_append_printf(text, "| %s | %d |", op->name, op->since);
        gboolean some = FALSE;
        for (guint bit = 0; bit < 32 && bit < op->max_in; bit++)
            if (op->constant_in >> bit & 1) {
                g_string_append_printf(text, "%s %u", some ? "," : "", bit);
                some = TRUE;
            }
        g_string_append(text, " |\n");
    }
    g_ptr_array_unref(list);
    return g_string_free(text, FALSE);
}

static void test_page(void)
{
    GError *error = NULL;
    char *page = write_page(), *found = NULL;
    if (g_getenv("STH_UPDATE_EXPECTED") != NULL)
        g_file_set_contents(path, page, -1, &error);
    else
        g_file_get_contents(path, &found, NULL, &error);
    g_assert_no_error(error);
    if (found != NULL && strcmp(found, page) != 0) {
        g_test_message("%s is stale: STH_UPDATE_EXPECTED=1 meson test -C build operators writes it anew", path);
        g_test_fail();
    }
    g_free(page);
    g_free(found);
}

/* A name twice would hide the second row. */
static void test_names(void)
{
    GPtrArray *list = list_operators();
    for (guint i = 0; i < list->len; i++) {
        const SthOp *op = list->pdata[i];
        g_assert_true(sth_op_find(op->name) == op);
        g_assert_cmpint(op->since, <=, STH_ONNX_MAX_OPSET);
    }
    g_ptr_array_unref(list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc != 2) {
        g_printerr("usage: %s docs/operators.md\n", argv[0]);
        return 2;
    }
    path = argv[1];
    g_test_add_func("/ops/operators/page", test_page);
    g_test_add_func("/ops/operators/names", test_names);
    return g_test_run();
}
