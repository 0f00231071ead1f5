/* ONNX's own conformance cases (Debian: libonnx-testdata) through the public API.
 *
 * A case passes, or is skipped with the reason why the library refuses it. A case whose operators are all supported may be refused only if
 * refused.txt says so, with words of the message. All cases are run, also after one that fails; the last test sums up.
 *
 * Tolerance: that of ONNX's backend test runner (rtol 1e-3, atol 1e-7; onnx/backend/test/loader); integers and booleans exactly.
 *
 * usage: conformance DATA-FOLDER refused.txt
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>
#include <sth/sth.h>

#include "model-binding.h"
#include "onnx/onnx-load.h"
#include "ops/op.h"

#define RTOL 1e-3
#define ATOL 1e-7

static const char *const suites[] = {"node", "simple", "pytorch-converted", "pytorch-operator"};

/* A row of refused.txt: cases (a pattern with * and ?) and words of the message. */
typedef struct {
    char *cases, *words;
    guint n_met, n_refused; /* cases of that name, those of them that were refused so */
} Refusal;

static GPtrArray *refusals; /* of Refusal */
static GHashTable *passed;  /* operator -> passed cases that have it */
static GHashTable *refused; /* operator -> refused cases of supported operators, by the first one's name */
static GHashTable *missing; /* operator that is not supported -> cases that are refused for it */
static char *scratch;       /* folder for bound models */
static guint n_passed;

typedef struct {
    char *name; /* "node/test_add" */
    char *folder;
} Case;

static double element(const SthTensor *tensor, gsize i)
{
    switch (tensor->dtype) {
    case STH_DTYPE_FLOAT:
        return ((const float *)tensor->data)[i];
    case STH_DTYPE_DOUBLE:
        return ((const double *)tensor->data)[i];
    default:
        return NAN;
    }
}

/* Fails the test at the first element that is wrong; floats within the tolerance. */
static void compare_elements(const char *name, const SthTensor *got, const SthTensor *want)
{
    for (gsize i = 0, n = (gsize)sth_shape_elements(&want->shape); i < n; i++) {
        double a = element(got, i), b = element(want, i);
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= ATOL + RTOL * fabs(b))
            continue;
        g_test_message("%s: element %" G_GSIZE_FORMAT " is %.9g, it should be %.9g", name, i, a, b);
        g_test_fail();
        return;
    }
}

/* ONNX 1.12's cases cut bfloat16 off where later ones, PyTorch and this library round: one unit of the last place apart. */
static gboolean near_bfloat16(const SthTensor *got, const SthTensor *want)
{
    const guint16 *a = got->data, *b = want->data;
    gboolean near = TRUE;
    for (gsize i = 0, n = (gsize)sth_shape_elements(&want->shape); i < n; i++)
        near = near && (a[i] == b[i] || a[i] == b[i] + 1);
    return near;
}

static void compare(const char *name, const SthTensor *got, const SthTensor *want)
{
    char *got_shape = sth_shape_to_string(&got->shape), *want_shape = sth_shape_to_string(&want->shape);
    /* ONNX 1.12's cases label bfloat16 as uint16. */
    gboolean same_type = got->dtype == want->dtype || (got->dtype == STH_DTYPE_BFLOAT16 && want->dtype == STH_DTYPE_UINT16);
    if (!same_type || !sth_shape_equal(&got->shape, &want->shape)) {
        g_test_message("%s: the output is %s %s, it should be %s %s", name, sth_dtype_name(got->dtype), got_shape, sth_dtype_name(want->dtype),
                       want_shape);
        g_test_fail();
    } else if (want->dtype == STH_DTYPE_FLOAT || want->dtype == STH_DTYPE_DOUBLE) {
        compare_elements(name, got, want);
    } else if (got->dtype == STH_DTYPE_BFLOAT16 ? !near_bfloat16(got, want) : memcmp(got->data, want->data, sth_tensor_bytes(want)) != 0) {
        g_test_message("%s: the %s output is wrong", name, sth_dtype_name(want->dtype));
        g_test_fail();
    }
    g_free(got_shape);
    g_free(want_shape);
}

static void run_data_set(const Case *test, SthModel *model, const GArray *positions, const char *data, guint threads)
{
    GError *error = NULL;
    SthSession *session = sth_session_new(model, threads, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(sth_model_get_n_inputs(model), ==, positions->len);
    for (guint i = 0; i < positions->len; i++) {
        SthTensor tensor;
        const SthTensor *to = sth_session_get_input(session, i);
        char *file = g_strdup_printf("%s/input_%u.pb", data, g_array_index(positions, guint, i));
        GBytes *bytes = sth_onnx_load_tensor(file, &tensor, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(sth_tensor_bytes(to), ==, sth_tensor_bytes(&tensor));
        memcpy(to->data, tensor.data, sth_tensor_bytes(to));
        g_bytes_unref(bytes);
        g_free(file);
    }
    sth_session_run(session);
    for (guint i = 0; i < sth_model_get_n_outputs(model); i++) {
        SthTensor tensor;
        char *file = g_strdup_printf("%s/output_%u.pb", data, i);
        GBytes *bytes = sth_onnx_load_tensor(file, &tensor, &error);
        g_assert_no_error(error);
        compare(test->name, sth_session_get_output(session, i), &tensor);
        g_bytes_unref(bytes);
        g_free(file);
    }
    sth_session_free(session);
}

static void count(GHashTable *counts, const char *key)
{
    g_hash_table_replace(counts, g_strdup(key), GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(counts, key)) + 1));
}

/* The row that explains why a case is refused with this message. */
static Refusal *find_refusal(const char *name, const char *message)
{
    for (guint i = 0; i < refusals->len; i++) {
        Refusal *row = refusals->pdata[i];
        if (g_pattern_match_simple(row->cases, name) && strstr(message, row->words) != NULL)
            return row;
    }
    return NULL;
}

/* A refusal is fine if an operator is missing, or if refused.txt has words of the message. */
static void judge_refusal(const Case *test, const char *model, const GError *error)
{
    GPtrArray *operators = model_binding_operators(model, NULL);
    const char *unknown = NULL;
    for (guint i = 0; i < operators->len && unknown == NULL; i++)
        unknown = sth_op_find(operators->pdata[i]) == NULL ? operators->pdata[i] : NULL;
    Refusal *row = find_refusal(test->name, error->message);
    if (unknown != NULL) {
        count(missing, unknown);
    } else if (row != NULL) {
        row->n_refused++;
        count(refused, operators->pdata[0]);
    } else {
        g_test_message("%s is refused, and refused.txt does not explain it: %s", test->name, error->message);
        g_test_fail();
    }
    if (unknown != NULL || row != NULL) {
        char *reason = g_strdup_printf("refused: %s", error->message);
        g_test_skip(reason);
        g_free(reason);
    }
    g_ptr_array_unref(operators);
}

/* TRUE if it ran. */
static gboolean run_bound(const Case *test, const char *model, const char *data, BindMode mode)
{
    GError *error = NULL;
    char *path = g_build_filename(scratch, "XXXXXX.onnx", NULL);
    gint fd = g_mkstemp(path);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    GArray *positions = model_binding_write(model, data, mode, path, &error);
    g_assert_no_error(error);
    SthModel *opened = sth_model_open(path, NULL, &error);
    if (opened != NULL) {
        run_data_set(test, opened, positions, data, mode == BIND_ALL ? 1 : 0);
        sth_model_unref(opened);
    } else {
        judge_refusal(test, model, error);
        g_error_free(error);
    }
    g_array_unref(positions);
    g_unlink(path);
    g_free(path);
    return opened != NULL;
}

static void note_passed(const char *model)
{
    GPtrArray *operators = model_binding_operators(model, NULL);
    n_passed++;
    for (guint i = 0; i < operators->len; i++)
        count(passed, operators->pdata[i]);
    g_ptr_array_unref(operators);
}

static void run_case(gconstpointer data)
{
    const Case *test = data;
    for (guint i = 0; i < refusals->len; i++) {
        Refusal *row = refusals->pdata[i];
        row->n_met += g_pattern_match_simple(row->cases, test->name) ? 1 : 0;
    }
    Refusal *wrong = find_refusal(test->name, "wrong");
    if (wrong != NULL) {
        wrong->n_refused++;
        g_test_skip("the case is wrong, as refused.txt says");
        return;
    }
    char *model = g_build_filename(test->folder, "model.onnx", NULL);
    guint sets = 0;
    gboolean ran = TRUE;
    for (;; sets++) {
        char *set = g_strdup_printf("%s/test_data_set_%u", test->folder, sets);
        gboolean there = g_file_test(set, G_FILE_TEST_IS_DIR);
        if (there)
            ran = run_bound(test, model, set, BIND_NEEDED) && run_bound(test, model, set, BIND_ALL);
        g_free(set);
        if (!there || !ran)
            break;
    }
    g_assert_true(!ran || sets > 0);
    if (ran && !g_test_failed())
        note_passed(model);
    g_free(model);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_suite(const char *data, const char *suite)
{
    char *folder = g_build_filename(data, suite, NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    GPtrArray *names = g_ptr_array_new();
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        Case *test = g_new0(Case, 1);
        test->name = g_build_filename(suite, names->pdata[i], NULL);
        test->folder = g_build_filename(folder, names->pdata[i], NULL);
        char *path = g_build_filename("/ops/conformance", test->name, NULL);
        g_test_add_data_func(path, test, run_case);
        g_free(path);
    }
    g_ptr_array_set_free_func(names, g_free);
    g_ptr_array_unref(names);
    g_free(folder);
}

static void free_refusal(gpointer data)
{
    Refusal *row = data;
    g_free(row->cases);
    g_free(row->words);
    g_free(row);
}

/* Rows "cases: words of the message"; # starts a comment. */
static void read_refused(const char *path)
{
    GError *error = NULL;
    char *text;
    refusals = g_ptr_array_new_with_free_func(free_refusal);
    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    char **lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        char *colon = strchr(*line, ':');
        if (**line == '#' || colon == NULL)
            continue;
        Refusal *row = g_new0(Refusal, 1);
        row->cases = g_strndup(*line, (gsize)(colon - *line));
        row->words = g_strdup(g_strstrip(colon + 1));
        g_ptr_array_add(refusals, row);
    }
    g_strfreev(lines);
    g_free(text);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

/* "3 Cast, 1 Pad": the cases by operator. */
static void print_counts(const char *title, GHashTable *counts)
{
    GString *text = g_string_new(NULL);
    guint total = 0;
    GList *names = g_list_sort(g_hash_table_get_keys(counts), compare_keys);
    for (GList *name = names; name != NULL; name = name->next) {
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name->data));
        total += n;
        g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "", n, (const char *)name->data);
    }
    g_test_message("%u %s%s%s", total, title, total > 0 ? ": " : "", text->str);
    g_list_free(names);
    g_string_free(text, TRUE);
}

/* Every row of refused.txt about cases that are there is needed, and every operator of a case has passed one. */
static void check_totals(void)
{
    guint n;
    const SthOp *const *table = sth_op_table(&n);
    GString *without = g_string_new(NULL);
    for (guint i = 0; i < n; i++) {
        if (g_hash_table_contains(refused, table[i]->name) && !g_hash_table_contains(passed, table[i]->name)) {
            g_test_message("all cases of the operator %s are refused", table[i]->name);
            g_test_fail();
        }
        if (!g_hash_table_contains(passed, table[i]->name))
            g_string_append_printf(without, " %s", table[i]->name);
    }
    for (guint i = 0; i < refusals->len; i++) {
        const Refusal *row = refusals->pdata[i];
        if (row->n_met > 0 && row->n_refused == 0) {
            g_test_message("refused.txt has a row for %s, which is not refused so", row->cases);
            g_test_fail();
        }
    }
    g_test_message("%u cases passed", n_passed);
    print_counts("of supported operators refused, with the reason in refused.txt", refused);
    print_counts("refused for an operator that is not supported", missing);
    if (without->len > 0)
        g_test_message("operators without a case of their own, which other tests compare with their definition:%s", without->str);
    g_string_free(without, TRUE);
    g_assert_cmpuint(n_passed, >, 0);
}

static void report_missing(gconstpointer data)
{
    g_test_message("the conformance cases are not in %s: install libonnx-testdata", (const char *)data);
    g_test_fail();
}

int main(int argc, char **argv)
{
    /* GLib's programs that speak TAP stop at the first failure without it. */
    char *keep_going[] = {argv[0], (char *)"-k", argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL, NULL};
    int n_args = MIN(argc, 3) + 1;
    char **args = keep_going;
    g_test_init(&n_args, &args, NULL);
    if (n_args != 3) {
        g_printerr("usage: %s DATA-FOLDER refused.txt\n", args[0]);
        return 2;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(suites); i++) {
        char *folder = g_build_filename(args[1], suites[i], NULL);
        gboolean there = g_file_test(folder, G_FILE_TEST_IS_DIR);
        g_free(folder);
        if (!there) {
            g_test_add_data_func("/ops/conformance/data", args[1], report_missing);
            return g_test_run();
        }
    }
    read_refused(args[2]);
    passed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scratch = g_dir_make_tmp("sth-conformance-XXXXXX", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(suites); i++)
        add_suite(args[1], suites[i]);
    g_test_add_func("/ops/conformance/totals/all", check_totals);
    int result = g_test_run();
    g_rmdir(scratch);
    return result;
}
