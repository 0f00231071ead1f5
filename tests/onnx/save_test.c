/* What the ONNX writer makes, read back: texts, bytes, results.
 *
 * usage: onnx-save-test FOLDER…    of models *.onnx
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <glib/gstdio.h>
#include <sth/sth.h>

#include "model/model-private.h"
#include "onnx/onnx-load.h"
#include "onnx/onnx-save.h"
#include "optimiser/optimiser.h"
#include "tiny-model.h"

static char *folder, *path; /* of this test; of the file that it writes */

static SthGraph *load(const char *from)
{
    GError *error = NULL;
    SthGraph *graph = sth_onnx_load(from, 0, &error);
    g_assert_no_error(error);
    return graph;
}

/* Writes the graph, frees it and reads it back. */
static SthGraph *round_trip(SthGraph *graph, SthOnnxSaveFlags flags)
{
    GError *error = NULL;
    sth_onnx_save(graph, path, flags, &error);
    g_assert_no_error(error);
    sth_graph_free(graph);
    return load(path);
}

static SthGraph *parse(TinyModel *tiny)
{
    GError *error = NULL;
    GBytes *bytes = tiny_pack(tiny);
    SthGraph *graph = sth_onnx_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "tiny.onnx", NULL, 0, &error);
    g_assert_no_error(error);
    g_bytes_unref(bytes);
    return graph;
}

/* Three elements of each type, some bits set in every byte, through raw_data and through an attribute. */
static void test_types(void)
{
    for (SthDType dtype = STH_DTYPE_FLOAT; dtype <= STH_DTYPE_BOOL; dtype++) {
        guint8 pattern[3 * 8];
        SthShape shape = {.rank = 2, .dims = {1, 3}};
        gsize size = 3 * sth_dtype_size(dtype);
        for (gsize i = 0; i < sizeof pattern; i++)
            pattern[i] = dtype == STH_DTYPE_BOOL ? i % 2 : (guint8)(i * 11 + 1);
        SthGraph *graph = sth_graph_new("types");
        graph->opset = 17;
        SthValue *value = sth_graph_add_constant(graph, "c", dtype, &shape, g_bytes_new(pattern, size));
        SthAttr *attr = g_new0(SthAttr, 1);
        attr->type = STH_ATTR_TENSOR;
        attr->bytes = g_bytes_ref(value->constant);
        attr->tensor = value->tensor;
        SthNode *node = sth_graph_add_node(graph, "n", "Constant", 17);
        sth_node_set_attr(node, "value", attr);
        sth_node_add_output(node, sth_graph_add_value(graph, "y"));
        g_ptr_array_add(graph->outputs, value);
        g_ptr_array_add(graph->outputs, sth_node_output(node, 0));
        graph = round_trip(graph, 0);
        const SthTensor *read[] = {&((SthValue *)graph->outputs->pdata[0])->tensor, &sth_node_attr(graph->nodes->pdata[0], "value")->tensor};
        for (guint i = 0; i < G_N_ELEMENTS(read); i++) {
            g_assert_cmpint(read[i]->dtype, ==, dtype);
            g_assert_true(sth_shape_equal(&read[i]->shape, &shape));
            g_assert_cmpmem(read[i]->data, sth_tensor_bytes(read[i]), pattern, size);
        }
        sth_graph_free(graph);
    }
}

/* Everything that is not a node: metadata, names of free axes, the opset, empty and scalar constants. */
static void test_around_the_graph(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny.graph.name = tiny_text(&tiny, "small one");
    tiny_add_metadata(&tiny, "sth.name", "tiny");
    tiny_add_metadata(&tiny, "sth.labels", "Größe\n\"b\"\n");
    Onnx__TensorShapeProto__Dimension *axis = tiny.inputs[0]->type->tensor_type->shape->dim[0];
    axis->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    axis->dim_param = tiny_text(&tiny, "batch");
    SthGraph *graph = round_trip(parse(&tiny), 0);
    const SthValue *x = graph->inputs->pdata[0];
    g_assert_cmpstr(graph->name, ==, "small one");
    g_assert_cmpint(graph->opset, ==, 17);
    g_assert_cmpstr(g_hash_table_lookup(graph->metadata, "sth.labels"), ==, "Größe\n\"b\"\n");
    g_assert_cmpuint(g_hash_table_size(graph->metadata), ==, 2);
    g_assert_cmpint(x->tensor.shape.dims[0], ==, -1);
    g_assert_cmpstr(x->axis_names->pdata[0], ==, "batch");
    g_assert_null(x->axis_names->pdata[1]);
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

/* Attributes of every kind and inputs left out, by what the graph looks like as text. */
static void test_nodes(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny.graph.n_node = 0;
    tiny_add_tensor(&tiny, "limit", (gint64[]){-1});
    tiny_add_node(&tiny, "Clip", "clip", "x,,limit", "y");
    SthGraph *graph = parse(&tiny);
    SthNode *node = graph->nodes->pdata[0];
    sth_node_set_int(node, "axis", -3);
    sth_node_set_float(node, "alpha", 0.1f);
    sth_node_set_string(node, "mode", "edge");
    sth_node_set_ints(node, "pads", (gint64[]){1, G_MININT64}, 2);
    sth_node_set_ints(node, "none", NULL, 0);
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = STH_ATTR_STRINGS;
    attr->strings = g_strsplit("a,bc,", ",", -1);
    sth_node_set_attr(node, "words", attr);
    attr = g_new0(SthAttr, 1);
    attr->type = STH_ATTR_FLOATS;
    attr->list = g_array_new(TRUE, FALSE, sizeof(float));
    g_array_append_vals(attr->list, ((float[]){0.5f, -2}), 2);
    sth_node_set_attr(node, "scales", attr);
    g_autofree char *before = sth_graph_to_text(graph);
    graph = round_trip(graph, 0);
    g_autofree char *after = sth_graph_to_text(graph);
    g_assert_cmpstr(after, ==, before);
    g_assert_nonnull(strstr(after, "%y = Clip(%x 1x3, -, %limit scalar) {alpha=0.1, axis=-3, mode=edge, none=[], pads=[1,-9223372036854775808], "));
    const SthAttr *words = sth_node_attr(graph->nodes->pdata[0], "words");
    g_assert_cmpint(words->type, ==, STH_ATTR_STRINGS);
    g_assert_cmpstr(words->strings[1], ==, "bc");
    g_assert_cmpuint(g_strv_length(words->strings), ==, 3);
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

/* Passes make values with names that are taken; files may not. */
static void test_names(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    SthGraph *graph = parse(&tiny);
    SthShape shape = {.rank = 1, .dims = {3}};
    const float zeros[3] = {0};
    SthNode *node = graph->nodes->pdata[0];
    static const char *const names[] = {"y", "x", ""};
    sth_node_trim_inputs(node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        sth_node_add_input(node, sth_graph_add_constant(graph, names[i], STH_DTYPE_FLOAT, &shape, g_bytes_new(zeros, sizeof zeros)));
    node->op = NULL;
    g_free(node->op_type);
    node->op_type = g_strdup("Sum");
    GError *error = NULL;
    sth_onnx_save(graph, path, 0, &error);
    g_assert_no_error(error);
    sth_graph_free(graph);
    graph = load(path);
    g_autofree char *text = sth_graph_to_text(graph);
    g_assert_cmpstr(text, ==, "%y = Sum(%x 1x3, %y_2 3, %x_2 3, %value 3) -> ?\n");
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

static void test_external(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny_add_tensor(&tiny, "big", (gint64[]){300, 3, -1});
    tiny_add_node(&tiny, "Add", "more", "y,big", "z");
    tiny_add_output(&tiny, "z");
    SthGraph *graph = round_trip(parse(&tiny), STH_ONNX_EXTERNAL_DATA);
    g_autofree char *data = g_strconcat(path, ".data", NULL);
    GStatBuf info;
    g_assert_cmpint(g_stat(data, &info), ==, 0);
    g_assert_cmpint(info.st_size, ==, 300 * 3 * sizeof(float));
    g_assert_cmpfloat(((const float *)sth_node_input(graph->nodes->pdata[1], 1)->tensor.data)[899], ==, 900);
    g_assert_cmpfloat(((const float *)sth_node_input(graph->nodes->pdata[0], 1)->tensor.data)[2], ==, 3);
    sth_graph_free(graph);
    g_unlink(data);
    tiny_clear(&tiny);
}

static void expect_refusal(SthGraph *graph, const char *to, SthErrorCode code, const char *words)
{
    GError *error = NULL;
    g_unlink(to);
    g_assert_false(sth_onnx_save(graph, to, 0, &error));
    g_assert_error(error, STH_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_false(g_file_test(to, G_FILE_TEST_EXISTS));
    g_error_free(error);
    sth_graph_free(graph);
}

static void test_refusals(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    SthGraph *graph = parse(&tiny);
    sth_node_set_float(graph->nodes->pdata[0], "sth.min", 0);
    expect_refusal(graph, path, STH_ERROR_UNSUPPORTED, "cannot write node 'sum' (Add): an optimiser pass");
    graph = parse(&tiny);
    ((SthNode *)graph->nodes->pdata[0])->opset = 13;
    expect_refusal(graph, path, STH_ERROR_UNSUPPORTED, "of opset 13 in a model of opset 17");
    expect_refusal(parse(&tiny), "/nonexistent/model.onnx", STH_ERROR_FILE, "cannot write '/nonexistent/model.onnx'");
    tiny_clear(&tiny);
    GDir *dir = g_dir_open(folder, 0, NULL);
    g_assert_null(g_dir_read_name(dir));
    g_dir_close(dir);
}

/* A run on noise, the same for the same shape. */
static SthSession *run(const char *model_path)
{
    GError *error = NULL;
    SthModel *model = sth_model_open(model_path, NULL, &error);
    g_assert_no_error(error);
    SthSession *session = sth_session_new(model, 1, &error);
    g_assert_no_error(error);
    const SthTensor *input = sth_session_get_input(session, 0);
    g_assert_cmpint(input->dtype, ==, STH_DTYPE_FLOAT);
    GRand *dice = g_rand_new_with_seed(7);
    for (gint64 i = 0, n = sth_shape_elements(&input->shape); i < n; i++)
        ((float *)input->data)[i] = (float)g_rand_double_range(dice, -2, 2);
    g_rand_free(dice);
    sth_session_run(session);
    sth_model_unref(model);
    return session;
}

static void expect_same_results(const char *original)
{
    SthSession *want = run(original), *got = run(path);
    const SthTensor *a = sth_session_get_output(want, 0), *b = sth_session_get_output(got, 0);
    g_assert_cmpmem(a->data, sth_tensor_bytes(a), b->data, sth_tensor_bytes(b));
    sth_session_free(want);
    sth_session_free(got);
}

/* A real network written as it is gives the same text, and the same results bit for bit; simplified, it gives the results too. */
static void test_network(gconstpointer data)
{
    const char *original = data;
    GError *error = NULL;
    SthGraph *graph = load(original);
    g_autofree char *before = sth_graph_to_text(graph);
    graph = round_trip(graph, 0);
    g_autofree char *after = sth_graph_to_text(graph);
    g_assert_cmpstr(after, ==, before);
    sth_graph_free(graph);
    expect_same_results(original);

    SthModel *model = sth_model_read(original, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(sth_graph_simplify(model->graph, NULL, &error));
    g_assert_true(sth_onnx_save(model->graph, path, 0, &error));
    sth_model_destroy(model);
    expect_same_results(original);
}

static void add_networks(const char *from)
{
    GDir *dir = g_dir_open(from, 0, NULL);
    g_assert_nonnull(dir);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *stem = g_strndup(name, strcspn(name, "."));
        g_autofree char *test = g_strconcat("/onnx/save/network/", stem, NULL);
        if (g_str_has_suffix(name, ".onnx"))
            g_test_add_data_func_full(test, g_build_filename(from, name, NULL), test_network, g_free);
    }
    g_dir_close(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("sth-onnx-XXXXXX", NULL);
    path = g_build_filename(folder, "written.onnx", NULL);
    g_test_add_func("/onnx/save/types", test_types);
    g_test_add_func("/onnx/save/around-the-graph", test_around_the_graph);
    g_test_add_func("/onnx/save/nodes", test_nodes);
    g_test_add_func("/onnx/save/names", test_names);
    g_test_add_func("/onnx/save/external-data", test_external);
    g_test_add_func("/onnx/save/refusals", test_refusals);
    for (int i = 1; i < argc; i++)
        add_networks(argv[i]);
    int result = g_test_run();
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
    return result;
}
