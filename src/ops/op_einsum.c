/* Einsum: any equation, as matrix products.
 *
 * Two operands A and B at a time, from the left. Of the indices that they have, those of both that are kept are batches, those of one that are
 * kept are rows (of A) and columns (of B), all others are summed over. Each operand is copied into that order by strides, in which a diagonal is
 * the sum of two strides and a repeated axis has none; it is used as it is where it is in order already. A single operand is multiplied by ones,
 * if there is a sum. The last product is copied into the result's order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/memory.h"
#include "ops/elements.h"
#include "ops/equation.h"
#include "ops/matmul.h"

#define HAS(mask, index) ((mask) >> (index)&1)

/* A tensor on the way: strides by index, in elements. */
typedef struct {
    guint64 indices; /* a bit each */
    gssize stride[STH_EQUATION_INDICES];
    gint source;  /* >= 0: an input; else it is in scratch memory at offset */
    gsize offset; /* bytes */
} Operand;

/* Indices in order. */
typedef struct {
    guint n;
    guint8 index[STH_COPY_MAX_RANK];
} Order;

/* An operand brought into order. */
typedef struct {
    gboolean copied;
    SthCopy copy;
    gint source;
    gsize from, to; /* offsets in scratch memory; from: where source < 0 */
} Arrange;

typedef struct {
    Arrange a, b;
    gboolean ones; /* B is ones */
    SthMatMul mul;
    gsize out; /* offset in scratch memory */
} Step;

typedef struct {
    SthDType dtype;
    guint n_steps;
    Step *steps;
    Arrange last;
} Einsum;

typedef struct {
    const SthEquation *equation;
    SthNode *node;
    gsize size, used; /* bytes of an element; of scratch memory */
    gboolean overflow;
} Planner;

static gsize reserve(Planner *p, gsize elements)
{
    const gsize at = p->used;

    p->overflow = p->overflow || elements > G_MAXSIZE / 4 / p->size || p->used > G_MAXSIZE / 4;
    p->used += p->overflow ? 0 : STH_ALIGN_UP(elements * p->size);
    return at;
}

static gsize count(Planner *p, const Order *order, guint from, guint to)
{
    gsize n = 1;

    for (guint i = from; i < to; i++) {
        const gsize dim = (gsize)p->equation->dims[order->index[i]];
        p->overflow = p->overflow || (dim > 0 && n > G_MAXSIZE / 16 / dim);
        n *= p->overflow ? 1 : dim;
    }
    return n;
}

static void append(Planner *p, Order *order, guint64 indices)
{
    for (guint i = 0; i < STH_EQUATION_INDICES; i++)
        if (HAS(indices, i) && order->n == STH_COPY_MAX_RANK)
            p->overflow = TRUE;
        else if (HAS(indices, i))
            order->index[order->n++] = (guint8)i;
}

static Operand input_operand(const SthEquation *e, const SthNode *node, guint input)
{
    const SthShape *shape = &sth_op_in(node, input)->shape;
    Operand operand = {.source = (gint)input};
    gssize stride = 1;

    for (guint axis = shape->rank; axis-- > 0; stride *= (gssize)shape->dims[axis]) {
        const guint index = e->in[input].index[axis];

        operand.indices |= (guint64)1 << index;
        operand.stride[index] += shape->dims[axis] == 1 ? 0 : stride;
    }
    return operand;
}

static void arrange(Planner *p, Arrange *a, const Operand *operand, const Order *order)
{
    gsize dims[STH_COPY_MAX_RANK];
    gssize strides[STH_COPY_MAX_RANK], dense = 1;

    *a = (Arrange){.source = operand->source, .from = operand->offset};
    for (guint i = order->n; i-- > 0; dense *= (gssize)dims[i]) {
        dims[i] = (gsize)p->equation->dims[order->index[i]];
        strides[i] = operand->stride[order->index[i]];
        a->copied = a->copied || (dims[i] != 1 && strides[i] != dense);
    }
    sth_copy_plan(&a->copy, p->size, order->n, dims, strides, 0);
    if (a->copied)
        a->to = reserve(p, count(p, order, 0, order->n));
}

/* The product of two operands (@b may be NULL: ones), of which the indices @kept stay. */
static gboolean plan_step(Planner *p, Step *step, SthDType dtype, const Operand *a, const Operand *b, guint64 kept, Operand *product, GError **error)
{
    const guint64 both = b ? a->indices & b->indices : 0, all = b ? a->indices | b->indices : a->indices;
    const guint64 rows = a->indices & ~both & kept, columns = b ? b->indices & ~both & kept : 0;
    Order order_a = {0}, order_b = {0}, order = {0};
    gsize stride = 1;

    append(p, &order_a, both & kept);
    order_b = order = order_a;
    const guint batch = order_a.n;
    append(p, &order_a, rows);
    const guint rows_end = order_a.n;
    append(p, &order_a, all & ~kept);
    append(p, &order_b, all & ~kept);
    const guint sum_end = order_b.n;
    append(p, &order_b, columns);
    append(p, &order, rows | columns);
    if (p->overflow)
        return sth_op_error(p->node, error, "the equation needs more than %d indices at once", STH_COPY_MAX_RANK);
    /* Rows before columns, whatever their letters. */
    order.n = batch;
    append(p, &order, rows);
    append(p, &order, columns);
    step->mul = (SthMatMul){.rank = 1, .dims = {count(p, &order_a, 0, batch)}, .a_step = {1}, .b_step = {1}};
    step->mul.matrix = (SthMatrix3){.dtype = dtype,
                                    .m = count(p, &order_a, batch, rows_end),
                                    .k = count(p, &order_a, rows_end, order_a.n),
                                    .n = count(p, &order_b, sum_end, order_b.n)};
    step->ones = !b;
    arrange(p, &step->a, a, &order_a);
    if (b)
        arrange(p, &step->b, b, &order_b);
    else
        step->b.to = reserve(p, step->mul.matrix.k);
    step->out = reserve(p, count(p, &order, 0, order.n));
    *product = (Operand){.indices = kept & all, .source = -1, .offset = step->out};
    for (guint i = order.n; i-- > 0; stride *= (gsize)p->equation->dims[order.index[i]])
        product->stride[order.index[i]] = (gssize)stride;
    p->node->macs += step->mul.dims[0] * step->mul.matrix.m * step->mul.matrix.n * step->mul.matrix.k;
    if (p->overflow)
        return sth_op_error(p->node, error, "what it computes on the way is too large");
    return sth_matrix_check(&step->mul.matrix, p->node, error);
}

static guint64 indices_of(const SthTerm *term)
{
    guint64 indices = 0;

    for (guint i = 0; i < term->rank; i++)
        indices |= (guint64)1 << term->index[i];
    return indices;
}

static gboolean plan(Einsum *einsum, SthNode *node, const SthEquation *e, GError **error)
{
    const guint64 result = indices_of(&e->out);
    Operand operand = input_operand(e, node, 0), next, product;
    Planner p = {.equation = e, .node = node, .size = sth_dtype_size(einsum->dtype)};
    Order order = {.n = e->out.rank};

    einsum->steps = g_new0(Step, MAX(1, e->n_in));
    for (guint i = 1; i < e->n_in; i++) {
        guint64 kept = result;

        for (guint later = i + 1; later < e->n_in; later++)
            kept |= indices_of(&e->in[later]);
        next = input_operand(e, node, i);
        if (!plan_step(&p, &einsum->steps[einsum->n_steps++], einsum->dtype, &operand, &next, kept, &product, error))
            return FALSE;
        operand = product;
    }
    if (operand.indices & ~result) {
        if (!plan_step(&p, &einsum->steps[einsum->n_steps++], einsum->dtype, &operand, NULL, result, &product, error))
            return FALSE;
        operand = product;
    }
    memcpy(order.index, e->out.index, e->out.rank);
    const gsize used = p.used;
    arrange(&p, &einsum->last, &operand, &order);
    einsum->last.copied = TRUE; /* to the output, which needs no scratch memory */
    node->scratch = used;
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape = {0};
    SthEquation e;

    for (guint i = 0; i < node->inputs->len; i++)
        if (!sth_op_require_types(node, i, STH_TYPES_MATRIX, error) || !sth_op_require_same_type(node, 0, i, error))
            return FALSE;
    if (!sth_equation_read(&e, node, error))
        return FALSE;
    shape.rank = e.out.rank;
    for (guint i = 0; i < shape.rank; i++)
        shape.dims[i] = e.dims[e.out.index[i]];
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Einsum *einsum = g_new0(Einsum, 1);
    SthEquation e;

    node->prepared = einsum;
    einsum->dtype = sth_op_in(node, 0)->dtype;
    return sth_equation_read(&e, node, error) && plan(einsum, node, &e, error);
}

static void release(gpointer prepared)
{
    Einsum *einsum = prepared;

    g_free(einsum->steps);
    g_free(einsum);
}

/* The operand in order: where it is, or where it was copied to. */
static gconstpointer arranged(const SthOpRun *run, const Arrange *a)
{
    gconstpointer from = a->source >= 0 ? run->in[a->source].data : run->scratch + a->from;

    if (!a->copied)
        return from;
    sth_copy_run(run, &a->copy, run->scratch + a->to, from);
    return run->scratch + a->to;
}

static void fill_ones(const SthOpRun *run, const Step *step)
{
    const SthTensor ones = {.dtype = step->mul.matrix.dtype, .data = run->scratch + step->b.to};
    const double one = 1;

    for (gsize i = 0; i < step->mul.matrix.k; i++)
        sth_elements_from_doubles(&ones, &one, i, 1);
}

static void run_einsum(const SthOpRun *run)
{
    const Einsum *einsum = run->prepared;
    const Arrange *last = &einsum->last;

    for (guint i = 0; i < einsum->n_steps; i++) {
        const Step *step = &einsum->steps[i];
        gconstpointer a = arranged(run, &step->a), b;

        if (step->ones)
            fill_ones(run, step);
        b = step->ones ? run->scratch + step->b.to : arranged(run, &step->b);
        sth_matmul_run(run, &step->mul, a, b, run->scratch + step->out);
    }
    sth_copy_run(run, &last->copy, run->out[0].data, last->source >= 0 ? run->in[last->source].data : run->scratch + last->from);
}

extern const SthOp sth_op_einsum;
const SthOp sth_op_einsum = {.name = "Einsum",
                             .since = 12,
                             .min_in = 1,
                             .max_in = STH_EQUATION_TERMS,
                             .infer = infer,
                             .prepare = prepare,
                             .run = run_einsum,
                             .release = release};
