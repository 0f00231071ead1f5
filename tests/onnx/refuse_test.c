/* What the ONNX loader says of bad files: every kind once, and that none of any kind crashes it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sth/sth-error.h>

#include "onnx/onnx-load.h"
#include "tiny-model.h"

static void no_graph(TinyModel *tiny)
{
    tiny->model.graph = NULL;
}

static void no_outputs(TinyModel *tiny)
{
    tiny->graph.n_output = 0;
}

static void no_opset(TinyModel *tiny)
{
    tiny->model.n_opset_import = 0;
}

static void new_opset(TinyModel *tiny)
{
    tiny->opset.version = 99;
}

static void old_opset(TinyModel *tiny)
{
    tiny->opset.version = 1;
}

static void foreign_opset(TinyModel *tiny)
{
    tiny->opset.domain = tiny_text(tiny, "com.example");
}

static void foreign_domain(TinyModel *tiny)
{
    tiny->nodes[0]->domain = tiny_text(tiny, "com.example");
}

static void unknown_operators(TinyModel *tiny)
{
    tiny_add_node(tiny, "Frobnicate", "first", "y", "z");
    tiny_add_node(tiny, "Defrobnicate", "second", "z", "u");
}

static void subgraph(TinyModel *tiny)
{
    static Onnx__GraphProto body = ONNX__GRAPH_PROTO__INIT;
    Onnx__AttributeProto *attribute = tiny_add_attribute(tiny, tiny_add_node(tiny, "Loop", "branch", "y", "z"), "body");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    attribute->g = &body;
}

static void dangling_input(TinyModel *tiny)
{
    tiny->nodes[0]->input[0] = tiny_text(tiny, "nowhere");
}

static void dangling_output(TinyModel *tiny)
{
    tiny_add_output(tiny, "nowhere");
}

static void value_twice(TinyModel *tiny)
{
    tiny_add_node(tiny, "Relu", "again", "x", "y");
}

static void initializer_twice(TinyModel *tiny)
{
    tiny_add_tensor(tiny, "w", (gint64[]){3, -1});
}

static void initializer_nameless(TinyModel *tiny)
{
    tiny->tensors[0]->name = NULL;
}

static void circle(TinyModel *tiny)
{
    tiny_add_node(tiny, "Relu", "first", "b", "a");
    tiny_add_node(tiny, "Relu", "second", "a", "b");
}

static void own_result(TinyModel *tiny)
{
    tiny_add_node(tiny, "Relu", "self", "a", "a");
}

static void too_many_inputs(TinyModel *tiny)
{
    tiny_add_node(tiny, "Relu", "greedy", "x,y", "a");
}

static void too_few_inputs(TinyModel *tiny)
{
    tiny_add_node(tiny, "Add", "lonely", "x", "a");
}

static void attribute_twice(TinyModel *tiny)
{
    tiny_add_attribute(tiny, tiny->nodes[0], "same");
    tiny_add_attribute(tiny, tiny->nodes[0], "same");
}

static void short_data(TinyModel *tiny)
{
    tiny->tensors[0]->raw_data.len = 11;
}

static void huge_shape(TinyModel *tiny)
{
    for (guint i = 0; i < 4; i++)
        tiny->tensors[0]->dims[i] = G_MAXINT32;
    tiny->tensors[0]->n_dims = 4;
}

static void negative_shape(TinyModel *tiny)
{
    tiny->tensors[0]->dims[0] = -3;
}

static void nine_axes(TinyModel *tiny)
{
    for (guint i = 0; i < 9; i++)
        tiny->tensors[0]->dims[i] = 1;
    tiny->tensors[0]->n_dims = 9;
}

static void few_elements(TinyModel *tiny)
{
    static float one[] = {1};
    tiny->tensors[0]->has_raw_data = FALSE;
    tiny->tensors[0]->n_float_data = 1;
    tiny->tensors[0]->float_data = one;
}

static void string_tensor(TinyModel *tiny)
{
    tiny->tensors[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
}

static void unknown_type(TinyModel *tiny)
{
    tiny->tensors[0]->data_type = 77;
}

static void sparse(TinyModel *tiny)
{
    static Onnx__SparseTensorProto tensor = ONNX__SPARSE_TENSOR_PROTO__INIT, *list[] = {&tensor};
    tiny->graph.n_sparse_initializer = 1;
    tiny->graph.sparse_initializer = list;
}

/* What passes fuse into nodes is not for files to say. */
static void own_attribute(TinyModel *tiny)
{
    Onnx__AttributeProto *attribute = tiny_add_attribute(tiny, tiny->nodes[0], "sth.max");
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    attribute->has_f = TRUE;
}

static void own_input(TinyModel *tiny)
{
    tiny_add_node(tiny, "Conv", "conv", "x,w,w,x", "z");
}

static void new_ir(TinyModel *tiny)
{
    tiny->model.ir_version = 99;
}

static void sequence_input(TinyModel *tiny)
{
    static Onnx__TypeProto__Sequence sequence = ONNX__TYPE_PROTO__SEQUENCE__INIT;
    tiny->inputs[0]->type->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
    tiny->inputs[0]->type->sequence_type = &sequence;
}

static void shapeless_input(TinyModel *tiny)
{
    tiny->inputs[0]->type->tensor_type->shape = NULL;
}

static void input_of_many_axes(TinyModel *tiny)
{
    tiny_add_input(tiny, "z", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (gint64[]){1, 1, 1, 1, 1, 1, 1, 1, 1, -2});
}

static void huge_input(TinyModel *tiny)
{
    tiny_add_input(tiny, "z", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (gint64[]){G_MAXINT64, 2, -2});
}

static void outside_absolute(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "/etc/passwd", NULL, NULL);
}

static void outside_parent(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "below/../../secret.bin", NULL, NULL);
}

static void outside_link(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "link.bin", NULL, NULL);
}

static void external_missing(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "missing.bin", NULL, NULL);
}

static void external_nameless(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], NULL, NULL, NULL);
}

static void external_folder(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], ".", NULL, NULL);
}

static void external_short(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "data.bin", "4", NULL);
}

static void external_offset(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "data.bin", "18446744073709551615", "12");
}

static void external_garbage(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "data.bin", "-4", NULL);
}

static void external_length(TinyModel *tiny)
{
    tiny_make_external(tiny, tiny->tensors[0], "data.bin", "0", "8");
}

static const struct {
    const char *name;
    void (*spoil)(TinyModel *tiny);
    SthErrorCode code;
    const char *words; /* of the message, besides the file's name */
} rows[] = {
    {"no-graph", no_graph, STH_ERROR_FORMAT, "is no ONNX file: it holds no graph"},
    {"no-outputs", no_outputs, STH_ERROR_FORMAT, "no outputs"},
    {"no-opset", no_opset, STH_ERROR_FORMAT, "imports no opset"},
    {"new-opset", new_opset, STH_ERROR_UNSUPPORTED, "opset 99 is newer"},
    {"old-opset", old_opset, STH_ERROR_UNSUPPORTED, "'sum' (Add): Add is supported from opset 6 on, the model has opset 1"},
    {"foreign-opset", foreign_opset, STH_ERROR_UNSUPPORTED, "imports no opset of the domain 'ai.onnx'"},
    {"foreign-domain", foreign_domain, STH_ERROR_UNSUPPORTED, "'sum' (Add): operators of the domain 'com.example'"},
    {"unknown-operator", unknown_operators, STH_ERROR_UNSUPPORTED, "'first' (Frobnicate): the operator Frobnicate (opset 17) is not supported"},
    {"unknown-operators", unknown_operators, STH_ERROR_UNSUPPORTED, "also not supported: Defrobnicate"},
    {"subgraph", subgraph, STH_ERROR_UNSUPPORTED, "'branch' (Loop): the operator Loop runs a graph of its own again and again"},
    {"dangling-input", dangling_input, STH_ERROR_FORMAT, "node 'sum' (Add) reads 'nowhere', which nothing makes"},
    {"dangling-output", dangling_output, STH_ERROR_FORMAT, "the output 'nowhere' is made by no node"},
    {"value-twice", value_twice, STH_ERROR_FORMAT, "'y' is given twice"},
    {"initializer-twice", initializer_twice, STH_ERROR_FORMAT, "'w' is given twice"},
    {"initializer-nameless", initializer_nameless, STH_ERROR_FORMAT, "an initializer has no name"},
    {"circle", circle, STH_ERROR_FORMAT, "has a circle"},
    {"own-result", own_result, STH_ERROR_FORMAT, "node 'self' (Relu) needs its own result"},
    {"too-many-inputs", too_many_inputs, STH_ERROR_FORMAT, "node 'greedy' (Relu) has 2 inputs"},
    {"too-few-inputs", too_few_inputs, STH_ERROR_FORMAT, "node 'lonely' (Add) has 1 inputs"},
    {"attribute-twice", attribute_twice, STH_ERROR_FORMAT, "has the attribute 'same' twice"},
    {"short-data", short_data, STH_ERROR_FORMAT, "initializer 'w' has 11 bytes of data, its shape and type need 12"},
    {"huge-shape", huge_shape, STH_ERROR_FORMAT, "initializer 'w' has an impossible shape"},
    {"negative-shape", negative_shape, STH_ERROR_FORMAT, "initializer 'w' has an impossible shape"},
    {"nine-axes", nine_axes, STH_ERROR_UNSUPPORTED, "initializer 'w' has 9 axes"},
    {"few-elements", few_elements, STH_ERROR_FORMAT, "initializer 'w' has 1 elements of data, its shape needs 3"},
    {"string-tensor", string_tensor, STH_ERROR_UNSUPPORTED, "initializer 'w' is string"},
    {"unknown-type", unknown_type, STH_ERROR_UNSUPPORTED, "data type 77"},
    {"sparse-nameless", sparse, STH_ERROR_FORMAT, "an initializer has no name"},
    {"own-attribute", own_attribute, STH_ERROR_UNSUPPORTED, "node 'sum' (Add) has the attribute 'sth.max', which is not ONNX's"},
    {"own-input", own_input, STH_ERROR_FORMAT, "node 'conv' (Conv) has 4 inputs and 1 outputs; it needs at least 2 inputs, takes at most 3"},
    {"new-ir", new_ir, STH_ERROR_UNSUPPORTED, "IR version 99 is newer than 10"},
    {"sequence-input", sequence_input, STH_ERROR_UNSUPPORTED, "'x' is no tensor"},
    {"shapeless-input", shapeless_input, STH_ERROR_UNSUPPORTED, "'x' has no declared shape"},
    {"input-of-many-axes", input_of_many_axes, STH_ERROR_UNSUPPORTED, "'z' has more than 8 axes"},
    {"huge-input", huge_input, STH_ERROR_FORMAT, "'z' has an impossibly large shape"},
    {"outside-absolute", outside_absolute, STH_ERROR_UNSUPPORTED, "'/etc/passwd' is outside of the model's folder"},
    {"outside-parent", outside_parent, STH_ERROR_UNSUPPORTED, "secret.bin' is outside of the model's folder"},
    {"outside-link", outside_link, STH_ERROR_UNSUPPORTED, "'link.bin' leads out of the model's folder"},
    {"external-missing", external_missing, STH_ERROR_FILE, "'missing.bin' is missing"},
    {"external-nameless", external_nameless, STH_ERROR_UNSUPPORTED, "is outside of the model's folder"},
    {"external-folder", external_folder, STH_ERROR_UNSUPPORTED, "model's folder"},
    {"external-short", external_short, STH_ERROR_FORMAT, "'data.bin' has 12 bytes, 12 from byte 4 on are needed"},
    {"external-offset", external_offset, STH_ERROR_FORMAT, "'data.bin' has 12 bytes"},
    {"external-garbage", external_garbage, STH_ERROR_FORMAT, "malformed offset"},
    {"external-length", external_length, STH_ERROR_FORMAT, "has 8 bytes of data, its shape and type need 12"},
};

/* The folder of the model: data.bin (12 bytes), below/, and link.bin, which leads to secret.bin outside. */
static char *outer, *folder;

static void make_folder(void)
{
    float values[] = {1, 2, 3};
    outer = g_dir_make_tmp("sth-refuse-XXXXXX", NULL);
    folder = g_build_filename(outer, "model", NULL);
    char *below = g_build_filename(folder, "below", NULL), *data = g_build_filename(folder, "data.bin", NULL);
    char *secret = g_build_filename(outer, "secret.bin", NULL), *link = g_build_filename(folder, "link.bin", NULL);
    g_assert_cmpint(g_mkdir_with_parents(below, 0700), ==, 0);
    g_assert_true(g_file_set_contents(data, (const char *)values, sizeof values, NULL));
    g_assert_true(g_file_set_contents(secret, (const char *)values, sizeof values, NULL));
    g_assert_cmpint(symlink(secret, link), ==, 0);
    g_free(below);
    g_free(data);
    g_free(secret);
    g_free(link);
}

static void remove_folder(void)
{
    static const char *const names[] = {"model/below", "model/data.bin", "model/link.bin", "model", "secret.bin", ""};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        char *path = g_build_filename(outer, names[i], NULL);
        g_remove(path);
        g_free(path);
    }
    g_free(outer);
    g_free(folder);
}

static void expect_error(const guint8 *data, gsize size, const char *source, gint code, const char *words)
{
    GError *error = NULL;
    SthGraph *graph = sth_onnx_parse(data, size, source, folder, 0, &error);
    g_assert_null(graph);
    g_assert_error(error, STH_ERROR, code);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_nonnull(strstr(error->message, source));
    g_assert_null(strchr(error->message, '\n'));
    g_error_free(error);
}

static void test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    TinyModel tiny;
    tiny_init(&tiny);
    rows[row].spoil(&tiny);
    GBytes *bytes = tiny_pack(&tiny);
    expect_error(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "spoilt.onnx", (gint)rows[row].code, rows[row].words);
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
}

/* Other files under a model's name. */
static void test_other_files(void)
{
    static const struct {
        const char *name, *bytes;
        gsize size;
    } others[] = {
        {"x.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x01", 14},
        {"x.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 16},
        {"x.txt", "hello, this is a text\n", 22},
        {"x.xml", "<?xml version=\"1.0\"?>", 21},
        {"x.zip", "PK\x03\x04\x14\x00\x00\x00\x08\x00", 10},
        {"zeros", "\0\0\0\0", 4},
        {"empty", "", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        expect_error((const guint8 *)others[i].bytes, others[i].size, others[i].name, STH_ERROR_FORMAT, "ONNX file: ");
}

static void test_paths(void)
{
    GError *error = NULL;
    g_assert_null(sth_onnx_load("/nonexistent/model.onnx", 0, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FILE);
    g_clear_error(&error);
    g_assert_null(sth_onnx_load(folder, 0, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FILE);
    g_clear_error(&error);
    SthTensor tensor;
    char *data = g_build_filename(folder, "data.bin", NULL);
    g_assert_null(sth_onnx_load_tensor(data, &tensor, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FORMAT);
    g_clear_error(&error);
    g_free(data);
}

/* Reads bytes that may be anything: an error or a graph, never a crash. */
static void read_anything(const guint8 *data, gsize size)
{
    GError *error = NULL;
    SthGraph *graph = sth_onnx_parse(data, size, "anything.onnx", folder, 0, &error);
    g_assert_true((graph == NULL) == (error != NULL));
    g_assert_true(error == NULL || (error->domain == STH_ERROR && g_utf8_validate(error->message, -1, NULL)));
    sth_graph_free(graph);
    g_clear_error(&error);
}

static void test_truncated(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    GBytes *bytes = tiny_pack(&tiny);
    const guint8 *data = g_bytes_get_data(bytes, NULL);
    for (gsize size = 0; size < g_bytes_get_size(bytes); size++)
        read_anything(data, size);
    expect_error(data, g_bytes_get_size(bytes) / 2, "half.onnx", STH_ERROR_FORMAT, "is a broken or truncated ONNX file");
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
}

static void test_flipped(void)
{
    TinyModel tiny;
    tiny_init(&tiny);
    tiny_make_external(&tiny, tiny_add_tensor(&tiny, "e", (gint64[]){3, -1}), "data.bin", "0", "12");
    GBytes *bytes = tiny_pack(&tiny);
    gsize size = g_bytes_get_size(bytes);
    guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
    for (gsize bit = 0; bit < size * 8; bit++) {
        copy[bit / 8] ^= (guint8)(1 << bit % 8);
        read_anything(copy, size);
        copy[bit / 8] ^= (guint8)(1 << bit % 8);
    }
    for (guint round = 0; round < 5000; round++) {
        gsize at = (gsize)g_test_rand_int_range(0, (gint32)size);
        guint8 before = copy[at];
        copy[at] = (guint8)g_test_rand_int();
        read_anything(copy, size);
        if (round % 8 == 0)
            copy[at] = before;
    }
    g_free(copy);
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
}

static void test_random(void)
{
    for (guint round = 0; round < 5000; round++) {
        guint8 data[64];
        for (gsize i = 0; i < sizeof data; i++)
            data[i] = (guint8)g_test_rand_int();
        read_anything(data, 1 + round % sizeof data);
    }
}

/* A type of a sequence of a sequence …: protobuf-c would recurse as deep as the file likes. */
static void test_nested(void)
{
    GByteArray *bytes = g_byte_array_new();
    for (guint depth = 0; depth < 20000; depth++) {
        /* From the inside out: TypeProto.sequence_type (4), Sequence.elem_type (1), each with the length of what follows. */
        guint8 head[6];
        guint n = 0;
        head[n++] = depth % 2 ? 4 << 3 | 2 : 1 << 3 | 2;
        for (gsize rest = bytes->len; n == 1 || rest > 0; rest >>= 7)
            head[n++] = (guint8)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        g_byte_array_prepend(bytes, head, n);
    }
    TinyModel tiny;
    tiny_init(&tiny);
    GBytes *model = tiny_pack(&tiny);
    /* graph { input { type … } }: fields 7, 11, 2. */
    const guint8 fields[] = {2 << 3 | 2, 11 << 3 | 2, 7 << 3 | 2};
    for (gsize i = 0; i < sizeof fields; i++) {
        guint8 head[6] = {fields[i]};
        guint n = 1;
        for (gsize rest = bytes->len; rest > 0; rest >>= 7)
            head[n++] = (guint8)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        g_byte_array_prepend(bytes, head, n);
    }
    g_byte_array_prepend(bytes, g_bytes_get_data(model, NULL), (guint)g_bytes_get_size(model));
    expect_error(bytes->data, bytes->len, "nested.onnx", STH_ERROR_FORMAT, "is nested too deep");
    g_bytes_unref(model);
    tiny_clear(&tiny);
    g_byte_array_unref(bytes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_folder();
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *path = g_strdup_printf("/onnx/refuse/%s", rows[i].name);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
        g_free(path);
    }
    g_test_add_func("/onnx/refuse/other-files", test_other_files);
    g_test_add_func("/onnx/refuse/paths", test_paths);
    g_test_add_func("/onnx/refuse/truncated", test_truncated);
    g_test_add_func("/onnx/refuse/flipped", test_flipped);
    g_test_add_func("/onnx/refuse/random", test_random);
    g_test_add_func("/onnx/refuse/nested", test_nested);
    int result = g_test_run();
    remove_folder();
    return result;
}
