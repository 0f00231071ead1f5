/* Kernels for Winograd's algorithm. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/winograd_pack.h"

#include <string.h>

#include "base/memory.h"

#define PLANE 9 /* taps of a kernel's plane */
#define CENTRE 4

/* Vector operations of the transforms of one block of one tile: an estimate from their additions, loads and stores. What is chosen by all these
 * constants together is compared with measurements: tests/ops/winograd_cost_test.c. */
#define INPUT_COST 330.
#define OUTPUT_COST 260.
/* Multiply-adds in the time that it takes to gather a row of the image for one tap. */
#define GATHER_COST 20.
/* Weights that do not fit the second cache come from farther away: a vector of them takes the time of so many multiply-adds, and fewer positions do
 * not make it less. */
#define FETCH_COST 8.
#define CACHE_BYTES (1024. * 1024)

typedef enum { NOTHING, POINTWISE, SPATIAL } Kind;

static const float *plane_of(const SthConv *conv, const float *weight, gsize out, gsize in, gsize tap)
{
    return weight + ((out * conv->in_channels + in) * (gsize)conv->sliding.kernel[STH_T] + tap) * PLANE;
}

/* The kind of row (@in, @tap) for a panel. */
static Kind kind_of(const SthConv *conv, const float *weight, gsize panel, gsize in, gsize tap)
{
    const gsize end = MIN(conv->out_channels, (panel + 1) * STH_BLOCK);
    const gboolean aligned = conv->sliding.pad[STH_H] == 1 && conv->sliding.pad[STH_W] == 1 && conv->sliding.pad_end[STH_H] == 1 &&
                             conv->sliding.pad_end[STH_W] == 1; /* centres lie on the results */
    Kind kind = NOTHING;

    for (gsize out = panel * STH_BLOCK; out < end; out++) {
        const float *plane = plane_of(conv, weight, out, in, tap);

        for (guint i = 0; i < PLANE; i++)
            if (plane[i] != 0 && (i != CENTRE || !aligned))
                return SPATIAL;
        if (plane[CENTRE] != 0)
            kind = POINTWISE;
    }
    return kind;
}

gboolean sth_winograd_fits(const SthConv *conv)
{
    const SthSliding *s = &conv->sliding;

    for (guint axis = STH_H; axis <= STH_W; axis++)
        if (s->kernel[axis] != 3 || s->stride[axis] != 1 || s->dilation[axis] != 1 || s->pad[axis] < 0)
            return FALSE;
    return conv->groups == 1 && s->stride[STH_T] == 1;
}

static gsize div_up(gsize a, gsize b)
{
    return (a + b - 1) / b;
}

/* Multiply-adds of @vectors vectors of weights, each with @positions vectors of the input. */
static double sum_cost(double vectors, double positions)
{
    return vectors * (vectors * STH_BLOCK * sizeof(float) > CACHE_BYTES ? MAX(positions, FETCH_COST) : positions);
}

SthWinogradCost sth_winograd_cost(const SthConv *conv, const float *weight)
{
    const SthSliding *s = &conv->sliding;
    const gsize panels = div_up(conv->out_channels, STH_BLOCK), blocks = div_up(conv->in_channels, STH_BLOCK), taps = (gsize)s->kernel[STH_T];
    const double images = (double)conv->batch * (double)s->out[STH_T], positions = images * (double)(s->out[STH_H] * s->out[STH_W]);
    const double tiles = images * (double)(div_up((gsize)s->out[STH_H], STH_WINOGRAD_OUT) * div_up((gsize)s->out[STH_W], STH_WINOGRAD_OUT));
    g_autofree guint8 *sources = g_new0(guint8, blocks * taps);
    gsize rows[3] = {0}, direct = 0, n_sources = 0;

    for (gsize panel = 0; panel < panels; panel++)
        for (gsize in = 0; in < conv->in_channels; in++)
            for (gsize tap = 0; tap < taps; tap++) {
                const Kind kind = kind_of(conv, weight, panel, in, tap);

                rows[kind]++;
                direct += kind == SPATIAL ? PLANE : kind == POINTWISE;
                n_sources += kind == SPATIAL && !sources[tap * blocks + in / STH_BLOCK];
                sources[tap * blocks + in / STH_BLOCK] |= kind == SPATIAL;
            }
    return (SthWinogradCost){
        .winograd = sum_cost((double)rows[SPATIAL] * STH_WINOGRAD_PRODUCTS, tiles) + sum_cost((double)rows[POINTWISE], positions) +
                    tiles * ((double)n_sources * INPUT_COST + (double)panels * OUTPUT_COST),
        .direct = sum_cost((double)direct, positions) + (double)(conv->in_channels * taps * PLANE) * images * (double)s->out[STH_H] * GATHER_COST,
    };
}

/* Row i of G is 1, p, p^2 over the product of point p's distances to the other points; the last one is for infinity. */
static void make_matrix(double matrix[STH_WINOGRAD_IN][3])
{
    static const double points[STH_WINOGRAD_IN - 1] = {0, STH_WINOGRAD_A, -STH_WINOGRAD_A, STH_WINOGRAD_B, -STH_WINOGRAD_B};

    memset(matrix, 0, STH_WINOGRAD_IN * sizeof *matrix);
    matrix[STH_WINOGRAD_IN - 1][2] = 1;
    for (guint i = 0; i < G_N_ELEMENTS(points); i++) {
        double distances = 1;

        for (guint k = 0; k < G_N_ELEMENTS(points); k++)
            distances *= k == i ? 1 : points[i] - points[k];
        matrix[i][0] = 1 / distances;
        matrix[i][1] = points[i] / distances;
        matrix[i][2] = points[i] * points[i] / distances;
    }
}

/* u = G g G^T, in double, so that only the result is rounded. */
static void transform_kernel(const double matrix[STH_WINOGRAD_IN][3], const float *g, float *u, gsize u_step)
{
    double t[STH_WINOGRAD_IN][3];

    for (guint i = 0; i < STH_WINOGRAD_IN; i++)
        for (guint x = 0; x < 3; x++)
            t[i][x] = matrix[i][0] * (double)g[x] + matrix[i][1] * (double)g[3 + x] + matrix[i][2] * (double)g[6 + x];
    for (guint i = 0; i < STH_WINOGRAD_IN; i++)
        for (guint j = 0; j < STH_WINOGRAD_IN; j++)
            u[(STH_WINOGRAD_IN * i + j) * u_step] = (float)(t[i][0] * matrix[j][0] + t[i][1] * matrix[j][1] + t[i][2] * matrix[j][2]);
}

/* While packing. */
typedef struct {
    const SthConv *conv;
    const float *weight;
    SthWinogradPack *pack;
    gsize taps, blocks, source_step;
    guint32 *source; /* [tap][block]: its index + 1, 0: not needed */
    guint8 *kinds;   /* [panel][tap][channel] */
    double matrix[STH_WINOGRAD_IN][3];
} Packer;

static Kind known_kind(const Packer *p, gsize panel, gsize tap, gsize in)
{
    return p->kinds[(panel * p->taps + tap) * p->conv->in_channels + in];
}

static void find_kinds(Packer *p)
{
    const gsize channels = p->conv->in_channels;

    p->kinds = g_new(guint8, p->pack->n_panels * p->taps * channels);
    p->source = g_new0(guint32, p->taps * p->blocks);
    for (gsize panel = 0; panel < p->pack->n_panels; panel++)
        for (gsize tap = 0; tap < p->taps; tap++)
            for (gsize in = 0; in < channels; in++) {
                const Kind kind = kind_of(p->conv, p->weight, panel, in, tap);

                p->kinds[(panel * p->taps + tap) * channels + in] = (guint8)kind;
                if (kind == SPATIAL)
                    p->source[tap * p->blocks + in / STH_BLOCK] = 1;
            }
    p->pack->sources = g_new(SthWinogradSource, p->taps * p->blocks);
    for (gsize i = 0; i < p->taps * p->blocks; i++)
        if (p->source[i]) {
            p->pack->sources[p->pack->n_sources++] = (SthWinogradSource){(guint32)(i / p->blocks), (guint32)(i % p->blocks)};
            p->source[i] = p->pack->n_sources;
        }
}

/* Appends row (@tap, @in) to @rows: a new run where it does not follow the last one. */
static void add_row(Packer *p, SthWinogradRows *rows, gsize tap, gsize in, Kind kind)
{
    const gboolean spatial = kind == SPATIAL;
    const gsize plane = (gsize)(p->conv->sliding.in[STH_T] * p->conv->sliding.in[STH_H] * p->conv->sliding.in[STH_W]);
    const gsize source = spatial ? p->source[tap * p->blocks + in / STH_BLOCK] - 1 : 0;
    const SthPanelRun run = {spatial ? (gssize)(source * p->source_step + in % STH_BLOCK) : (gssize)(in * plane), 1};
    SthPanelRun *last = rows->n_runs ? &g_array_index(p->pack->runs, SthPanelRun, p->pack->runs->len - 1) : NULL;

    rows->n_rows++;
    if (last && (!spatial || in % STH_BLOCK) && last->offset + (gssize)(last->count * (spatial ? 1 : plane)) == run.offset) {
        last->count++;
        return;
    }
    if (rows->n_runs++ == 0)
        rows->first_run = p->pack->runs->len;
    g_array_append_val(p->pack->runs, run);
}

static void find_rows(Packer *p, gsize panel)
{
    SthWinogradPanel *to = &p->pack->panels[panel];

    to->pointwise = g_new0(SthWinogradRows, p->taps);
    for (gsize tap = 0; tap < p->taps; tap++)
        for (gsize in = 0; in < p->conv->in_channels; in++)
            if (known_kind(p, panel, tap, in) == SPATIAL)
                add_row(p, &to->spatial, tap, in, SPATIAL);
    for (gsize tap = 0; tap < p->taps; tap++)
        for (gsize in = 0; in < p->conv->in_channels; in++)
            if (known_kind(p, panel, tap, in) == POINTWISE)
                add_row(p, &to->pointwise[tap], tap, in, POINTWISE);
}

/* The weights of a panel's rows of one kind at one tap, from row @row of @rows on; returns the row after them. */
static gsize pack_rows(const Packer *p, gsize panel, gsize tap, Kind kind, float *to, gsize step, gsize row)
{
    for (gsize in = 0; in < p->conv->in_channels; in++) {
        if (known_kind(p, panel, tap, in) != kind)
            continue;
        for (gsize l = 0; l < STH_BLOCK && panel * STH_BLOCK + l < p->conv->out_channels; l++) {
            const float *plane = plane_of(p->conv, p->weight, panel * STH_BLOCK + l, in, tap);
            float *weight = to + row * STH_BLOCK + l;

            if (kind == SPATIAL)
                transform_kernel(p->matrix, plane, weight, step);
            else
                *weight = plane[CENTRE];
        }
        row++;
    }
    return row;
}

/* Spatial weights: group by group, in a group product by product, in a product panel by panel. Then the pointwise ones. */
static void pack_weights(Packer *p)
{
    SthWinogradPack *pack = p->pack;
    const guint groups = (guint)div_up(pack->n_panels, STH_WINOGRAD_GROUP);
    gsize floats = 0;
    float *to;

    pack->group_step = g_new0(gsize, groups);
    for (guint i = 0; i < pack->n_panels; i++) {
        pack->group_step[i / STH_WINOGRAD_GROUP] += (gsize)pack->panels[i].spatial.n_rows * STH_BLOCK;
        floats += (gsize)pack->panels[i].spatial.n_rows * STH_BLOCK * STH_WINOGRAD_PRODUCTS;
        for (gsize tap = 0; tap < p->taps; tap++)
            floats += (gsize)pack->panels[i].pointwise[tap].n_rows * STH_BLOCK;
    }
    to = pack->weights = sth_aligned_alloc((floats + STH_BLOCK) * sizeof(float));
    memset(to, 0, floats * sizeof(float));
    for (guint group = 0; group < groups; group++) {
        const gsize step = pack->group_step[group];
        float *panel_to = to;

        for (guint i = group * STH_WINOGRAD_GROUP; i < MIN(pack->n_panels, (group + 1) * STH_WINOGRAD_GROUP); i++) {
            gsize row = 0;

            pack->panels[i].spatial.weights = panel_to;
            for (gsize tap = 0; tap < p->taps; tap++)
                row = pack_rows(p, i, tap, SPATIAL, panel_to, step, row);
            panel_to += row * STH_BLOCK;
        }
        to += step * STH_WINOGRAD_PRODUCTS;
    }
    for (guint i = 0; i < pack->n_panels; i++)
        for (gsize tap = 0; tap < p->taps; tap++) {
            pack->panels[i].pointwise[tap].weights = to;
            to += pack_rows(p, i, tap, POINTWISE, to, 0, 0) * STH_BLOCK;
        }
    pack->bytes = floats * sizeof(float) + pack->runs->len * sizeof(SthPanelRun);
}

static gboolean same_runs(const SthWinogradPack *pack, const SthWinogradRows *a, const SthWinogradRows *b)
{
    const SthPanelRun *x = (const SthPanelRun *)(gpointer)pack->runs->data + a->first_run,
                      *y = (const SthPanelRun *)(gpointer)pack->runs->data + b->first_run;

    for (guint i = 0; i < a->n_runs && a->n_runs == b->n_runs; i++)
        if (x[i].offset != y[i].offset || x[i].count != y[i].count)
            return FALSE;
    return a->n_runs == b->n_runs;
}

void sth_winograd_pack_init(SthWinogradPack *pack, const SthConv *conv, const float *weight, const float *bias, gsize source_step)
{
    Packer p = {.conv = conv, .weight = weight, .pack = pack, .taps = (gsize)conv->sliding.kernel[STH_T], .source_step = source_step};

    memset(pack, 0, sizeof *pack);
    p.blocks = div_up(conv->in_channels, STH_BLOCK);
    pack->n_panels = (guint)div_up(conv->out_channels, STH_BLOCK);
    pack->panels = g_new0(SthWinogradPanel, pack->n_panels);
    pack->runs = g_array_new(FALSE, FALSE, sizeof(SthPanelRun));
    pack->bias = g_new0(float, pack->n_panels *STH_BLOCK);
    if (bias)
        memcpy(pack->bias, bias, conv->out_channels * sizeof *bias);
    make_matrix(p.matrix);
    find_kinds(&p);
    for (gsize panel = 0; panel < pack->n_panels; panel++)
        find_rows(&p, panel);
    pack_weights(&p);
    for (guint i = 0; i + 1 < pack->n_panels; i++)
        pack->panels[i].like_next = (i + 1) % STH_WINOGRAD_GROUP > 0 && same_runs(pack, &pack->panels[i].spatial, &pack->panels[i + 1].spatial);
    g_free(p.kinds);
    g_free(p.source);
}

void sth_winograd_pack_clear(SthWinogradPack *pack)
{
    for (guint i = 0; i < pack->n_panels; i++)
        g_free(pack->panels[i].pointwise);
    g_free(pack->panels);
    g_free(pack->sources);
    g_free(pack->group_step);
    g_free(pack->bias);
    g_array_unref(pack->runs);
    sth_aligned_free(pack->weights);
}
