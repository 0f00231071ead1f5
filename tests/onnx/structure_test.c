/* What stands for something else in a file and is put in its place: the model's own functions, branches of If, sparse tensors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "onnx/onnx-load.h"
#include "optimiser/optimiser.h"
#include "tiny-model.h"

static SthGraph *try_parse(TinyModel *tiny, gsize memory_limit, GError **error)
{
    GBytes *bytes = tiny_pack(tiny);
    SthGraph *graph = sth_onnx_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "tiny.onnx", NULL, memory_limit, error);
    g_bytes_unref(bytes);
    return graph;
}

/* The graph as text, freed with the model: as it is read, or simplified. */
static void expect_text(TinyModel *tiny, gboolean simplified, const char *expected)
{
    GError *error = NULL;
    SthGraph *graph = try_parse(tiny, 0, &error);
    g_assert_no_error(error);
    if (simplified)
        sth_graph_simplify(graph, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(sth_graph_check(graph));
    g_autofree char *text = sth_graph_to_text(graph);
    g_assert_cmpstr(text, ==, expected);
    sth_graph_free(graph);
    tiny_clear(tiny);
}

/* Of reading, or of the inference that follows. */
static void expect_refusal(TinyModel *tiny, SthErrorCode code, const char *words)
{
    GError *error = NULL;
    SthGraph *graph = try_parse(tiny, 0, &error);
    g_assert_true(graph == NULL || !sth_graph_infer(graph, &error));
    g_assert_error(error, STH_ERROR, (gint)code);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
    g_error_free(error);
    sth_graph_free(graph);
    tiny_clear(tiny);
}

static gpointer keep(TinyModel *tiny, gsize bytes)
{
    gpointer memory = g_malloc0(bytes);
    g_ptr_array_add(tiny->kept, memory);
    return memory;
}

/* A node that is in no graph yet: taken back from the model's list. */
static Onnx__NodeProto *loose_node(TinyModel *tiny, const char *op_type, const char *inputs, const char *outputs)
{
    tiny_add_node(tiny, op_type, "", inputs, outputs);
    return tiny->nodes[--tiny->graph.n_node];
}

static Onnx__FunctionProto *add_function(TinyModel *tiny, const char *name, const char *inputs, const char *outputs)
{
    Onnx__FunctionProto *function = keep(tiny, sizeof *function);
    Onnx__NodeProto *names = loose_node(tiny, name, inputs, outputs);
    onnx__function_proto__init(function);
    function->name = names->op_type;
    function->domain = tiny_text(tiny, "local");
    function->n_input = names->n_input;
    function->input = names->input;
    function->n_output = names->n_output;
    function->output = names->output;
    function->node = keep(tiny, TINY_MAX * sizeof *function->node);
    if (tiny->model.functions == NULL)
        tiny->model.functions = keep(tiny, TINY_MAX * sizeof *tiny->model.functions);
    return tiny->model.functions[tiny->model.n_functions++] = function;
}

static Onnx__NodeProto *add_call(TinyModel *tiny, const char *function, const char *name, const char *inputs, const char *outputs)
{
    Onnx__NodeProto *node = tiny_add_node(tiny, function, name, inputs, outputs);
    node->domain = tiny_text(tiny, "local");
    return node;
}

static Onnx__AttributeProto *add_slope(TinyModel *tiny, Onnx__NodeProto *node, const char *name, const char *reference)
{
    Onnx__AttributeProto *attribute = tiny_add_attribute(tiny, node, name);
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    attribute->has_f = reference == NULL;
    attribute->f = 0.25f;
    if (reference != NULL)
        attribute->ref_attr_name = tiny_text(tiny, reference);
    return attribute;
}

/* outer(a, b) = LeakyRelu(inner(a), slope) + b, inner(u) = Relu(u), listed with the last node first. */
static void start_functions(TinyModel *tiny)
{
    tiny_init(tiny);
    tiny->graph.n_node = 0;
    Onnx__FunctionProto *outer = add_function(tiny, "outer", "a,b", "r"), *inner = add_function(tiny, "inner", "u", "v");
    inner->node[inner->n_node++] = loose_node(tiny, "Relu", "u", "v");
    outer->node[outer->n_node++] = loose_node(tiny, "Add", "s,b", "r");
    Onnx__NodeProto *leaky = outer->node[outer->n_node++] = loose_node(tiny, "LeakyRelu", "t", "s");
    add_slope(tiny, leaky, "alpha", "slope");
    Onnx__NodeProto *call = outer->node[outer->n_node++] = loose_node(tiny, "inner", "a", "t");
    call->domain = tiny_text(tiny, "local");
}

static void test_functions(void)
{
    TinyModel tiny;
    start_functions(&tiny);
    add_slope(&tiny, add_call(&tiny, "outer", "call", "x,w", "y"), "slope", NULL);
    expect_text(&tiny, FALSE,
                "%call/t = Relu(%x 1x3) -> ?\n"
                "%call/s = LeakyRelu(%call/t ?) {alpha=0.25} -> ?\n"
                "%y = Add(%call/s ?, %w 3) -> ?\n");
}

/* The same function twice; an attribute that the call leaves out is left out in the body. */
static void test_two_calls(void)
{
    TinyModel tiny;
    start_functions(&tiny);
    add_call(&tiny, "outer", "second", "m,w", "y");
    add_call(&tiny, "outer", "first", "x,w", "m");
    expect_text(&tiny, FALSE,
                "%first/t = Relu(%x 1x3) -> ?\n"
                "%first/s = LeakyRelu(%first/t ?) -> ?\n"
                "%m = Add(%first/s ?, %w 3) -> ?\n"
                "%second/t = Relu(%m ?) -> ?\n"
                "%second/s = LeakyRelu(%second/t ?) -> ?\n"
                "%y = Add(%second/s ?, %w 3) -> ?\n");
}

static void test_bad_functions(void)
{
    TinyModel tiny;
    start_functions(&tiny);
    Onnx__FunctionProto *inner = tiny.model.functions[1];
    inner->node[0]->op_type = tiny_text(&tiny, "outer");
    inner->node[0]->domain = tiny_text(&tiny, "local");
    inner->node[0]->input = tiny.model.functions[0]->input;
    inner->node[0]->n_input = 2;
    add_call(&tiny, "outer", "call", "x,w", "y");
    expect_refusal(&tiny, STH_ERROR_FORMAT, "calls itself");

    start_functions(&tiny);
    tiny.model.functions[1]->n_node = 0;
    add_call(&tiny, "outer", "call", "x,w", "y");
    expect_refusal(&tiny, STH_ERROR_FORMAT, "node 'call/t' calls the function 'inner', which makes not all of its outputs");

    start_functions(&tiny);
    add_call(&tiny, "inner", "call", "x,w", "y");
    expect_refusal(&tiny, STH_ERROR_FORMAT, "node 'call' calls the function 'inner', which has fewer inputs or outputs");

    start_functions(&tiny);
    add_function(&tiny, "inner", "u", "v");
    add_call(&tiny, "inner", "call", "x", "y");
    expect_refusal(&tiny, STH_ERROR_FORMAT, "the function 'local:inner' is defined twice");

    start_functions(&tiny);
    add_call(&tiny, "nothing", "call", "x", "y");
    expect_refusal(&tiny, STH_ERROR_UNSUPPORTED, "cannot run 'call' (nothing): operators of the domain 'local'");
}

/* Thirty functions, each of which calls the one below twice. */
static void test_doubling(void)
{
    enum { LEVELS = 30 };
    TinyModel tiny;
    tiny_init(&tiny);
    tiny.graph.n_node = 0;
    Onnx__FunctionProto *list[LEVELS];
    for (guint i = 0; i < LEVELS; i++) {
        g_autofree char *name = g_strdup_printf("f%u", i), *below = g_strdup_printf("f%d", (int)i - 1);
        tiny.model.n_functions = 0;
        list[i] = add_function(&tiny, name, "u", "v");
        list[i]->node[list[i]->n_node++] = loose_node(&tiny, i > 0 ? below : "Relu", "u", "t");
        list[i]->node[list[i]->n_node++] = loose_node(&tiny, i > 0 ? below : "Relu", "t", "v");
        for (guint k = 0; k < 2 && i > 0; k++)
            list[i]->node[k]->domain = tiny_text(&tiny, "local");
    }
    tiny.model.functions = list;
    tiny.model.n_functions = LEVELS;
    add_call(&tiny, "f29", "call", "x", "y");
    expect_refusal(&tiny, STH_ERROR_UNSUPPORTED, "more than 200000 nodes");
}

static Onnx__GraphProto *add_branch(TinyModel *tiny, Onnx__NodeProto *node, const char *name)
{
    Onnx__AttributeProto *attribute = tiny_add_attribute(tiny, node, name);
    Onnx__GraphProto *graph = keep(tiny, sizeof *graph);
    Onnx__ValueInfoProto *output = keep(tiny, sizeof *output);
    onnx__graph_proto__init(graph);
    onnx__value_info_proto__init(output);
    output->name = tiny_text(tiny, "r");
    graph->node = keep(tiny, TINY_MAX * sizeof *graph->node);
    graph->output = keep(tiny, sizeof *graph->output);
    graph->output[graph->n_output++] = output;
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    attribute->g = graph;
    return graph;
}

/* y = If(condition) { r = Relu(x) * w } else { a Loop }: what PyTorch writes for a squeeze of an axis of unknown size is of this kind. */
static void start_if(TinyModel *tiny, const char *condition)
{
    tiny_init(tiny);
    tiny->graph.n_node = 0;
    tiny_add_node(tiny, "Size", "size", "x", "n");
    tiny_add_node(tiny, "Equal", "equal", "n,n", "same");
    tiny_add_node(tiny, "Greater", "greater", "x,w", "unknown");
    Onnx__NodeProto *node = tiny_add_node(tiny, "If", "branch", condition, "y");
    Onnx__GraphProto *then = add_branch(tiny, node, "then_branch"), *other = add_branch(tiny, node, "else_branch");
    then->node[then->n_node++] = loose_node(tiny, "Relu", "x", "t");
    then->node[then->n_node++] = loose_node(tiny, "Mul", "t,w", "r");
    other->node[other->n_node++] = loose_node(tiny, "Loop", "w", "r");
}

static void test_if(void)
{
    TinyModel tiny;
    start_if(&tiny, "same");
    expect_text(&tiny, TRUE,
                "%t = Relu(%x 1x3) -> 1x3\n"
                "%y = Mul(%t 1x3, %w 3) -> 1x3\n");
}

/* A branch in a branch reads the outermost graph's values. */
static void test_nested_if(void)
{
    TinyModel tiny;
    start_if(&tiny, "same");
    Onnx__GraphProto *then = tiny.nodes[3]->attribute[0]->g;
    Onnx__NodeProto *inner = then->node[1] = loose_node(&tiny, "If", "same", "r");
    Onnx__GraphProto *other = add_branch(&tiny, inner, "else_branch"), *deepest = add_branch(&tiny, inner, "then_branch");
    other->node[other->n_node++] = loose_node(&tiny, "Neg", "x", "r");
    deepest->node[deepest->n_node++] = loose_node(&tiny, "Add", "t,w", "r");
    expect_text(&tiny, TRUE,
                "%t = Relu(%x 1x3) -> 1x3\n"
                "%y = Add(%t 1x3, %w 3) -> 1x3\n");
}

static void test_bad_if(void)
{
    TinyModel tiny;
    start_if(&tiny, "unknown");
    expect_refusal(&tiny, STH_ERROR_UNSUPPORTED, "cannot run 'branch' (If): ");

    start_if(&tiny, "same");
    tiny_add_node(&tiny, "Not", "not", "same", "different");
    tiny.nodes[3]->input[0] = tiny_text(&tiny, "different");
    expect_refusal(&tiny, STH_ERROR_UNSUPPORTED, "its else_branch is taken and cannot be read: 'tiny.onnx': cannot run 'r' (Loop)");

    start_if(&tiny, "same");
    tiny.nodes[3]->n_attribute = 0;
    expect_refusal(&tiny, STH_ERROR_UNSUPPORTED, "its then_branch is missing");
}

/* The values 1, 2 at @places of a tensor of shape 2x3; as an initializer in the place of w, or as the value of a Constant. */
static Onnx__SparseTensorProto *sparse_tensor(TinyModel *tiny, const gint64 *places, guint per_index)
{
    Onnx__SparseTensorProto *sparse = keep(tiny, sizeof *sparse);
    onnx__sparse_tensor_proto__init(sparse);
    sparse->values = tiny_add_tensor(tiny, "s", (gint64[]){2, -1});
    sparse->indices = tiny_add_tensor(tiny, "places", per_index > 1 ? (gint64[]){2, 2, -1} : (gint64[]){2, -1});
    tiny->graph.n_initializer -= 2;
    sparse->indices->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    sparse->indices->raw_data = (ProtobufCBinaryData){2 * per_index * sizeof *places, (guint8 *)places};
    sparse->n_dims = 2;
    sparse->dims = keep(tiny, 2 * sizeof *sparse->dims);
    sparse->dims[0] = 2;
    sparse->dims[1] = 3;
    return sparse;
}

static void add_sparse(TinyModel *tiny, Onnx__SparseTensorProto *sparse)
{
    tiny->graph.sparse_initializer = keep(tiny, sizeof sparse);
    tiny->graph.sparse_initializer[tiny->graph.n_sparse_initializer++] = sparse;
    tiny_add_node(tiny, "Add", "more", "y,s", "z");
    tiny_add_output(tiny, "z");
}

static void test_sparse(void)
{
    static const gint64 linear[] = {1, 5}, pairs[] = {0, 1, 1, 2};
    static const float expected[] = {0, 1, 0, 0, 0, 2};
    for (guint form = 0; form < 3; form++) {
        TinyModel tiny;
        tiny_init(&tiny);
        Onnx__SparseTensorProto *sparse = sparse_tensor(&tiny, form == 1 ? pairs : linear, form == 1 ? 2 : 1);
        if (form == 2) {
            Onnx__AttributeProto *attribute = tiny_add_attribute(&tiny, tiny_add_node(&tiny, "Constant", "c", "", "s"), "sparse_value");
            attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR;
            attribute->sparse_tensor = sparse;
            tiny_add_node(&tiny, "Add", "more", "y,s", "z");
            tiny_add_output(&tiny, "z");
        } else {
            add_sparse(&tiny, sparse);
        }
        GError *error = NULL;
        SthGraph *graph = try_parse(&tiny, 0, &error);
        g_assert_no_error(error);
        g_assert_true(sth_graph_infer(graph, &error));
        const SthTensor *read = &sth_node_input(graph->nodes->pdata[1], 1)->tensor;
        g_assert_cmpmem(read->data, sth_tensor_bytes(read), expected, sizeof expected);
        sth_graph_free(graph);
        tiny_clear(&tiny);
    }
}

static void test_bad_sparse(void)
{
    static const gint64 outside[] = {1, 6}, negative[] = {0, -1, 1, 2};
    TinyModel tiny;
    tiny_init(&tiny);
    add_sparse(&tiny, sparse_tensor(&tiny, outside, 1));
    expect_refusal(&tiny, STH_ERROR_FORMAT, "initializer 's' is sparse and has an index outside of its shape");
    tiny_init(&tiny);
    add_sparse(&tiny, sparse_tensor(&tiny, negative, 2));
    expect_refusal(&tiny, STH_ERROR_FORMAT, "has an index outside of its shape");
    tiny_init(&tiny);
    add_sparse(&tiny, sparse_tensor(&tiny, outside, 1));
    tiny.graph.sparse_initializer[0]->indices->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    expect_refusal(&tiny, STH_ERROR_FORMAT, "its indices do not fit its values");
    tiny_init(&tiny);
    add_sparse(&tiny, sparse_tensor(&tiny, outside, 1));
    tiny.graph.sparse_initializer[0]->dims[0] = G_MAXINT64;
    expect_refusal(&tiny, STH_ERROR_FORMAT, "has an impossible shape");
}

/* A few bytes in the file that would be gigabytes in memory. */
static void test_memory_limit(void)
{
    static const gint64 places[] = {1, 5};
    TinyModel tiny;
    GError *error = NULL;
    tiny_init(&tiny);
    add_sparse(&tiny, sparse_tensor(&tiny, places, 1));
    tiny.graph.sparse_initializer[0]->dims[0] = 1 << 30;
    g_assert_null(try_parse(&tiny, 100000000, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_SYSTEM);
    g_assert_nonnull(strstr(error->message, "initializer 's' takes 12884.9 MB, more than is left of the limit of 100.0 MB; set STH_MEMORY_LIMIT"));
    g_error_free(error);
    tiny_clear(&tiny);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/onnx/structure/functions", test_functions);
    g_test_add_func("/onnx/structure/two-calls", test_two_calls);
    g_test_add_func("/onnx/structure/bad-functions", test_bad_functions);
    g_test_add_func("/onnx/structure/doubling", test_doubling);
    g_test_add_func("/onnx/structure/if", test_if);
    g_test_add_func("/onnx/structure/nested-if", test_nested_if);
    g_test_add_func("/onnx/structure/bad-if", test_bad_if);
    g_test_add_func("/onnx/structure/sparse", test_sparse);
    g_test_add_func("/onnx/structure/bad-sparse", test_bad_sparse);
    g_test_add_func("/onnx/structure/memory-limit", test_memory_limit);
    return g_test_run();
}
