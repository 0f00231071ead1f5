/* Operators that move, combine and reduce elements, on tensors large enough for all their paths (several parts of work, tiles, tails), against
 * an element-by-element definition. ONNX's own cases are tiny.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "op-harness.h"

#define ROUNDS 60

/* One node: its inputs and what its row chose at random. */
typedef struct {
    OpHarness harness;
    const SthTensor *in[3];
    gint64 a[STH_MAX_RANK], b[STH_MAX_RANK];
    guint axis, mask;
    gboolean keep;
} Case;

typedef struct {
    const char *op;
    gint opset;
    void (*make)(Case *test);
    /* What the output holds at an index. */
    double (*expect)(const Case *test, const gint64 *index, guint rank);
    double tolerance; /* relative */
} Row;

static gint64 roll(gint64 from, gint64 to)
{
    return g_test_rand_int_range((gint32)from, (gint32)to + 1);
}

/* Up to about 200,000 elements, so that the largest are more than one part of work. */
static SthShape any_shape(guint least_rank)
{
    static const gint most[] = {0, 90000, 400, 60, 20, 11, 7};
    guint rank = (guint)roll(least_rank, 6);
    return op_harness_shape(rank, most[rank]);
}

static void add_random(Case *test, guint i, const SthShape *shape)
{
    test->in[i] = &op_harness_random(&test->harness, shape)->tensor;
}

static gsize flat(const SthShape *shape, const gint64 *index)
{
    gsize at = 0;
    for (guint i = 0; i < shape->rank; i++)
        at = at * (gsize)shape->dims[i] + (gsize)index[i];
    return at;
}

static double value_at(const SthTensor *tensor, const gint64 *index)
{
    return ((const float *)tensor->data)[flat(&tensor->shape, index)];
}

/* By NumPy's rules: missing axes in front, axes of one element stand still. */
static double broadcast_at(const SthTensor *tensor, const gint64 *index, guint rank)
{
    gint64 own[STH_MAX_RANK];
    for (guint i = 0; i < tensor->shape.rank; i++)
        own[i] = tensor->shape.dims[i] == 1 ? 0 : index[rank - tensor->shape.rank + i];
    return value_at(tensor, own);
}

static void make_transpose(Case *test)
{
    SthShape shape = any_shape(1);
    add_random(test, 0, &shape);
    for (guint i = 0; i < shape.rank; i++)
        test->a[i] = i;
    for (guint i = shape.rank; i-- > 1;) {
        guint with = (guint)roll(0, i);
        gint64 axis = test->a[i];
        test->a[i] = test->a[with];
        test->a[with] = axis;
    }
    sth_node_set_ints(test->harness.node, "perm", test->a, shape.rank);
}

static double expect_transpose(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++)
        from[test->a[i]] = index[i];
    return value_at(test->in[0], from);
}

static void make_slice(Case *test)
{
    SthShape shape = any_shape(1);
    gint64 ends[STH_MAX_RANK];
    add_random(test, 0, &shape);
    for (guint i = 0; i < shape.rank; i++) {
        gboolean whole = roll(0, 2) == 0;
        gint64 dim = shape.dims[i], first = whole ? 0 : roll(0, dim - 1), last = whole ? dim - 1 : roll(0, dim - 1);
        test->a[i] = first;
        test->b[i] = first <= last ? roll(1, 3) : -roll(1, 3);
        ends[i] = first <= last ? last + 1 : last == 0 ? G_MININT64 : last - 1;
    }
    op_harness_ints(&test->harness, test->a, shape.rank);
    op_harness_ints(&test->harness, ends, shape.rank);
    sth_node_add_input(test->harness.node, NULL);
    op_harness_ints(&test->harness, test->b, shape.rank);
}

static double expect_slice(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++)
        from[i] = test->a[i] + index[i] * test->b[i];
    return value_at(test->in[0], from);
}

/* Up to three elements on each side, no more than the mode allows. */
static void make_pad(Case *test, const char *mode)
{
    SthShape shape = any_shape(1);
    gint64 pads[2 * STH_MAX_RANK];
    add_random(test, 0, &shape);
    for (guint i = 0; i < shape.rank; i++) {
        gint64 most = strcmp(mode, "reflect") == 0 ? MIN(3, shape.dims[i] - 1) : 3;
        gboolean none = roll(0, 1) == 0;
        test->a[i] = pads[i] = none ? 0 : roll(0, most);
        pads[shape.rank + i] = none ? 0 : roll(0, most);
    }
    sth_node_set_string(test->harness.node, "mode", mode);
    op_harness_ints(&test->harness, pads, 2 * shape.rank);
}

static void make_pad_constant(Case *test)
{
    make_pad(test, "constant");
}

static void make_pad_edge(Case *test)
{
    make_pad(test, "edge");
}

static void make_pad_reflect(Case *test)
{
    make_pad(test, "reflect");
}

static double expect_pad_constant(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++) {
        from[i] = index[i] - test->a[i];
        if (from[i] < 0 || from[i] >= test->in[0]->shape.dims[i])
            return 0;
    }
    return value_at(test->in[0], from);
}

static double expect_pad_edge(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++)
        from[i] = CLAMP(index[i] - test->a[i], 0, test->in[0]->shape.dims[i] - 1);
    return value_at(test->in[0], from);
}

static double expect_pad_reflect(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++) {
        gint64 last = test->in[0]->shape.dims[i] - 1;
        from[i] = ABS(index[i] - test->a[i]);
        from[i] = from[i] > last ? 2 * last - from[i] : from[i];
    }
    return value_at(test->in[0], from);
}

/* Some axes of one element, so that there is something to repeat. */
static SthShape thinned(SthShape shape)
{
    for (guint i = 0; i < shape.rank; i++)
        shape.dims[i] = roll(0, 2) == 0 ? 1 : shape.dims[i];
    return shape;
}

static void make_expand(Case *test)
{
    SthShape full = any_shape(1), shape = thinned(full);
    add_random(test, 0, &shape);
    op_harness_ints(&test->harness, full.dims, full.rank);
}

static double expect_broadcast(const Case *test, const gint64 *index, guint rank)
{
    return broadcast_at(test->in[0], index, rank);
}

static void make_tile(Case *test)
{
    SthShape shape = any_shape(3);
    gint64 repeats[STH_MAX_RANK];
    add_random(test, 0, &shape);
    for (guint i = 0; i < shape.rank; i++)
        repeats[i] = roll(0, 3) == 0 ? 2 : 1;
    op_harness_ints(&test->harness, repeats, shape.rank);
}

static double expect_tile(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    for (guint i = 0; i < rank; i++)
        from[i] = index[i] % test->in[0]->shape.dims[i];
    return value_at(test->in[0], from);
}

static void make_concat(Case *test)
{
    SthShape shape = any_shape(2);
    test->axis = (guint)roll(0, shape.rank - 1);
    for (guint i = 0; i < 3; i++) {
        add_random(test, i, &shape);
        shape.dims[test->axis] = roll(1, 9);
    }
    sth_node_set_int(test->harness.node, "axis", test->axis);
}

static double expect_concat(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    guint part = 0;
    memcpy(from, index, sizeof from);
    while (from[test->axis] >= test->in[part]->shape.dims[test->axis])
        from[test->axis] -= test->in[part++]->shape.dims[test->axis];
    return value_at(test->in[part], from);
}

static void make_gather(Case *test)
{
    SthShape shape = any_shape(2);
    test->axis = (guint)roll(0, shape.rank - 1);
    add_random(test, 0, &shape);
    gint64 dim = shape.dims[test->axis];
    for (guint i = 0; i < STH_MAX_RANK; i++)
        test->a[i] = roll(-dim, dim - 1);
    op_harness_ints(&test->harness, test->a, STH_MAX_RANK);
    sth_node_set_int(test->harness.node, "axis", test->axis);
}

static double expect_gather(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    memcpy(from, index, sizeof from);
    gint64 picked = test->a[index[test->axis]];
    from[test->axis] = picked < 0 ? picked + test->in[0]->shape.dims[test->axis] : picked;
    return value_at(test->in[0], from);
}

/* Two inputs that broadcast, sometimes of different rank. */
static void make_binary(Case *test)
{
    SthShape full = any_shape(1), a = thinned(full), b = thinned(full);
    guint drop = (guint)roll(0, 1) * (guint)roll(0, full.rank - 1);
    memmove(b.dims, b.dims + drop, (b.rank - drop) * sizeof *b.dims);
    b.rank -= drop;
    add_random(test, 0, roll(0, 1) ? &full : &a);
    add_random(test, 1, &b);
}

static double expect_add(const Case *test, const gint64 *index, guint rank)
{
    return broadcast_at(test->in[0], index, rank) + broadcast_at(test->in[1], index, rank);
}

static void make_add_clamp(Case *test)
{
    make_binary(test);
    sth_node_set_float(test->harness.node, "sth.min", -20);
    sth_node_set_float(test->harness.node, "sth.max", 60);
}

static double expect_add_clamp(const Case *test, const gint64 *index, guint rank)
{
    return CLAMP(expect_add(test, index, rank), -20, 60);
}

static double expect_sub(const Case *test, const gint64 *index, guint rank)
{
    return broadcast_at(test->in[0], index, rank) - broadcast_at(test->in[1], index, rank);
}

static double expect_mul(const Case *test, const gint64 *index, guint rank)
{
    return broadcast_at(test->in[0], index, rank) * broadcast_at(test->in[1], index, rank);
}

static double expect_max(const Case *test, const gint64 *index, guint rank)
{
    return MAX(broadcast_at(test->in[0], index, rank), broadcast_at(test->in[1], index, rank));
}

static void make_reduce(Case *test)
{
    SthShape shape = any_shape(1);
    add_random(test, 0, &shape);
    guint n = 0;
    for (guint i = 0; i < shape.rank; i++)
        if (roll(0, 1)) {
            test->mask |= 1u << i;
            test->b[n++] = roll(0, 1) ? i : (gint64)i - (gint64)shape.rank;
        }
    if (n == 0)
        test->mask = (1u << shape.rank) - 1;
    else
        sth_node_set_ints(test->harness.node, "axes", test->b, n);
    test->keep = roll(0, 1) == 1;
    sth_node_set_int(test->harness.node, "keepdims", test->keep);
}

/* Goes over all inputs of one output. */
static double reduce(const Case *test, const gint64 *index, gboolean highest, gint64 *count)
{
    const SthShape *shape = &test->in[0]->shape;
    gint64 from[STH_MAX_RANK] = {0};
    double total = highest ? -INFINITY : 0;
    for (guint i = 0, next = 0; i < shape->rank; i++) {
        gboolean reduced = test->mask >> i & 1;
        from[i] = reduced ? 0 : index[next];
        next += !reduced || test->keep;
    }
    for (*count = 0;; ++*count) {
        double x = value_at(test->in[0], from);
        total = highest ? MAX(total, x) : total + x;
        guint axis = shape->rank;
        while (axis-- > 0) {
            if (!(test->mask >> axis & 1))
                continue;
            if (++from[axis] < shape->dims[axis])
                break;
            from[axis] = 0;
        }
        if (axis == G_MAXUINT)
            break;
    }
    ++*count;
    return total;
}

static double expect_reduce_sum(const Case *test, const gint64 *index, guint rank)
{
    gint64 count;
    return reduce(test, index, FALSE, &count);
}

static double expect_reduce_mean(const Case *test, const gint64 *index, guint rank)
{
    gint64 count;
    double sum = reduce(test, index, FALSE, &count);
    return sum / (double)count;
}

static double expect_reduce_max(const Case *test, const gint64 *index, guint rank)
{
    gint64 count;
    return reduce(test, index, TRUE, &count);
}

static void make_softmax(Case *test)
{
    SthShape shape = any_shape(3);
    add_random(test, 0, &shape);
    test->axis = (guint)roll(0, shape.rank - 1);
    sth_node_set_int(test->harness.node, "axis", test->axis);
}

static double expect_softmax(const Case *test, const gint64 *index, guint rank)
{
    gint64 from[STH_MAX_RANK];
    double sum = 0, own = value_at(test->in[0], index);
    memcpy(from, index, sizeof from);
    for (from[test->axis] = 0; from[test->axis] < test->in[0]->shape.dims[test->axis]; from[test->axis]++)
        sum += exp(value_at(test->in[0], from) - own);
    return 1 / sum;
}

static const Row rows[] = {
    {"Transpose", 13, make_transpose, expect_transpose, 0},
    {"Slice", 13, make_slice, expect_slice, 0},
    {"Pad", 13, make_pad_constant, expect_pad_constant, 0},
    {"Pad", 13, make_pad_edge, expect_pad_edge, 0},
    {"Pad", 13, make_pad_reflect, expect_pad_reflect, 0},
    {"Expand", 13, make_expand, expect_broadcast, 0},
    {"Tile", 13, make_tile, expect_tile, 0},
    {"Concat", 13, make_concat, expect_concat, 0},
    {"Gather", 13, make_gather, expect_gather, 0},
    {"Add", 13, make_binary, expect_add, 0},
    {"Add", 13, make_add_clamp, expect_add_clamp, 0},
    {"Sub", 13, make_binary, expect_sub, 0},
    {"Mul", 13, make_binary, expect_mul, 0},
    {"Max", 13, make_binary, expect_max, 0},
    {"ReduceSum", 11, make_reduce, expect_reduce_sum, 1e-6},
    {"ReduceMean", 13, make_reduce, expect_reduce_mean, 1e-6},
    {"ReduceMax", 13, make_reduce, expect_reduce_max, 0},
    {"Softmax", 13, make_softmax, expect_softmax, 2e-5},
};

static void compare(const Row *row, const Case *test, const SthTensor *out)
{
    gint64 index[STH_MAX_RANK] = {0};
    for (gsize i = 0, n = (gsize)sth_shape_elements(&out->shape); i < n; i++) {
        double got = ((const float *)out->data)[i], want = row->expect(test, index, out->shape.rank);
        if (!(fabs(got - want) <= row->tolerance * fabs(want) + row->tolerance * 1e-3)) {
            char *shape = sth_shape_to_string(&test->in[0]->shape);
            g_error("%s of %s: element %" G_GSIZE_FORMAT " is %.9g, it should be %.9g", row->op, shape, i, got, want);
        }
        for (guint axis = out->shape.rank; axis-- > 0;) {
            if (++index[axis] < out->shape.dims[axis])
                break;
            index[axis] = 0;
        }
    }
}

static void test_row(gconstpointer data)
{
    const Row *row = data;
    for (guint round = 0; round < ROUNDS; round++) {
        Case test = {0};
        SthTensor one, two;
        op_harness_init(&test.harness, row->op, row->opset);
        row->make(&test);
        op_harness_run(&test.harness, 1, 1, &one);
        op_harness_run(&test.harness, 2, 1, &two);
        compare(row, &test, &one);
        g_assert_cmpmem(one.data, sth_tensor_bytes(&one), two.data, sth_tensor_bytes(&two));
        sth_aligned_free(one.data);
        sth_aligned_free(two.data);
        op_harness_clear(&test.harness);
    }
}

/* What Split takes apart, Concat puts together. */
static void test_split(void)
{
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness split, concat;
        SthTensor parts[3], whole;
        SthShape shape = any_shape(2);
        guint axis = (guint)roll(0, shape.rank - 1);
        gint64 lengths[3] = {roll(1, 9), roll(0, 3), roll(1, 9)};
        shape.dims[axis] = lengths[0] + lengths[1] + lengths[2];
        op_harness_init(&split, "Split", 13);
        const SthTensor *in = &op_harness_random(&split, &shape)->tensor;
        op_harness_ints(&split, lengths, 3);
        sth_node_set_int(split.node, "axis", axis);
        op_harness_run(&split, 2, 3, parts);
        op_harness_init(&concat, "Concat", 13);
        sth_node_set_int(concat.node, "axis", axis);
        for (guint i = 0; i < 3; i++) {
            g_assert_cmpint(parts[i].shape.dims[axis], ==, lengths[i]);
            SthValue *value = op_harness_random(&concat, &parts[i].shape);
            memcpy(value->tensor.data, parts[i].data, sth_tensor_bytes(&parts[i]));
        }
        op_harness_run(&concat, 2, 1, &whole);
        g_assert_cmpmem(whole.data, sth_tensor_bytes(&whole), in->data, sth_tensor_bytes(in));
        for (guint i = 0; i < 3; i++)
            sth_aligned_free(parts[i].data);
        sth_aligned_free(whole.data);
        op_harness_clear(&split);
        op_harness_clear(&concat);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *path = g_strdup_printf("/ops/movement/%s-%" G_GSIZE_FORMAT, rows[i].op, i);
        g_test_add_data_func(path, &rows[i], test_row);
        g_free(path);
    }
    g_test_add_func("/ops/movement/split", test_split);
    return g_test_run();
}
