/* The parts of an STH convolution (arXiv 2003.08042), which an exporter wrote as Convs of slices of the channels or of shifted frames, Adds and
 * Concats, become one Conv:
 *
 *   y = Concat(Add(Conv 1x3x3(x[0:48]), Conv 3x1x1(x[48:64])), Add(…), …)                          ->  y = Conv 3x3x3(x), zeros outside plane and line
 *   y = Add(Conv 1x3x3(x), Add(Conv 1x1x1(x shifted by a frame), Conv 1x1x1(x shifted back)))  ->  the same
 *
 * Slice, Split, Pad with zeros and Concat in front of the Convs choose elements of one source (places.h), Slice, Split and Concat of channels behind
 * them order channels, Add and Sum add kernels, so everything between the source and the result is one linear map. A part reads for output t of an axis
 * its own element p = t * stride + k * dilation - pad, which is element from + p * step of the source, or zero. The one Conv reads that element too, and
 * zero where it lies outside of the source. So it is the same map exactly if for every t the part has a zero where and only where the source ends,
 * which is looked at for each tap. A Conv that others read stays for them, and counts against the fusion.
 *
 * A Pad, or a Slice that steps, in front of a single Conv goes the same way.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/memory.h"
#include "ops/op.h"
#include "ops/sliding.h"
#include "optimiser/optimiser.h"
#include "optimiser/places.h"

#define AXES STH_PLACE_AXES
#define RANK STH_PLACE_RANK
/* A region of more pieces is no STH convolution. */
#define MAX_PIECES 1024
/* Room that the fused kernel may take, zeros included, for each weight of its parts. STH's 3x3x3 needs 27 / (9 (1 - p) + 3 p), at most 9; without
 * taps over time there is less to win. */
#define MAX_ROOM 9
#define MAX_ROOM_OF_PLANES 2
/* Nodes behind one another in a region: exporters write a handful. */
#define MAX_DEPTH 64

/* Output channels first … first + n of @conv are added to those of the region from @to. */
typedef struct {
    SthNode *conv;
    gint64 first, n, to;
    SthSliding sliding;
    GArray *runs;   /* of SthPlaceRun: where the channels that the Conv reads lie in the source */
    gint64 *source; /* [channels] which of the source's channels each one is, -1: zeros… */
    guint *run;     /* …and its run */
} Piece;

typedef struct {
    gint64 stride[AXES], low[AXES], high[AXES], step[AXES]; /* offsets that its taps read at: low, low + step, …, high */
    gint64 pads[2 * AXES], kernel[AXES];
} Window;

/* A sum or Concat that was left as it is, and one part of each kind. */
typedef struct {
    const SthNode *root, *plane, *line;
    gboolean related; /* all parts read one source */
    char *why;
} Unfused;

/* What is known of all regions of a graph. */
typedef struct {
    SthGraph *graph;
    SthPlaces places;
    GArray *unfused;     /* of Unfused */
    GHashTable *refused; /* SthValue *: not made of Convs alone */
} Search;

typedef struct {
    Search *search;
    SthNode *root;
    GArray *pieces;
    GHashTable *nodes;      /* SthNode *: the root and what it is made of, Convs included */
    guint depth;            /* of the walk, now */
    SthValue *source;       /* that all parts read */
    const SthNode *blocker; /* what is in the way of gather(); NULL: nothing */
} Region;

static gboolean is_op(const SthNode *node, const char *op)
{
    return strcmp(node->op_type, op) == 0;
}

static gint64 channels_of(const SthValue *value)
{
    return value->tensor.shape.dims[1];
}

/* Whether @node, a Concat, works on the channels. */
static gboolean joins_channels(const SthNode *node)
{
    const gint64 axis = sth_node_int(node, "axis", 1);

    return is_op(node, "Concat") && (axis == 1 || axis == 1 - RANK);
}

static gboolean is_plain_conv(const SthNode *node)
{
    const SthValue *weight, *bias;

    if (!is_op(node, "Conv") || node->inputs->len > 3 || sth_node_input(node, 0)->tensor.shape.rank != RANK)
        return FALSE;
    weight = sth_node_input(node, 1);
    bias = sth_node_input(node, 2);
    return weight->constant && weight->tensor.dtype == STH_DTYPE_FLOAT && (!bias || bias->constant);
}

/* If @value is all of some channels of one that its node reads: the first of them there. */
static gboolean takes_channels(Region *r, SthValue *value, gint64 *first)
{
    SthValue *in = sth_node_input(value->producer, 0);
    gboolean whole;

    if (!is_op(value->producer, "Slice") && !is_op(value->producer, "Split"))
        return FALSE;
    if (sth_places_common(&r->search->places, value, in) != in)
        return FALSE;
    GArray *runs = sth_places_runs(&r->search->places, value, in);
    whole = runs->len == 1;
    *first = whole ? g_array_index(runs, SthPlaceRun, 0).channel : 0;
    for (guint a = 0; a < AXES && whole; a++) {
        const SthPlaceAxis *axis = &g_array_index(runs, SthPlaceRun, 0).axis[a];
        whole = axis->from == 0 && axis->step == 1 && axis->begin == 0 && axis->end == in->tensor.shape.dims[2 + a] &&
                axis->end == value->tensor.shape.dims[2 + a];
    }
    g_array_unref(runs);
    return whole;
}

static gboolean gather(Region *r, SthValue *value, gint64 first, gint64 n, gint64 to);

static gboolean gather_sum(Region *r, const SthNode *node, const SthValue *sum, gint64 first, gint64 n, gint64 to)
{
    gboolean done = TRUE;

    /* All of them, for people to hear what else there would be. */
    for (guint i = 0; i < node->inputs->len; i++) {
        SthValue *in = sth_node_input(node, i);
        done = sth_shape_equal(&in->tensor.shape, &sum->tensor.shape) && gather(r, in, first, n, to) && done;
    }
    return done;
}

static gboolean gather_concat(Region *r, const SthNode *node, gint64 first, gint64 n, gint64 to)
{
    gint64 at = 0; /* first channel of the input in the result */

    for (guint i = 0; i < node->inputs->len; i++) {
        SthValue *in = sth_node_input(node, i);
        const gint64 begin = MAX(first, at), end = MIN(first + n, at + channels_of(in));
        if (begin < end && !gather(r, in, begin - at, end - begin, to + begin - first))
            return FALSE;
        at += channels_of(in);
    }
    return TRUE;
}

/* Adds channels first … first + n of @value to the region's from @to. FALSE if something other than Convs makes them. */
static gboolean gather(Region *r, SthValue *value, gint64 first, gint64 n, gint64 to)
{
    SthNode *node = value->producer;
    gint64 start;
    gboolean done = FALSE;

    if (!node || value->tensor.shape.rank != RANK || r->pieces->len >= MAX_PIECES || r->depth >= MAX_DEPTH)
        return FALSE;
    if (g_hash_table_contains(r->search->refused, value)) {
        r->blocker = node;
        return FALSE;
    }
    r->depth++;
    if (sth_node_has(node, "sth.min") || sth_node_has(node, "sth.max")) {
        /* What is clamped is linear no more. */
    } else if (is_plain_conv(node)) {
        const Piece piece = {.conv = node, .first = first, .n = n, .to = to};
        g_array_append_val(r->pieces, piece);
        done = TRUE;
    } else if (is_op(node, "Add") || is_op(node, "Sum")) {
        done = gather_sum(r, node, value, first, n, to);
    } else if (joins_channels(node)) {
        done = gather_concat(r, node, first, n, to);
    } else if (takes_channels(r, value, &start)) {
        done = gather(r, sth_node_input(node, 0), start + first, n, to);
    }
    r->depth--;
    if (!done && !r->blocker)
        r->blocker = node;
    g_hash_table_add(done ? r->nodes : r->search->refused, done ? (gpointer)node : (gpointer)value);
    return done;
}

/* Finds what all parts read, and where; FALSE: there is no such thing. */
static gboolean find_source(Region *r)
{
    SthPlaces *places = &r->search->places;

    for (guint i = 0; i < r->pieces->len; i++) {
        SthValue *in = sth_node_input(g_array_index(r->pieces, Piece, i).conv, 0);
        r->source = i == 0 ? in : sth_places_common(places, r->source, in);
        if (!r->source)
            return FALSE;
    }
    if (is_op(r->root, "Conv")) {
        /* The Pad, or Slice, in front of a single Conv. */
        SthValue *before = sth_node_input(r->source->producer, 0);
        if (sth_places_common(places, before, r->source) != before)
            return FALSE;
        r->source = before;
    }
    for (guint i = 0; i < r->pieces->len; i++) {
        Piece *piece = &g_array_index(r->pieces, Piece, i);
        SthValue *in = sth_node_input(piece->conv, 0);
        gint64 at = 0;
        if (!sth_sliding_init(&piece->sliding, piece->conv, &sth_node_input(piece->conv, 1)->tensor.shape, NULL))
            return FALSE;
        piece->runs = sth_places_runs(places, in, r->source);
        piece->source = g_new(gint64, channels_of(in));
        piece->run = g_new(guint, channels_of(in));
        for (guint k = 0; k < piece->runs->len; k++) {
            const SthPlaceRun *run = &g_array_index(piece->runs, SthPlaceRun, k);
            for (gint64 c = 0; c < run->n; c++, at++) {
                piece->source[at] = run->channel < 0 ? -1 : run->channel + c;
                piece->run[at] = k;
            }
        }
    }
    return TRUE;
}

static gint64 gcd(gint64 a, gint64 b)
{
    while (b != 0) {
        const gint64 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Offset in the source that tap @k reads at. */
static gint64 tap_offset(const SthSliding *s, guint axis, gint64 k, const SthPlaceAxis *place)
{
    return (k * s->dilation[axis] - s->pad[axis]) * place->step + place->from;
}

/* Whether tap @k of the part has zeros where and only where the source ends. */
static gboolean borders_agree(const SthSliding *s, guint axis, gint64 k, const SthPlaceAxis *place, gint64 size)
{
    for (gint64 t = 0; t < s->out[axis]; t++) {
        const gint64 p = t * s->stride[axis] + k * s->dilation[axis] - s->pad[axis], u = p * place->step + place->from;
        if ((p >= place->begin && p < place->end) != (u >= 0 && u < size))
            return FALSE;
    }
    return TRUE;
}

/* Adds the taps of one part to the window; why they do not fit, NULL: they do. */
static const char *add_taps(const Region *r, const Piece *piece, guint a, Window *w)
{
    const SthSliding *s = &piece->sliding;

    for (guint i = 0; i < piece->runs->len; i++) {
        const SthPlaceRun *run = &g_array_index(piece->runs, SthPlaceRun, i);
        if (run->channel < 0)
            continue;
        if (w->stride[a] != 0 && w->stride[a] != s->stride[a] * run->axis[a].step)
            return "the strides of its parts differ";
        w->stride[a] = s->stride[a] * run->axis[a].step;
        for (gint64 k = 0; k < s->kernel[a]; k++) {
            const gint64 offset = tap_offset(s, a, k, &run->axis[a]);
            w->low[a] = MIN(w->low[a], offset);
            w->high[a] = MAX(w->high[a], offset);
            w->step[a] = gcd(w->step[a], ABS(offset));
            if (!borders_agree(s, a, k, &run->axis[a], r->source->tensor.shape.dims[2 + a]))
                return "its parts have different borders";
        }
    }
    return NULL;
}

/* The window that has every tap of the parts; why there is none, NULL: there is. */
static const char *find_window(const Region *r, Window *w)
{
    const SthValue *out = sth_node_output(r->root, 0);

    memset(w, 0, sizeof *w);
    for (guint a = 0; a < AXES; a++) {
        const gint64 in_size = r->source->tensor.shape.dims[2 + a], out_size = out->tensor.shape.dims[2 + a];
        gint64 span;
        for (guint i = 0; i < r->pieces->len; i++) {
            const char *why = add_taps(r, &g_array_index(r->pieces, Piece, i), a, w);
            if (why)
                return why;
        }
        w->stride[a] = MAX(w->stride[a], 1);
        w->step[a] = MAX(w->step[a], 1);
        span = w->high[a] - w->low[a];
        w->kernel[a] = span / w->step[a] + 1;
        w->pads[a] = -w->low[a];
        w->pads[AXES + a] = MAX(0, (out_size - 1) * w->stride[a] + w->high[a] + 1 - in_size);
        /* Of a stride over 1 some of the padding may be read by none: as much as in front is what people expect. */
        if (in_size + 2 * w->pads[a] > span && (in_size + 2 * w->pads[a] - 1 - span) / w->stride[a] + 1 == out_size)
            w->pads[AXES + a] = w->pads[a];
        if ((in_size + w->pads[a] + w->pads[AXES + a] - 1 - span) / w->stride[a] + 1 != out_size)
            return "no padding gives one kernel for all the size of the result";
    }
    return NULL;
}

/* Keeps in r->nodes what nobody reads once the root is replaced. */
static void keep_dying(Region *r)
{
    gboolean changed;

    do {
        GHashTableIter iter;
        gpointer key;
        changed = FALSE;
        g_hash_table_iter_init(&iter, r->nodes);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
            const SthNode *node = key;
            gboolean wanted = FALSE;
            for (guint k = 0; k < node->outputs->len && node != r->root; k++) {
                SthValue *out = sth_node_output(node, k);
                wanted = wanted || (out && sth_graph_is_output(r->search->graph, out));
                for (guint i = 0; out && i < out->readers->len; i++)
                    wanted = wanted || !g_hash_table_contains(r->nodes, g_ptr_array_index(out->readers, i));
            }
            if (wanted) {
                g_hash_table_iter_remove(&iter);
                changed = TRUE;
            }
        }
    } while (changed);
}

/* The largest number of groups whose blocks hold all weights. */
static gint64 find_groups(const Region *r)
{
    const gint64 outs = channels_of(sth_node_output(r->root, 0)), ins = channels_of(r->source);
    g_autofree gint64 *low = g_new(gint64, outs), *high = g_new0(gint64, outs);
    gint64 groups = gcd(outs, ins);

    for (gint64 o = 0; o < outs; o++)
        low[o] = ins;
    for (guint p = 0; p < r->pieces->len; p++) {
        const Piece *piece = &g_array_index(r->pieces, Piece, p);
        const SthShape *shape = &sth_node_input(piece->conv, 1)->tensor.shape;
        const gint64 per_group = shape->dims[0] / sth_node_int(piece->conv, "group", 1);
        for (gint64 j = 0; j < piece->n; j++) {
            const gint64 *from = piece->source + (piece->first + j) / per_group * shape->dims[1];
            for (gint64 i = 0; i < shape->dims[1]; i++) {
                if (from[i] >= 0) {
                    low[piece->to + j] = MIN(low[piece->to + j], from[i]);
                    high[piece->to + j] = MAX(high[piece->to + j], from[i]);
                }
            }
        }
    }
    for (; groups > 1; groups--) {
        gboolean fits = outs % groups == 0 && ins % groups == 0;
        for (gint64 o = 0; o < outs && fits; o++)
            fits = low[o] > high[o] || (low[o] / (ins / groups) == o / (outs / groups) && high[o] / (ins / groups) == o / (outs / groups));
        if (fits)
            break;
    }
    return groups;
}

/* Why not: no more multiplications than the Convs that go, and not much more room. NULL: it does. */
static const char *does_not_pay(const Region *r, const Window *w, gint64 groups)
{
    gint64 parts = 0, saved = 0, room = channels_of(sth_node_output(r->root, 0)) * (channels_of(r->source) / groups);
    guint convs = 0;
    GHashTableIter iter;
    gpointer key;

    for (guint a = 0; a < AXES; a++)
        room *= w->kernel[a];
    for (guint i = 0; i < r->pieces->len; i++) {
        const Piece *piece = &g_array_index(r->pieces, Piece, i);
        const SthShape *shape = &sth_node_input(piece->conv, 1)->tensor.shape;
        parts += sth_shape_elements(shape) / shape->dims[0] * piece->n;
    }
    g_hash_table_iter_init(&iter, r->nodes);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (!is_op(key, "Conv"))
            continue;
        convs++;
        saved += sth_shape_elements(&sth_node_input(key, 1)->tensor.shape);
    }
    if (parts > saved)
        return "its parts are read by others too and would be computed twice";
    if (room > (w->kernel[0] > 1 ? MAX_ROOM : MAX_ROOM_OF_PLANES) * parts || (convs == 1 && (!is_op(r->root, "Conv") || room != parts)))
        return "one kernel for all would be zeros for the most part";
    return NULL;
}

/* Adds a part's weights to @to, which are O x @ins x kernel. */
static void add_weights(const Piece *piece, const Window *w, gint64 ins, float *to)
{
    const SthValue *weight = sth_node_input(piece->conv, 1);
    const gint64 *dims = weight->tensor.shape.dims;
    const gint64 per_group = dims[0] / sth_node_int(piece->conv, "group", 1);
    const float *from = (const float *)weight->tensor.data + piece->first * dims[1] * dims[2] * dims[3] * dims[4];

    for (gint64 j = 0; j < piece->n; j++) {
        for (gint64 i = 0; i < dims[1]; i++) {
            const gint64 c = (piece->first + j) / per_group * dims[1] + i;
            const SthPlaceRun *run = &g_array_index(piece->runs, SthPlaceRun, piece->run[c]);
            float *taps = to + ((piece->to + j) * ins + piece->source[c] % ins) * w->kernel[0] * w->kernel[1] * w->kernel[2];
            for (gint64 k = 0; k < dims[2] * dims[3] * dims[4]; k++, from++) {
                const gint64 tap[] = {k / dims[4] / dims[3], k / dims[4] % dims[3], k % dims[4]};
                gint64 at = 0;
                for (guint a = 0; a < AXES; a++)
                    at = at * w->kernel[a] + (tap_offset(&piece->sliding, a, tap[a], &run->axis[a]) - w->low[a]) / w->step[a];
                if (piece->source[c] >= 0)
                    taps[at] += *from;
            }
        }
    }
}

static SthValue *make_weights(const Region *r, const Window *w, gint64 groups)
{
    SthShape shape = {.rank = RANK, .dims = {channels_of(sth_node_output(r->root, 0)), channels_of(r->source) / groups}};
    gpointer data;
    gsize size;
    GBytes *bytes;

    memcpy(shape.dims + 2, w->kernel, sizeof(w->kernel));
    size = (gsize)sth_shape_elements(&shape) * sizeof(float);
    bytes = sth_aligned_bytes(size, &data);
    memset(data, 0, size);
    for (guint i = 0; i < r->pieces->len; i++)
        add_weights(&g_array_index(r->pieces, Piece, i), w, shape.dims[1], data);
    return sth_graph_add_constant(r->search->graph, r->root->name, STH_DTYPE_FLOAT, &shape, bytes);
}

/* The sum of the parts' biases; NULL: none has one. */
static SthValue *make_bias(const Region *r)
{
    SthShape shape = {.rank = 1, .dims = {channels_of(sth_node_output(r->root, 0))}};
    const gsize size = (gsize)shape.dims[0] * sizeof(float);
    gboolean any = FALSE;
    gpointer data;
    GBytes *bytes = sth_aligned_bytes(size, &data);
    float *sum = data;

    memset(sum, 0, size);
    for (guint i = 0; i < r->pieces->len; i++) {
        const Piece *piece = &g_array_index(r->pieces, Piece, i);
        const SthValue *bias = sth_node_input(piece->conv, 2);
        for (gint64 j = 0; bias && j < piece->n; j++)
            sum[piece->to + j] += ((const float *)bias->tensor.data)[piece->first + j];
        any = any || bias;
    }
    if (any)
        return sth_graph_add_constant(r->search->graph, r->root->name, STH_DTYPE_FLOAT, &shape, bytes);
    g_bytes_unref(bytes);
    return NULL;
}

/* Puts the Conv in the root's place. */
static void replace(Region *r, const Window *w, gint64 groups)
{
    SthGraph *graph = r->search->graph;
    SthNode *part = g_array_index(r->pieces, Piece, 0).conv;
    SthNode *conv = sth_graph_insert_node(graph, r->root, r->root->name, "Conv", part->opset);
    SthValue *out = sth_node_output(r->root, 0), *bias = make_bias(r);
    GHashTableIter iter;
    gpointer key;

    conv->op = part->op;
    sth_node_add_input(conv, r->source);
    sth_node_add_input(conv, make_weights(r, w, groups));
    if (bias)
        sth_node_add_input(conv, bias);
    sth_node_set_ints(conv, "kernel_shape", w->kernel, AXES);
    sth_node_set_ints(conv, "pads", w->pads, 2 * AXES);
    sth_node_set_ints(conv, "strides", w->stride, AXES);
    sth_node_set_ints(conv, "dilations", w->step, AXES);
    sth_node_set_int(conv, "group", groups);
    if (r->pieces->len > 1)
        sth_node_note_fused(conv, "%u parts from '%s' to %s '%s'", r->pieces->len, part->name, r->root->op_type, r->root->name);
    else
        sth_node_note_fused(conv, "%s '%s'", sth_node_input(part, 0)->producer->op_type, sth_node_input(part, 0)->producer->name);
    g_hash_table_iter_init(&iter, r->nodes);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        sth_graph_retire_node(graph, key);
    sth_node_add_output(conv, out);
}

/* Keeps why a region stays as it is, where a person would expect one convolution: its parts are of both kinds. */
static void explain(const Region *r, const char *why)
{
    Unfused left = {.root = r->root, .related = r->source != NULL};

    for (guint i = 0; i < r->pieces->len; i++) {
        SthNode *conv = g_array_index(r->pieces, Piece, i).conv;
        const gint64 *kernel = sth_node_input(conv, 1)->tensor.shape.dims + 2;
        if (kernel[0] == 1 && kernel[1] * kernel[2] > 1)
            left.plane = conv;
        if (kernel[0] > 1 && kernel[1] * kernel[2] == 1)
            left.line = conv;
    }
    if (!left.plane || !left.line)
        return;
    left.why = r->blocker ? g_strdup_printf("its part '%s' (%s) is no linear map of what the others read", r->blocker->name, r->blocker->op_type)
                          : g_strdup(why);
    g_array_append_val(r->search->unfused, left);
}

/* Notes the reasons for what was not fused in the end. A sum with a tensor of its own, as residuals are, is not missed where its parts were. */
static void note_unfused(Search *search)
{
    for (guint i = 0; i < search->unfused->len; i++) {
        const Unfused *left = &g_array_index(search->unfused, Unfused, i);
        if (left->related || !left->plane->retired || !left->line->retired)
            sth_graph_note_unfused(search->graph, left->root, "%s", left->why);
        g_free(left->why);
    }
    g_array_unref(search->unfused);
}

static void clear(Region *r)
{
    for (guint i = 0; i < r->pieces->len; i++) {
        Piece *piece = &g_array_index(r->pieces, Piece, i);
        g_clear_pointer(&piece->runs, g_array_unref);
        g_free(piece->source);
        g_free(piece->run);
    }
    g_hash_table_unref(r->nodes);
    g_array_unref(r->pieces);
}

static guint fuse(Search *search, SthNode *root)
{
    Region r = {.search = search, .root = root, .pieces = g_array_new(FALSE, FALSE, sizeof(Piece)), .nodes = g_hash_table_new(NULL, NULL)};
    SthValue *out = sth_node_output(root, 0);
    const char *why = "its parts read different tensors";
    Window window;

    if (gather(&r, out, 0, channels_of(out), 0) && find_source(&r)) {
        why = find_window(&r, &window);
        if (!why) {
            const gint64 groups = find_groups(&r);
            keep_dying(&r);
            why = does_not_pay(&r, &window, groups);
            if (!why)
                replace(&r, &window, groups);
        }
    }
    if (why)
        explain(&r, why);
    else
        sth_graph_note_unfused(search->graph, root, NULL);
    clear(&r);
    return why ? 0 : 1;
}

/* A sum, a Concat, or a Conv behind something that only moves elements. */
static gboolean is_root(Search *search, SthNode *node)
{
    SthValue *in;

    if (node->retired || node->outputs->len == 0 || sth_node_output(node, 0)->tensor.shape.rank != RANK)
        return FALSE;
    if (is_op(node, "Add") || is_op(node, "Sum") || joins_channels(node))
        return TRUE;
    in = sth_node_input(node, 0);
    return is_op(node, "Conv") && in->producer && (is_op(in->producer, "Pad") || is_op(in->producer, "Slice") || is_op(in->producer, "MaxPool"));
}

static guint run(SthGraph *graph)
{
    Search search = {.graph = graph, .unfused = g_array_new(FALSE, FALSE, sizeof(Unfused)), .refused = g_hash_table_new(NULL, NULL)};
    guint changes = 0;

    sth_places_init(&search.places);
    /* From the end: the whole region is met before its parts. */
    for (guint i = graph->nodes->len; i-- > 0;) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (is_root(&search, node))
            changes += fuse(&search, node);
    }
    note_unfused(&search);
    sth_graph_sweep_nodes(graph);
    sth_places_clear(&search.places);
    g_hash_table_unref(search.refused);
    return changes;
}

const SthPass sth_pass_fuse_sth = {.name = "fuse_sth", .description = "Convs of slices and shifts, their sums and Concats into one Conv", .run = run};
