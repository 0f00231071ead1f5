/* The values above each other are a tree, as the dominators of a program are: what a Concat holds elements of is what all its parts hold elements of.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/places.h"

#include <string.h>

#include "ops/selection.h"
#include "ops/sliding.h"
#include "optimiser/constants.h"

/* Exporters put a handful of them behind one another; deeper is not looked at. */
#define MAX_DEPTH 64

static gboolean is_op(const SthNode *node, const char *op)
{
    return strcmp(node->op_type, op) == 0;
}

static guint axis_of(const SthNode *node, gint64 fallback)
{
    const gint64 axis = sth_node_int(node, "axis", fallback);

    return (guint)(axis < 0 ? axis + STH_PLACE_RANK : axis);
}

static gint64 size_of(const SthValue *value, guint axis)
{
    return value->tensor.shape.dims[axis];
}

/* What a node with one input takes of it: element i of the result is element start + i * step, 0 where that is outside. */
static gboolean find_selection(SthNode *node, const SthValue *value, SthSliceWindow *window)
{
    gint64 end[STH_MAX_RANK];
    SthSliding s;

    for (guint i = 0; i < STH_PLACE_RANK; i++) {
        window->start[i] = 0;
        window->step[i] = 1;
        window->length[i] = size_of(value, i);
    }
    if (is_op(node, "Slice"))
        return sth_slice_window(node, window, NULL) && MIN(MIN(window->step[0], window->step[1]), window->step[2]) > 0 &&
               MIN(window->step[3], window->step[4]) > 0 && window->step[1] == 1;
    if (is_op(node, "Split")) {
        for (guint i = 0; sth_node_output(node, i) != value; i++) {
            if (!sth_node_output(node, i))
                return FALSE;
            window->start[axis_of(node, 0)] += size_of(sth_node_output(node, i), axis_of(node, 0));
        }
        return TRUE;
    }
    if (is_op(node, "Pad")) {
        if (strcmp(sth_node_string(node, "mode", "constant"), "constant") != 0 || sth_node_float(node, "value", 0) != 0 ||
            (sth_node_input(node, 2) && !sth_constant_is(sth_node_input(node, 2), 0)) || !sth_pad_amounts(node, window->start, end, NULL))
            return FALSE;
        for (guint i = 0; i < STH_PLACE_RANK; i++)
            window->start[i] = -window->start[i];
        return TRUE;
    }
    if ((!is_op(node, "MaxPool") && !is_op(node, "AveragePool")) || node->outputs->len != 1 || !sth_sliding_init(&s, node, NULL, NULL))
        return FALSE;
    for (guint a = 0; a < STH_PLACE_AXES; a++) {
        if (s.kernel[a] != 1 || s.pad[a] != 0 || s.pad_end[a] != 0)
            return FALSE;
        window->step[2 + a] = s.stride[a];
    }
    return TRUE;
}

/* Batches stay as they are, channels inside the input. */
static gboolean is_selection(SthNode *node, const SthValue *value)
{
    SthSliceWindow window;
    const SthValue *in = sth_node_input(node, 0);

    return in && in->tensor.shape.rank == STH_PLACE_RANK && find_selection(node, value, &window) && window.start[0] == 0 &&
           size_of(in, 0) == size_of(value, 0) && window.start[1] >= 0 && window.start[1] + size_of(value, 1) <= size_of(in, 1);
}

static SthValue *find_above(SthPlaces *places, SthValue *value, guint depth);

static SthValue *find_common(SthPlaces *places, SthValue *a, SthValue *b, guint depth)
{
    g_autoptr(GHashTable) seen = NULL;

    if (a == b)
        return a;
    seen = g_hash_table_new(NULL, NULL);
    for (; a; a = find_above(places, a, depth))
        g_hash_table_add(seen, a);
    while (b && !g_hash_table_contains(seen, b))
        b = find_above(places, b, depth);
    return b;
}

/* Along time, height and width one part may hold something, the others zeros; along channels all may. */
static SthValue *above_concat(SthPlaces *places, const SthNode *concat, guint depth)
{
    const guint axis = axis_of(concat, 1);
    SthValue *common = NULL;
    guint parts = 0;

    for (guint i = 0; i < concat->inputs->len; i++) {
        SthValue *part = sth_node_input(concat, i);
        if (part->constant && sth_constant_is(part, 0))
            continue;
        common = parts++ == 0 ? part : find_common(places, common, part, depth);
        if (!common)
            return NULL;
    }
    return axis == 1 || (axis > 1 && parts == 1) ? common : NULL;
}

static SthValue *find_above(SthPlaces *places, SthValue *value, guint depth)
{
    SthNode *node = value->producer;
    gpointer known;
    SthValue *above = NULL;

    if (g_hash_table_lookup_extended(places->above, value, NULL, &known))
        return known;
    if (node && value->tensor.shape.rank == STH_PLACE_RANK && value->tensor.dtype == STH_DTYPE_FLOAT && depth < MAX_DEPTH) {
        if (is_op(node, "Concat"))
            above = above_concat(places, node, depth + 1);
        else if (is_selection(node, value))
            above = sth_node_input(node, 0);
    }
    g_hash_table_insert(places->above, value, above);
    return above;
}

void sth_places_init(SthPlaces *places)
{
    places->above = g_hash_table_new(NULL, NULL);
}

void sth_places_clear(SthPlaces *places)
{
    g_hash_table_unref(places->above);
}

SthValue *sth_places_common(SthPlaces *places, SthValue *a, SthValue *b)
{
    return find_common(places, a, b, 0);
}

static gint64 divide_up(gint64 a, gint64 b)
{
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

/* The place of what takes elements start, start + step, … of an axis: @length of them. */
static SthPlaceAxis take(const SthPlaceAxis *in, gint64 start, gint64 step, gint64 length)
{
    return (SthPlaceAxis){.from = in->from + start * in->step,
                          .step = in->step * step,
                          .begin = CLAMP(divide_up(in->begin - start, step), 0, length),
                          .end = CLAMP(divide_up(in->end - start, step), 0, length)};
}

/* Appends channels first … first + n of @from. */
static void append_runs(GArray *runs, const GArray *from, gint64 first, gint64 n)
{
    for (guint i = 0; i < from->len; i++) {
        SthPlaceRun run = g_array_index(from, SthPlaceRun, i);
        const gint64 begin = MAX(first, 0), end = MIN(first + n, run.n);
        if (begin < end) {
            run.channel = run.channel < 0 ? -1 : run.channel + begin;
            run.n = end - begin;
            g_array_append_val(runs, run);
        }
        first -= g_array_index(from, SthPlaceRun, i).n;
    }
}

static GArray *runs_of_concat(SthPlaces *places, SthNode *concat, SthValue *source)
{
    const SthValue *out = sth_node_output(concat, 0);
    const guint axis = axis_of(concat, 1);
    GArray *runs = g_array_new(FALSE, FALSE, sizeof(SthPlaceRun));
    gint64 at = 0;

    for (guint i = 0; i < concat->inputs->len; i++) {
        SthValue *part = sth_node_input(concat, i);
        if (!part->constant) {
            g_autoptr(GArray) own = sth_places_runs(places, part, source);
            const guint before = runs->len;
            append_runs(runs, own, 0, size_of(part, 1));
            for (guint k = before; k < runs->len && axis > 1; k++) {
                SthPlaceAxis *moved = &g_array_index(runs, SthPlaceRun, k).axis[axis - 2];
                *moved = take(moved, -at, 1, size_of(out, axis));
            }
        } else if (axis == 1) {
            const SthPlaceRun zeros = {size_of(part, 1), -1, {{0}}};
            g_array_append_val(runs, zeros);
        }
        at += size_of(part, axis);
    }
    return runs;
}

GArray *sth_places_runs(SthPlaces *places, SthValue *value, SthValue *source)
{
    SthNode *node = value->producer;
    g_autoptr(GArray) above = NULL;
    GArray *runs;
    SthSliceWindow window;

    if (value != source && is_op(node, "Concat"))
        return runs_of_concat(places, node, source);
    runs = g_array_new(FALSE, FALSE, sizeof(SthPlaceRun));
    if (value == source) {
        SthPlaceRun all = {.n = size_of(value, 1)};
        for (guint a = 0; a < STH_PLACE_AXES; a++)
            all.axis[a] = (SthPlaceAxis){.step = 1, .end = size_of(value, 2 + a)};
        g_array_append_val(runs, all);
        return runs;
    }
    above = sth_places_runs(places, sth_node_input(node, 0), source);
    find_selection(node, value, &window);
    append_runs(runs, above, window.start[1], size_of(value, 1));
    for (guint i = 0; i < runs->len; i++) {
        SthPlaceRun *run = &g_array_index(runs, SthPlaceRun, i);
        for (guint a = 0; a < STH_PLACE_AXES; a++)
            run->axis[a] = take(&run->axis[a], window.start[2 + a], window.step[2 + a], size_of(value, 2 + a));
    }
    return runs;
}
