/* What the ONNX loader makes of good files.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <glib/gstdio.h>
#include <sth/sth-error.h>

#include "base/memory.h"
#include "onnx/onnx-load.h"
#include "tiny-model.h"

/* Packs and reads; the model must be good. */
static SthGraph *parse(TinyModel *tiny, const char *folder)
{
    GError *error = NULL;
    GBytes *bytes = tiny_pack(tiny);
    SthGraph *graph = sth_onnx_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "tiny.onnx", folder, 0, &error);
    g_assert_no_error(error);
    g_bytes_unref(bytes);
    return graph;
}

static void test_graph(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny_add_metadata(&tiny, "sth.name", "tiny");
    tiny_add_metadata(&tiny, "sth.labels", "a\nb\nc");
    SthGraph *graph = parse(&tiny, NULL);
    const SthValue *x = graph->inputs->pdata[0], *y = graph->outputs->pdata[0];
    const SthNode *node = graph->nodes->pdata[0];
    const SthValue *w = sth_node_input(node, 1);
    g_assert_cmpstr(graph->source, ==, "tiny.onnx");
    g_assert_cmpuint(graph->inputs->len, ==, 1);
    g_assert_cmpstr(x->name, ==, "x");
    g_assert_cmpint(x->tensor.dtype, ==, STH_DTYPE_FLOAT);
    g_assert_cmpint(x->tensor.shape.dims[1], ==, 3);
    g_assert_cmpstr(node->name, ==, "sum");
    g_assert_cmpstr(node->op_type, ==, "Add");
    g_assert_cmpint(node->opset, ==, 17);
    g_assert_nonnull(node->op);
    g_assert_true(sth_node_input(node, 0) == x && sth_node_output(node, 0) == y && y->producer == node);
    g_assert_nonnull(w->constant);
    g_assert_cmpuint((gsize)w->tensor.data % STH_ALIGN, ==, 0);
    g_assert_cmpfloat(((const float *)w->tensor.data)[2], ==, 3);
    g_assert_cmpuint(graph->parameters, ==, 3);
    g_assert_cmpstr(g_hash_table_lookup(graph->metadata, "sth.labels"), ==, "a\nb\nc");
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

static void test_declarations(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny.graph.n_input = 0;
    tiny_add_input(&tiny, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (gint64[]){-1, 3, -2});
    /* Old files list initializers as inputs. */
    tiny_add_input(&tiny, "w", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (gint64[]){3, -2});
    SthGraph *graph = parse(&tiny, NULL);
    g_assert_cmpuint(graph->inputs->len, ==, 1);
    const SthValue *x = graph->inputs->pdata[0];
    g_assert_cmpint(x->tensor.shape.dims[0], ==, -1);
    g_assert_false(x->inferred);
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

/* Nodes in any order, without names, with optional inputs. */
static void test_nodes(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny.graph.n_node = 0;
    tiny_add_node(&tiny, "Clip", "", "a,,w1", "y");
    tiny_add_node(&tiny, "Clip", "", "x,,", "a");
    tiny_add_tensor(&tiny, "w1", (gint64[]){-1});
    SthGraph *graph = parse(&tiny, NULL);
    const SthNode *first = graph->nodes->pdata[0], *second = graph->nodes->pdata[1];
    g_assert_cmpstr(first->name, ==, "a");
    g_assert_cmpuint(first->inputs->len, ==, 1);
    g_assert_cmpstr(second->name, ==, "y");
    g_assert_cmpuint(second->inputs->len, ==, 3);
    g_assert_null(sth_node_input(second, 1));
    g_assert_nonnull(sth_node_input(second, 2));
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

static void test_attributes(void)
{
    TinyModel tiny;
    guint n;
    tiny_init(&tiny);
    Onnx__AttributeProto *attribute = tiny_add_attribute(&tiny, tiny.nodes[0], "number");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    attribute->has_i = TRUE;
    attribute->i = -7;
    attribute = tiny_add_attribute(&tiny, tiny.nodes[0], "untyped");
    attribute->has_type = FALSE;
    attribute->has_f = TRUE;
    attribute->f = 0.5f;
    attribute = tiny_add_attribute(&tiny, tiny.nodes[0], "text");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    attribute->has_s = TRUE;
    attribute->s = (ProtobufCBinaryData){4, (guint8 *)"SAME"};
    attribute = tiny_add_attribute(&tiny, tiny.nodes[0], "none");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    attribute = tiny_add_attribute(&tiny, tiny.nodes[0], "tensor");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    attribute->t = tiny.tensors[0];
    SthGraph *graph = parse(&tiny, NULL);
    const SthNode *node = graph->nodes->pdata[0];
    g_assert_cmpint(sth_node_int(node, "number", 0), ==, -7);
    g_assert_cmpint(sth_node_int(node, "text", 3), ==, 3);
    g_assert_cmpfloat(sth_node_float(node, "untyped", 0), ==, 0.5f);
    g_assert_cmpstr(sth_node_string(node, "text", NULL), ==, "SAME");
    g_assert_nonnull(sth_node_ints(node, "none", &n));
    g_assert_cmpuint(n, ==, 0);
    g_assert_null(sth_node_ints(node, "absent", &n));
    g_assert_cmpfloat(((const float *)sth_node_attr(node, "tensor")->tensor.data)[1], ==, 2);
    sth_graph_free(graph);
    tiny_clear(&tiny);
}

/* Each type in the typed field that onnx.proto names for it: the values 1, 2, 3. */
static const struct {
    gint32 type;
    SthDType dtype;
    const char *field;
    guint64 third; /* bits of 3 */
} typed[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, STH_DTYPE_FLOAT, "float", 0x40400000},
    {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, STH_DTYPE_DOUBLE, "double", 0x4008000000000000},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, STH_DTYPE_FLOAT16, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, STH_DTYPE_BFLOAT16, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, STH_DTYPE_INT8, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, STH_DTYPE_INT16, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, STH_DTYPE_INT32, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, STH_DTYPE_INT64, "int64", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, STH_DTYPE_UINT8, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, STH_DTYPE_UINT16, "int32", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, STH_DTYPE_UINT32, "uint64", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, STH_DTYPE_UINT64, "uint64", 3},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, STH_DTYPE_BOOL, "int32", 3},
};

static void test_typed_fields(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(typed); i++) {
        TinyModel tiny;
        float floats[] = {1, 2, 3};
        double doubles[] = {1, 2, 3};
        gint32 ints[] = {1, 2, 3};
        gint64 longs[] = {1, 2, 3};
        guint64 unsigneds[] = {1, 2, 3};
        tiny_init(&tiny);
        Onnx__TensorProto *tensor = tiny.tensors[0];
        tensor->data_type = typed[i].type;
        tensor->has_raw_data = FALSE;
        gsize n = 3;
#define FIELD(name, values)                                                                                                                          \
    if (strcmp(typed[i].field, #name) == 0) {                                                                                                        \
        tensor->name##_data = values;                                                                                                                \
        tensor->n_##name##_data = n;                                                                                                                 \
    }
        FIELD(float, floats)
        FIELD(double, doubles)
        FIELD(int32, ints)
        FIELD(int64, longs)
        FIELD(uint64, unsigneds)
        SthGraph *graph = parse(&tiny, NULL);
        const SthTensor *read = &sth_node_input(graph->nodes->pdata[0], 1)->tensor;
        gsize size = sth_dtype_size(read->dtype);
        g_assert_cmpint(read->dtype, ==, typed[i].dtype);
        g_assert_cmpmem((const guint8 *)read->data + 2 * size, size, &typed[i].third, size);
        sth_graph_free(graph);
        tiny_clear(&tiny);
    }
}

static void test_external(void)
{
    TinyModel tiny;
    float values[] = {9, 9, 4, 5, 6};
    char *folder = g_dir_make_tmp("sth-onnx-XXXXXX", NULL), *below = g_build_filename(folder, "below", NULL);
    char *data = g_build_filename(below, "weights.bin", NULL);
    g_assert_cmpint(g_mkdir(below, 0700), ==, 0);
    g_assert_true(g_file_set_contents(data, (const char *)values, sizeof values, NULL));
    for (guint with_length = 0; with_length < 2; with_length++) {
        tiny_init(&tiny);
        tiny_make_external(&tiny, tiny.tensors[0], "below/weights.bin", "8", with_length ? "12" : NULL);
        SthGraph *graph = parse(&tiny, folder);
        g_assert_cmpfloat(((const float *)sth_node_input(graph->nodes->pdata[0], 1)->tensor.data)[2], ==, 6);
        sth_graph_free(graph);
        tiny_clear(&tiny);
    }
    g_unlink(data);
    g_rmdir(below);
    g_rmdir(folder);
    g_free(data);
    g_free(below);
    g_free(folder);
}

/* From a file, and the text that people see. */
static void test_file(void)
{
    TinyModel tiny;
    GError *error = NULL;
    char *folder = g_dir_make_tmp("sth-onnx-XXXXXX", NULL), *path = g_build_filename(folder, "tiny.onnx", NULL);
    tiny_init(&tiny);
    GBytes *bytes = tiny_pack(&tiny);
    g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
    SthGraph *graph = sth_onnx_load(path, 0, &error);
    g_assert_no_error(error);
    char *text = sth_graph_to_text(graph);
    g_assert_cmpstr(text, ==, "%y = Add(%x 1x3, %w 3) -> ?\n");
    g_free(text);
    sth_graph_free(graph);
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/onnx/load/graph", test_graph);
    g_test_add_func("/onnx/load/declarations", test_declarations);
    g_test_add_func("/onnx/load/nodes", test_nodes);
    g_test_add_func("/onnx/load/attributes", test_attributes);
    g_test_add_func("/onnx/load/typed-fields", test_typed_fields);
    g_test_add_func("/onnx/load/external-data", test_external);
    g_test_add_func("/onnx/load/file", test_file);
    return g_test_run();
}
