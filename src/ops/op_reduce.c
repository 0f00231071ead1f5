/* Reductions over axes, one row each at the end. Axes come as an attribute or, from opset 13 (ReduceSum) or 18 (the others) on, as an input.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/op-helpers.h"

/* The input's axes, neighbours of one kind merged. Kept axes are walked by item, reduced ones inside of it. */
typedef struct {
    guint n_kept, n_reduced;
    gsize kept[STH_MAX_RANK], kept_stride[STH_MAX_RANK];
    gsize reduced[STH_MAX_RANK], reduced_stride[STH_MAX_RANK];
    gsize n_out, count; /* outputs; inputs for each */
    gsize run;          /* contiguous inputs of one output; 1: the innermost axis is kept */
    gsize lanes;        /* contiguous outputs that are made side by side; 1: the innermost axis is reduced */
} Reduction;

#define MAX_LANES 256

static gboolean find_axes(SthNode *node, guint rank, guint *mask, GError **error)
{
    guint n;
    gboolean given;
    gint64 *axes = sth_op_ints_attr_or_input(node, "axes", 1, &n, &given, error);
    if (given && axes == NULL)
        return FALSE;
    gboolean done = sth_op_axes_mask(node, axes, n, rank, mask, error);
    if (done && n == 0)
        *mask = sth_node_int(node, "noop_with_empty_axes", 0) ? 0 : (1u << rank) - 1;
    g_free(axes);
    return done;
}

static gboolean infer_axes(SthNode *node, guint types, gboolean spatial, GError **error)
{
    if (!sth_op_require_types(node, 0, types, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = {0};
    guint mask = (1u << in->shape.rank) - 1;
    if (spatial)
        mask &= ~3u;
    else if (!find_axes(node, in->shape.rank, &mask, error))
        return FALSE;
    gboolean keep = spatial || sth_node_int(node, "keepdims", 1) != 0;
    for (guint axis = 0; axis < in->shape.rank; axis++) {
        gboolean reduce = mask >> axis & 1;
        if (!reduce || keep)
            shape.dims[shape.rank++] = reduce ? 1 : in->shape.dims[axis];
    }
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean prepare_axes(SthNode *node, gboolean spatial, GError **error)
{
    const SthShape *shape = &sth_op_in(node, 0)->shape;
    guint mask = ((1u << shape->rank) - 1) & ~3u;
    if (!spatial && !find_axes(node, shape->rank, &mask, error))
        return FALSE;
    Reduction *plan = g_new0(Reduction, 1);
    plan->n_out = plan->count = plan->run = plan->lanes = 1;
    gboolean last_reduced = FALSE;
    gsize stride = 1;
    /* From the innermost axis outwards; merged while the kind stays the same. */
    for (guint axis = shape->rank, seen = 0; axis-- > 0;) {
        gsize dim = (gsize)shape->dims[axis];
        gboolean reduce = mask >> axis & 1;
        gsize *dims = reduce ? plan->reduced : plan->kept, *strides = reduce ? plan->reduced_stride : plan->kept_stride;
        guint *n = reduce ? &plan->n_reduced : &plan->n_kept;
        *(reduce ? &plan->count : &plan->n_out) *= dim;
        if (dim == 1)
            continue;
        if (seen++ > 0 && reduce == last_reduced) {
            dims[*n - 1] *= dim;
        } else {
            dims[*n] = dim;
            strides[(*n)++] = stride;
        }
        last_reduced = reduce;
        stride *= dim;
    }
    if (plan->n_reduced > 0 && plan->reduced_stride[0] == 1)
        plan->run = MAX(plan->reduced[0], 1); /* an axis of no elements: no runs at all */
    else if (plan->n_kept > 0 && plan->kept_stride[0] == 1)
        plan->lanes = MIN(plan->kept[0], MAX_LANES);
    node->prepared = plan;
    return TRUE;
}

/* Where position @index of axes (innermost first) lies. */
static inline gsize offset_of(gsize index, const gsize *dims, const gsize *strides, guint from, guint n)
{
    gsize at = 0;
    for (guint i = from; i < n; i++) {
        at += index % dims[i] * strides[i];
        index /= dims[i];
    }
    return at;
}

typedef struct {
    const SthOpRun *run;
    const Reduction *plan;
    gsize strips; /* of lanes in the innermost kept axis */
} Work;

/* What an operator takes; uint64 has no wider type to be compared in. */
#define TYPES_LOGARITHM STH_TYPES_REAL
#define TYPES_REDUCED (STH_TYPES_NUMBER & ~STH_TYPE(UINT64))
#define TYPES_COMPARED (TYPES_REDUCED | STH_TYPES_BOOL)

/* One output (lanes == 1, its inputs in runs) or `lanes` neighbouring ones, in a wide type. */
#define STH_REDUCE(type, wide, START, EACH, FINISH)                                                                                                  \
    {                                                                                                                                                \
        const Reduction *plan = work->plan;                                                                                                          \
        const type *in = work->run->in[0].data;                                                                                                      \
        type *out = work->run->out[0].data;                                                                                                          \
        G_GNUC_UNUSED const wide count = (wide)plan->count;                                                                                          \
        gboolean along = plan->lanes > 1;                                                                                                            \
        gsize lane = along ? item % work->strips * plan->lanes : 0, row = along ? item / work->strips : item;                                        \
        gsize lanes = along ? MIN(plan->lanes, plan->kept[0] - lane) : 1, runs = plan->count / plan->run;                                            \
        gsize base = lane + offset_of(row, plan->kept, plan->kept_stride, along ? 1 : 0, plan->n_kept);                                              \
        gsize at = along ? row * plan->kept[0] + lane : row;                                                                                         \
        wide total[MAX_LANES];                                                                                                                       \
        for (gsize l = 0; l < lanes; l++)                                                                                                            \
            total[l] = START;                                                                                                                        \
        for (gsize r = 0; r < runs; r++) {                                                                                                           \
            const type *p = in + base + offset_of(r, plan->reduced, plan->reduced_stride, plan->run > 1 ? 1 : 0, plan->n_reduced);                   \
            if (along)                                                                                                                               \
                for (gsize l = 0; l < lanes; l++) {                                                                                                  \
                    wide x = (wide)p[l], t = total[l];                                                                                               \
                    total[l] = EACH;                                                                                                                 \
                }                                                                                                                                    \
            else                                                                                                                                     \
                for (gsize i = 0; i < plan->run; i++) {                                                                                              \
                    G_GNUC_UNUSED const gsize l = 0;                                                                                                 \
                    wide x = (wide)p[i], t = total[0];                                                                                               \
                    total[0] = EACH;                                                                                                                 \
                }                                                                                                                                    \
        }                                                                                                                                            \
        for (gsize l = 0; l < lanes; l++) {                                                                                                          \
            wide t = total[l];                                                                                                                       \
            out[at + l] = (type)(FINISH);                                                                                                            \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

static void run_items(const SthOpRun *run, SthPoolFunc func)
{
    const Reduction *plan = run->prepared;
    Work work = {run, plan, 1};
    gsize items = plan->n_out;
    if (plan->lanes > 1) {
        work.strips = (plan->kept[0] + plan->lanes - 1) / plan->lanes;
        items = plan->n_out / plan->kept[0] * work.strips;
    }
    sth_op_parallel(run, func, &work, (guint)items);
}

/* Sums of contiguous floats, the pooling of whole channels: the kernel adds each run, double adds the runs. */
static double sum_of_runs(const Work *work, guint item)
{
    const Reduction *plan = work->plan;
    const float *in = (const float *)work->run->in[0].data + offset_of(item, plan->kept, plan->kept_stride, 0, plan->n_kept);
    double sum = 0;
    for (gsize r = 0; r < plan->count / plan->run; r++)
        sum += sth_kernels()->sum(in + offset_of(r, plan->reduced, plan->reduced_stride, 1, plan->n_reduced), plan->run);
    return sum;
}

static void item_float_sum(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    ((float *)work->run->out[0].data)[item] = (float)sum_of_runs(work, item);
}

static void item_float_mean(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    ((float *)work->run->out[0].data)[item] = (float)(sum_of_runs(work, item) / (double)work->plan->count);
}

static gboolean is_float_runs(const SthOpRun *run)
{
    return run->in[0].dtype == STH_DTYPE_FLOAT && ((const Reduction *)run->prepared)->run > 1;
}

#define REDUCE_REAL(name, type, unused, ...)                                                                                                         \
    case STH_DTYPE_##name:                                                                                                                           \
        STH_REDUCE(type, double, __VA_ARGS__)
#define REDUCE_INTEGER(name, type, unused, ...)                                                                                                      \
    case STH_DTYPE_##name:                                                                                                                           \
        STH_REDUCE(type, gint64, __VA_ARGS__)

#define ROW(ident, op_name, oldest, types, spatial, fast)                                                                                            \
    static void run_##ident(const SthOpRun *run)                                                                                                     \
    {                                                                                                                                                \
        run_items(run, is_float_runs(run) ? fast : item_##ident);                                                                                    \
    }                                                                                                                                                \
    static gboolean infer_##ident(SthNode *node, GError **error)                                                                                     \
    {                                                                                                                                                \
        return infer_axes(node, types, spatial, error);                                                                                              \
    }                                                                                                                                                \
    static gboolean prepare_##ident(SthNode *node, GError **error)                                                                                   \
    {                                                                                                                                                \
        return prepare_axes(node, spatial, error);                                                                                                   \
    }                                                                                                                                                \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {.name = op_name,                                                                                                   \
                                  .since = oldest,                                                                                                   \
                                  .min_in = 1,                                                                                                       \
                                  .max_in = spatial ? 1 : 2,                                                                                         \
                                  .constant_in = 1 << 1,                                                                                             \
                                  .infer = infer_##ident,                                                                                            \
                                  .prepare = prepare_##ident,                                                                                        \
                                  .run = run_##ident};

/* Sums of floats are made in double: order and number of terms do not matter then. @fast takes the runs of contiguous floats. */
#define STH_REDUCTION(ident, op_name, types, spatial, fast, LOWEST, LOWEST_INT, EACH, EACH_INT, FINISH, FINISH_INT)                                  \
    static void item_##ident(gpointer data, guint item, guint thread)                                                                                \
    {                                                                                                                                                \
        const Work *work = data;                                                                                                                     \
        switch (work->run->in[0].dtype) {                                                                                                            \
            STH_EACH_REAL(REDUCE_REAL, LOWEST, EACH, FINISH)                                                                                         \
            STH_EACH_SIGNED(REDUCE_INTEGER, LOWEST_INT, EACH_INT, FINISH_INT)                                                                        \
            STH_EACH_UNSIGNED(REDUCE_INTEGER, LOWEST_INT, EACH_INT, FINISH_INT)                                                                      \
            REDUCE_INTEGER(BOOL, guint8, , LOWEST_INT, EACH_INT, FINISH_INT)                                                                         \
        default:                                                                                                                                     \
            break;                                                                                                                                   \
        }                                                                                                                                            \
    }                                                                                                                                                \
    ROW(ident, op_name, 1, types, spatial, fast)

#define WRAP(a, sign, b) ((gint64)((guint64)(a)sign(guint64)(b)))
#define MEAN(sum) (count == 0 ? 0 : (sum) / count)
#define HIGHER (x > t ? x : t)
#define LOWER (x < t ? x : t)

STH_REDUCTION(reduce_sum, "ReduceSum", TYPES_REDUCED, FALSE, item_float_sum, 0, 0, t + x, WRAP(t, +, x), t, t)
STH_REDUCTION(reduce_mean, "ReduceMean", TYPES_REDUCED, FALSE, item_float_mean, 0, 0, t + x, WRAP(t, +, x), t / count, MEAN(t))
STH_REDUCTION(reduce_max, "ReduceMax", TYPES_COMPARED, FALSE, item_reduce_max, -INFINITY, G_MININT64, HIGHER, HIGHER, t, t)
STH_REDUCTION(reduce_min, "ReduceMin", TYPES_COMPARED, FALSE, item_reduce_min, INFINITY, G_MAXINT64, LOWER, LOWER, t, t)
STH_REDUCTION(reduce_prod, "ReduceProd", TYPES_REDUCED, FALSE, item_reduce_prod, 1, 1, t *x, WRAP(t, *, x), t, t)
STH_REDUCTION(reduce_sum_square, "ReduceSumSquare", TYPES_REDUCED, FALSE, item_reduce_sum_square, 0, 0, t + x * x, WRAP(t, +, WRAP(x, *, x)), t, t)
STH_REDUCTION(reduce_l1, "ReduceL1", TYPES_REDUCED, FALSE, item_reduce_l1, 0, 0, t + fabs(x), WRAP(t, +, x < 0 ? 0 - (guint64)x : (guint64)x), t, t)
STH_REDUCTION(reduce_l2, "ReduceL2", TYPES_REDUCED, FALSE, item_reduce_l2, 0, 0, t + x * x, WRAP(t, +, WRAP(x, *, x)), sqrt(t),
              (gint64)sqrt((double)t))
STH_REDUCTION(global_max_pool, "GlobalMaxPool", TYPES_REDUCED, TRUE, item_global_max_pool, -INFINITY, G_MININT64, HIGHER, HIGHER, t, t)

static void item_reduce_log_sum(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    switch (work->run->in[0].dtype) {
        STH_EACH_REAL(REDUCE_REAL, 0, t + x, log(t))
    default:
        break;
    }
}

ROW(reduce_log_sum, "ReduceLogSum", 1, TYPES_LOGARITHM, FALSE, item_reduce_log_sum)

/* The largest exponent is taken out of the sum, so that no power overflows: what the maximum left in the output. */
#define TOP (isinf((double)out[at + l]) ? 0 : (double)out[at + l])

static void item_reduce_log_sum_exp(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    item_reduce_max(data, item, thread);
    switch (work->run->in[0].dtype) {
        STH_EACH_REAL(REDUCE_REAL, 0, t + exp(x - TOP), log(t) + TOP)
    default:
        break;
    }
}

ROW(reduce_log_sum_exp, "ReduceLogSumExp", 1, TYPES_LOGARITHM, FALSE, item_reduce_log_sum_exp)
