/* Packed weights of a convolution. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_pack.h"

#include <string.h>

#include "base/memory.h"

#define MAX_BLOCK 1024 /* rows: with STH_GEMM_COLS columns 192 KiB, which leaves half of a small second cache to the rest */

#define GATHERED 16 /* channels whose rows stand together, so that what one tap reads is still in the first cache for the next one */

/* While packing: the rows that have weights, in order, for each group. */
typedef struct {
    const SthConv *conv;
    const float *weight;
    gsize taps, n_panels, mask_bytes;
    guint32 *order; /* groups x n candidates: row index = channel * taps + tap */
    guint *n_order; /* for each group */
    guint8 *masks;  /* of one group: candidate x mask_bytes, bit p: panel p uses it */
} Packer;

static const float *weight_of(const Packer *p, gsize group, gsize channel)
{
    return p->weight + (group * p->conv->out_channels + channel) * p->conv->in_channels * p->taps;
}

/* By who uses them; of these some channels at a time, tap by tap. */
static gint compare_rows(gconstpointer a, gconstpointer b, gpointer data)
{
    const Packer *p = data;
    const guint32 i = *(const guint32 *)a, j = *(const guint32 *)b;
    const SthConvRow x = sth_conv_row(p->conv, i), y = sth_conv_row(p->conv, j);
    const int order = memcmp(p->masks + i * p->mask_bytes, p->masks + j * p->mask_bytes, p->mask_bytes);

    if (order)
        return order;
    if (x.channel / GATHERED != y.channel / GATHERED)
        return x.channel < y.channel ? -1 : 1;
    if (x.tap != y.tap)
        return x.tap < y.tap ? -1 : 1;
    return x.channel < y.channel ? -1 : x.channel > y.channel;
}

/* Finds the group's rows that any panel uses, and sorts them by who uses them. */
static void order_rows(Packer *p, gsize group)
{
    const gsize n = p->conv->in_channels * p->taps;
    guint32 *order = p->order + group * n;

    memset(p->masks, 0, n * p->mask_bytes);
    for (gsize c = 0; c < p->conv->out_channels; c++) {
        const float *weight = weight_of(p, group, c);
        gsize panel = c / STH_GEMM_ROWS;

        for (gsize i = 0; i < n; i++)
            if (weight[i] != 0)
                p->masks[i * p->mask_bytes + panel / 8] |= (guint8)(1u << panel % 8);
    }
    for (gsize i = 0; i < n; i++)
        for (gsize byte = 0; byte < p->mask_bytes; byte++)
            if (p->masks[i * p->mask_bytes + byte]) {
                order[p->n_order[group]++] = (guint32)i;
                break;
            }
    g_qsort_with_data(order, (gint)p->n_order[group], sizeof *order, compare_rows, p);
}

/* Packs the weights of one panel for rows order[0…n-1]; returns the end of what it wrote. @first_run gets the index of its first run. */
static float *pack_panel(const Packer *p, GArray *runs, gsize group, gsize panel, const guint32 *order, guint n, float *out)
{
    const gsize first = panel * STH_GEMM_ROWS, m = MIN(STH_GEMM_ROWS, p->conv->out_channels - first);
    gboolean open = FALSE;

    for (guint i = 0; i < n; i++) {
        gboolean used = FALSE;

        for (gsize r = 0; r < m; r++) {
            out[r] = weight_of(p, group, first + r)[order[i]];
            used |= out[r] != 0;
        }
        if (!used) {
            open = FALSE;
            continue;
        }
        for (gsize r = m; r < STH_GEMM_ROWS; r++)
            out[r] = 0;
        out += STH_GEMM_ROWS;
        if (open) {
            g_array_index(runs, SthGemmRun, runs->len - 1).count++;
        } else {
            SthGemmRun run = {i, 1};

            g_array_append_val(runs, run);
            open = TRUE;
        }
    }
    return out;
}

/* Largest number of floats that packing can take. */
static gsize packed_size(const Packer *p)
{
    gsize rows = 0;

    for (gsize group = 0; group < p->conv->groups; group++)
        rows += p->n_order[group];
    return rows * p->n_panels * STH_GEMM_ROWS;
}

/* Panels' runs are indices while the array grows: turned into pointers at the end. */
static void set_runs(SthConvPack *pack, gsize n_panels, const guint *first_run)
{
    for (gsize i = 0; i < n_panels; i++) {
        pack->panels[i].runs = (const SthGemmRun *)(gpointer)pack->runs->data + first_run[i];
        pack->panels[i].n_runs = first_run[i + 1] - first_run[i];
    }
}

static void pack_groups(SthConvPack *pack, const Packer *p)
{
    const gsize n = p->conv->in_channels * p->taps, total = p->conv->groups * pack->n_blocks * p->n_panels;
    guint *first_run = g_new0(guint, total + 1);
    float *out = pack->weights;

    for (gsize group = 0, index = 0; group < p->conv->groups; group++) {
        const guint n_rows = p->n_order[group];

        for (guint i = 0; i < n_rows; i++)
            pack->rows[group * n + i] = sth_conv_row(p->conv, p->order[group * n + i]);
        for (guint i = 0; i < pack->n_blocks; i++) {
            const guint first = (guint)((guint64)n_rows * i / pack->n_blocks), end = (guint)((guint64)n_rows * (i + 1) / pack->n_blocks);
            SthConvBlock *block = &pack->blocks[group * pack->n_blocks + i];

            *block = (SthConvBlock){pack->rows + group * n + first, end - first, pack->panels + index, i == 0, i + 1 == pack->n_blocks};
            pack->max_block = MAX(pack->max_block, end - first);
            for (gsize panel = 0; panel < p->n_panels; panel++, index++) {
                first_run[index] = pack->runs->len;
                pack->panels[index].weights = out;
                out = pack_panel(p, pack->runs, group, panel, p->order + group * n + first, end - first, out);
            }
        }
    }
    first_run[total] = pack->runs->len;
    set_runs(pack, total, first_run);
    g_free(first_run);
}

static gboolean is_dense(const Packer *p)
{
    const gsize n = p->conv->in_channels * p->taps;

    for (gsize group = 0; group < p->conv->groups; group++)
        for (gsize i = 0; i < n; i++)
            if (i >= p->n_order[group] || p->order[group * n + i] != i)
                return FALSE;
    return n > 0 && p->taps == 1;
}

void sth_conv_pack_init(SthConvPack *pack, const SthConv *conv, const float *weight, const float *bias)
{
    Packer p = {.conv = conv, .weight = weight, .taps = sth_sliding_taps(&conv->sliding)};
    const gsize n = conv->in_channels * p.taps;
    guint most = 0;

    p.n_panels = (conv->out_channels + STH_GEMM_ROWS - 1) / STH_GEMM_ROWS;
    p.mask_bytes = (p.n_panels + 7) / 8;
    p.order = g_new(guint32, conv->groups * n);
    p.n_order = g_new0(guint, conv->groups);
    p.masks = g_new(guint8, n * p.mask_bytes);
    for (gsize group = 0; group < conv->groups; group++) {
        order_rows(&p, group);
        most = MAX(most, p.n_order[group]);
    }
    memset(pack, 0, sizeof *pack);
    pack->dense = is_dense(&p);
    pack->n_blocks = MAX(1, (most + MAX_BLOCK - 1) / MAX_BLOCK);
    pack->blocks = g_new0(SthConvBlock, conv->groups * pack->n_blocks);
    pack->rows = g_new0(SthConvRow, MAX(1, conv->groups * n));
    pack->panels = g_new0(SthConvPanel, MAX(1, conv->groups * pack->n_blocks * p.n_panels));
    pack->runs = g_array_new(FALSE, FALSE, sizeof(SthGemmRun));
    pack->weights = sth_aligned_alloc((packed_size(&p) + STH_GEMM_ROWS) * sizeof(float));
    pack->bias_stride = p.n_panels * STH_GEMM_ROWS;
    pack->bias = g_new0(float, MAX(1, conv->groups * pack->bias_stride));
    for (gsize c = 0; bias && c < conv->groups * conv->out_channels; c++)
        pack->bias[c / conv->out_channels * pack->bias_stride + c % conv->out_channels] = bias[c];
    pack_groups(pack, &p);
    pack->bytes = packed_size(&p) * sizeof(float) + conv->groups * n * sizeof *pack->rows + conv->groups * pack->bias_stride * sizeof *pack->bias +
                  conv->groups * pack->n_blocks * p.n_panels * sizeof *pack->panels;
    g_free(p.order);
    g_free(p.n_order);
    g_free(p.masks);
}

void sth_conv_pack_clear(SthConvPack *pack)
{
    g_free(pack->blocks);
    g_free(pack->rows);
    g_free(pack->panels);
    g_array_unref(pack->runs);
    sth_aligned_free(pack->weights);
    g_free(pack->bias);
}
