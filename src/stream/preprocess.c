/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/preprocess.h"

#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "stream/filter.h"
#include "stream/pixels.h"

#define MAX_SIZE 65535 /* of a frame, pixels: keeps the tables small and offsets within 32 bits */

#define CACHE_LINE 64 /* bytes */
#define PIECE 256     /* bytes of a row that are summed before they are turned into columns: sums stay in the first cache */

/* One memory plane: its rows are summed vertically, all interleaved components at once, over the bytes that the columns need. STH_RESIZE_ROWS
 * output rows are made at a time, and turned into columns. */
typedef struct {
    gboolean used;
    guint first_byte, n_bytes;
    SthFilter rows;
} PlanePlan;

struct _SthPreprocess {
    const SthKernels *kernels;
    const SthPixelLayout *layout;
    SthPlacement place;
    guint out_width, out_height;
    PlanePlan plane[3];
    float *sums;           /* [STH_RESIZE_ROWS][PIECE], of the plane that is being read */
    float *sum_columns;    /* [its n_bytes][STH_RESIZE_ROWS] */
    SthFilter columns[3];  /* by component */
    guint32 *offset[3];    /* columns[c].first as a column of its plane */
    float *component[3];   /* [place.width][STH_RESIZE_ROWS]; what a gray frame lacks stays 0 */
    float *channel[3];     /* the same, normalised, in the model's order */
    float matrix[3][4];    /* components to normalised channels in the model's order */
    float low[3], high[3]; /* 0 and 255, normalised */
};

SthPlacement sth_placement(const SthFrameFormat *format, SthResizePolicy resize, guint width, guint height)
{
    const double par = format->par_n && format->par_d ? (double)format->par_n / format->par_d : 1.0;
    const double shown = format->width * par / format->height, wanted = (double)width / height;
    SthPlacement place = {0, 0, format->width, format->height, 0, 0, width, height};

    if (resize == STH_RESIZE_CROP && shown > wanted) {
        const double cut = format->width * (1 - wanted / shown) / 2;
        place.x0 += cut;
        place.x1 -= cut;
    } else if (resize == STH_RESIZE_CROP) {
        const double cut = format->height * (1 - shown / wanted) / 2;
        place.y0 += cut;
        place.y1 -= cut;
    } else if (resize == STH_RESIZE_LETTERBOX && shown > wanted) {
        place.height = (guint)CLAMP(floor(width / shown + 0.5), 1.0, (double)height);
        place.y = (height - place.height) / 2;
    } else if (resize == STH_RESIZE_LETTERBOX) {
        place.width = (guint)CLAMP(floor(height * shown + 0.5), 1.0, (double)width);
        place.x = (width - place.width) / 2;
    }
    return place;
}

/* Y, Cb, Cr in 0…255 to R, G, B in 0…255. Kr and Kb from ITU-R BT.601, BT.709, BT.2020 (non-constant luminance). */
static void yuv_matrix(const SthFrameFormat *format, double m[3][4])
{
    static const struct {
        double kr, kb;
    } constants[] = {[STH_MATRIX_BT601] = {0.299, 0.114}, [STH_MATRIX_BT709] = {0.2126, 0.0722}, [STH_MATRIX_BT2020] = {0.2627, 0.0593}};
    const double kr = constants[format->matrix].kr, kb = constants[format->matrix].kb, kg = 1 - kr - kb;
    const double y = format->full_range ? 1.0 : 255.0 / 219.0, c = format->full_range ? 1.0 : 255.0 / 224.0;
    const double black = format->full_range ? 0 : 16;
    const double cr[3] = {2 * (1 - kr) * c, -2 * (1 - kr) * kr / kg * c, 0};
    const double cb[3] = {0, -2 * (1 - kb) * kb / kg * c, 2 * (1 - kb) * c};

    for (guint i = 0; i < 3; i++) {
        m[i][0] = y;
        m[i][1] = cb[i];
        m[i][2] = cr[i];
        m[i][3] = -y * black - 128 * (cb[i] + cr[i]);
    }
}

static void color_matrix(const SthFrameFormat *format, SthColorKind kind, double m[3][4])
{
    memset(m, 0, 12 * sizeof(double));
    if (kind == STH_COLOR_YUV) {
        yuv_matrix(format, m);
        return;
    }
    for (guint i = 0; i < 3; i++) {
        const gboolean limited = kind == STH_COLOR_GRAY && !format->full_range;
        m[i][kind == STH_COLOR_GRAY ? 0 : i] = limited ? 255.0 / 219.0 : 1.0;
        m[i][3] = limited ? -16 * 255.0 / 219.0 : 0;
    }
}

static void normalise_matrix(SthPreprocess *p, const SthFrameFormat *format, const SthModelInfo *info)
{
    double rgb[3][4];
    color_matrix(format, p->layout->kind, rgb);
    for (guint channel = 0; channel < 3; channel++) {
        const double *from = rgb[info->bgr ? 2 - channel : channel];
        const double mean = info->mean[channel], std = info->std[channel];
        for (guint k = 0; k < 3; k++)
            p->matrix[channel][k] = (float)(from[k] / std);
        p->matrix[channel][3] = (float)((from[3] - mean) / std);
        p->low[channel] = (float)((0 - mean) / std);
        p->high[channel] = (float)((255 - mean) / std);
    }
}

/* An axis of a component: the luma interval begin…end in the component's own samples. @sited: subsampled samples lie on the first luma sample
 * of their pair (MPEG-2, horizontally), not between the two. */
static void component_filter(SthFilter *filter, SthFilterPolicy policy, guint luma_size, guint shift, gboolean sited, guint n_out, double begin,
                             double end)
{
    const guint size = (luma_size + (1u << shift) - 1) >> shift;
    const double by = 1u << shift, move = sited && shift ? 0.5 - 0.5 / by : 0;
    sth_filter_init(filter, policy, size, n_out, begin / by + move, end / by + move);
}

static void plan_columns(SthPreprocess *p, const SthModelInfo *info, guint width)
{
    const SthPlacement *place = &p->place;
    guint end[3] = {0};
    for (guint c = 0; c < p->layout->n_components; c++) {
        const SthComponent *component = &p->layout->component[c];
        SthFilter *columns = &p->columns[c];
        component_filter(columns, info->filter, width, component->shift_x, TRUE, place->width, place->x0, place->x1);
        PlanePlan *plane = &p->plane[component->plane];
        guint low = G_MAXUINT, high = 0;
        for (guint i = 0; i < columns->n_out; i++) {
            low = MIN(low, columns->first[i]);
            high = MAX(high, columns->first[i] + columns->n_taps - 1);
        }
        low = low * component->step + component->offset;
        high = high * component->step + component->offset + 1;
        plane->first_byte = plane->used ? MIN(plane->first_byte, low) : low;
        end[component->plane] = MAX(end[component->plane], high);
        plane->used = TRUE;
    }
    for (guint i = 0; i < 3; i++)
        p->plane[i].n_bytes = end[i] - p->plane[i].first_byte;
    for (guint c = 0; c < p->layout->n_components; c++) {
        const SthComponent *component = &p->layout->component[c];
        p->offset[c] = g_new(guint32, place->width);
        for (guint i = 0; i < place->width; i++)
            p->offset[c][i] = p->columns[c].first[i] * component->step + component->offset - p->plane[component->plane].first_byte;
    }
}

static void plan_rows(SthPreprocess *p, const SthModelInfo *info, guint height)
{
    for (guint c = 0; c < p->layout->n_components; c++) {
        const SthComponent *component = &p->layout->component[c];
        PlanePlan *plane = &p->plane[component->plane];
        if (plane->rows.first) /* components of one plane share its rows */
            continue;
        component_filter(&plane->rows, info->filter, height, component->shift_y, FALSE, p->place.height, p->place.y0, p->place.y1);
    }
}

SthPreprocess *sth_preprocess_new(const SthFrameFormat *format, const SthModelInfo *info, GError **error)
{
    const SthPixelLayout *layout = sth_pixel_layout(format->pixel);
    if (!layout || (guint)format->matrix > STH_MATRIX_BT2020) {
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot read frames: unknown pixel format %d or colour matrix %d", format->pixel,
                    format->matrix);
        return NULL;
    }
    if (!format->width || !format->height || format->width > MAX_SIZE || format->height > MAX_SIZE) {
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot read frames of %u x %u pixels: the size must be 1 to %d in each direction",
                    format->width, format->height, MAX_SIZE);
        return NULL;
    }
    SthPreprocess *p = g_new0(SthPreprocess, 1);
    p->kernels = sth_kernels();
    p->layout = layout;
    p->out_width = info->width;
    p->out_height = info->height;
    p->place = sth_placement(format, info->resize, info->width, info->height);
    plan_columns(p, info, format->width);
    plan_rows(p, info, format->height);
    normalise_matrix(p, format, info);
    const guint most_bytes = MAX(MAX(p->plane[0].n_bytes, p->plane[1].n_bytes), p->plane[2].n_bytes);
    p->sums = sth_aligned_alloc((gsize)PIECE * STH_RESIZE_ROWS * sizeof(float));
    p->sum_columns = sth_aligned_alloc((gsize)most_bytes * STH_RESIZE_ROWS * sizeof(float));
    for (guint c = 0; c < 3; c++) {
        p->component[c] = sth_aligned_alloc((gsize)p->place.width * STH_RESIZE_ROWS * sizeof(float));
        p->channel[c] = sth_aligned_alloc((gsize)p->place.width * STH_RESIZE_ROWS * sizeof(float));
    }
    return p;
}

void sth_preprocess_free(SthPreprocess *p)
{
    if (!p)
        return;
    for (guint i = 0; i < 3; i++) {
        sth_filter_clear(&p->plane[i].rows);
        sth_filter_clear(&p->columns[i]);
        sth_aligned_free(p->component[i]);
        sth_aligned_free(p->channel[i]);
        g_free(p->offset[i]);
    }
    sth_aligned_free(p->sums);
    sth_aligned_free(p->sum_columns);
    g_free(p);
}

/* @n numbers of row @y of the output, from number @at, before it is resampled horizontally. */
static void sum_rows(const SthPreprocess *p, const PlanePlan *plane, const guint8 *data, gint stride, guint y, guint at, guint n, float *sum)
{
    guint n_taps = plane->rows.n_taps, first = plane->rows.first[y];
    const float *weight = plane->rows.weight + (gsize)y * n_taps;
    for (; n_taps > 1 && weight[0] == 0; n_taps--, weight++)
        first++;
    while (n_taps > 1 && weight[n_taps - 1] == 0)
        n_taps--;
    p->kernels->row_blend(sum, data + (gssize)stride * (gssize)first + plane->first_byte + at, stride, n, weight, n_taps);
}

/* Asks for @n bytes, from byte @at, of the rows that the strip from output row @y will sum (not the first strip). A frame lies outside the caches,
 * and more of its rows are read side by side than the hardware foresees. */
static void prefetch_rows(const PlanePlan *plane, const guint8 *data, gint stride, guint y, guint at, guint n)
{
    const guint end = MIN(y + STH_RESIZE_ROWS, plane->rows.n_out);
    for (guint row = plane->rows.first[y - 1] + plane->rows.n_taps; y < end; y++)
        for (row = MAX(row, plane->rows.first[y]); row < plane->rows.first[y] + plane->rows.n_taps; row++)
            for (guint i = 0; i < n; i += CACHE_LINE)
                __builtin_prefetch(data + (gssize)stride * (gssize)row + plane->first_byte + at + i);
}

/* The same of the output, which will be written. */
static void prefetch_output(const SthPreprocess *p, float *out, guint y)
{
    const guint end = MIN(y + STH_RESIZE_ROWS, p->place.height);
    for (guint c = 0; c < 3; c++)
        for (guint row = y; row < end; row++)
            for (guint i = 0; i < p->place.width; i += CACHE_LINE / sizeof(float))
                __builtin_prefetch(out + ((gsize)c * p->out_height + p->place.y + row) * p->out_width + p->place.x + i, 1);
}

/* @rows rows of the output from @y, of one plane, as columns, before they are resampled horizontally. */
static void sum_columns(const SthPreprocess *p, const PlanePlan *plane, const guint8 *data, gint stride, guint y, guint rows)
{
    for (guint at = 0; at < plane->n_bytes; at += PIECE) {
        const guint n = MIN(plane->n_bytes - at, PIECE);
        prefetch_rows(plane, data, stride, y + rows, at, n);
        for (guint r = 0; r < rows; r++)
            sum_rows(p, plane, data, stride, y + r, at, n, p->sums + (gsize)r * PIECE);
        p->kernels->transpose(p->sum_columns + (gsize)at * STH_RESIZE_ROWS, STH_RESIZE_ROWS, p->sums, PIECE, rows, n);
    }
}

/* Bars of a letterbox: 0 is the mean. */
static void clear_bars(const SthPreprocess *p, float *out)
{
    const SthPlacement *place = &p->place;
    if (place->width == p->out_width && place->height == p->out_height)
        return;
    for (guint row = 0; row < 3 * p->out_height; row++) {
        const guint y = row % p->out_height;
        float *line = out + (gsize)row * p->out_width;
        if (y < place->y || y >= place->y + place->height) {
            memset(line, 0, p->out_width * sizeof(float));
        } else {
            memset(line, 0, place->x * sizeof(float));
            memset(line + place->x + place->width, 0, (p->out_width - place->x - place->width) * sizeof(float));
        }
    }
}

void sth_preprocess_run(SthPreprocess *p, const SthFrame *frame, float *out)
{
    const SthKernels *kernels = p->kernels;
    const SthPlacement *place = &p->place;
    clear_bars(p, out);
    for (guint y = 0; y < place->height; y += STH_RESIZE_ROWS) {
        const guint rows = MIN(place->height - y, STH_RESIZE_ROWS);
        for (guint i = 0; i < 3; i++) {
            if (p->plane[i].used)
                sum_columns(p, &p->plane[i], frame->plane[i], frame->stride[i], y, rows);
            for (guint c = 0; c < p->layout->n_components; c++) {
                const SthComponent *component = &p->layout->component[c];
                if (component->plane == i)
                    kernels->column_resample(p->component[c], place->width, p->sum_columns, p->offset[c], p->columns[c].weight, p->columns[c].n_taps,
                                             component->step);
            }
        }
        prefetch_output(p, out, y + rows);
        kernels->color_matrix(p->channel, (const float *const *)p->component, (gsize)place->width * STH_RESIZE_ROWS, (const float(*)[4])p->matrix,
                              p->low, p->high);
        for (guint c = 0; c < 3; c++)
            kernels->transpose(out + ((gsize)c * p->out_height + place->y + y) * p->out_width + place->x, p->out_width, p->channel[c],
                               STH_RESIZE_ROWS, place->width, rows);
    }
}
