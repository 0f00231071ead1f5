/* Preprocessing against an independent computation in double, pixel by pixel, and against Pillow.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#include "base/npy.h"
#include "stream/preprocess.h"

/* A picture as component planes, each at its own resolution, and as a frame of some format. */
typedef struct {
    guint width[3], height[3];
    guint8 *component[3];
    guint8 *memory[3]; /* planes of the frame; rows are longer than needed, the rest is noise */
    SthFrame frame;
} Picture;

static gboolean is_rgb(SthPixelFormat pixel)
{
    return pixel >= STH_PIXEL_RGB && pixel <= STH_PIXEL_ABGR;
}

/* Where sample @x, @y of @component goes. Written from the names of the formats, not from the library's table. */
static guint8 *place(const Picture *p, SthPixelFormat pixel, guint component, guint x, guint y)
{
    static const char *const packed[] = {[STH_PIXEL_RGB] = "RGB",   [STH_PIXEL_BGR] = "BGR",   [STH_PIXEL_RGBA] = "RGBA",
                                         [STH_PIXEL_BGRA] = "BGRA", [STH_PIXEL_ARGB] = "ARGB", [STH_PIXEL_ABGR] = "ABGR"};
    guint plane = 0, at = x;
    if (is_rgb(pixel)) {
        at = x * (guint)strlen(packed[pixel]) + (guint)(strchr(packed[pixel], "RGB"[component]) - packed[pixel]);
    } else if (pixel == STH_PIXEL_YUY2 || pixel == STH_PIXEL_UYVY) {
        const guint luma = pixel == STH_PIXEL_YUY2 ? 0 : 1;
        at = component == 0 ? 2 * x + luma : 4 * x + (1 - luma) + (component == 2 ? 2 : 0);
    } else if ((pixel == STH_PIXEL_NV12 || pixel == STH_PIXEL_NV21) && component > 0) {
        plane = 1;
        at = 2 * x + (pixel == STH_PIXEL_NV12 ? component - 1 : 2 - component);
    } else {
        plane = pixel == STH_PIXEL_YV12 && component > 0 ? 3 - component : component;
    }
    return (guint8 *)p->frame.plane[plane] + (gssize)p->frame.stride[plane] * (gssize)y + at;
}

static void picture_init(Picture *p, const SthFrameFormat *format, GRand *rand, gboolean upside_down)
{
    const gboolean halves_x = format->pixel <= STH_PIXEL_UYVY, halves_y = format->pixel <= STH_PIXEL_NV21;
    const guint n = format->pixel == STH_PIXEL_GRAY8 ? 1 : 3;
    const guint stride = 4 * format->width + 13;
    *p = (Picture){0};
    for (guint i = 0; i < 3; i++) {
        const gsize bytes = (gsize)stride * format->height;
        p->memory[i] = g_malloc(bytes);
        for (gsize k = 0; k < bytes; k++)
            p->memory[i][k] = (guint8)g_rand_int(rand);
        p->frame.stride[i] = (gint)stride;
        p->frame.plane[i] = p->memory[i];
    }
    for (guint i = 0; i < n; i++) {
        p->width[i] = i && halves_x ? (format->width + 1) / 2 : format->width;
        p->height[i] = i && halves_y ? (format->height + 1) / 2 : format->height;
        if (upside_down) {
            p->frame.stride[i] = -(gint)stride;
            p->frame.plane[i] = p->memory[i] + (gsize)stride * (p->height[i] - 1);
        }
    }
    for (guint i = 0; i < n; i++) {
        p->component[i] = g_malloc((gsize)p->width[i] * p->height[i]);
        for (guint y = 0; y < p->height[i]; y++)
            for (guint x = 0; x < p->width[i]; x++)
                *place(p, format->pixel, i, x, y) = p->component[i][y * p->width[i] + x] = (guint8)g_rand_int(rand);
    }
}

static void picture_clear(Picture *p)
{
    for (guint i = 0; i < 3; i++) {
        g_free(p->component[i]);
        g_free(p->memory[i]);
    }
}

/* Weights of all samples of an axis for an output centred at @center: a triangle of half-width @support, sum 1. */
static void triangle(double *weight, guint n, double center, double support)
{
    double sum = 0;
    for (guint i = 0; i < n; i++)
        sum += weight[i] = fmax(0, 1 - fabs(i + 0.5 - center) / support);
    for (guint i = 0; i < n; i++)
        weight[i] = sum > 0 ? weight[i] / sum : i == (center < 0.5 * n ? 0 : n - 1);
}

/* Component @c at output pixel x, y of the filled rectangle. */
static double component_at(const Picture *p, const SthFrameFormat *format, const SthPlacement *at, gboolean antialias, guint c, guint x, guint y)
{
    const double by_x = c && format->pixel <= STH_PIXEL_UYVY ? 2 : 1, by_y = c && format->pixel <= STH_PIXEL_NV21 ? 2 : 1;
    const double scale_x = (at->x1 - at->x0) / at->width, scale_y = (at->y1 - at->y0) / at->height;
    /* Luma position of the centre. Sample i of left-sited chroma lies at luma position 2i + 0.5, in its own axis at i + 0.5. */
    const double luma_x = at->x0 + (x + 0.5) * scale_x, luma_y = at->y0 + (y + 0.5) * scale_y;
    const double center_x = by_x == 2 ? (luma_x - 0.5) / 2 + 0.5 : luma_x, center_y = luma_y / by_y;
    g_autofree double *wx = g_new(double, p->width[c]);
    g_autofree double *wy = g_new(double, p->height[c]);
    triangle(wx, p->width[c], center_x, antialias ? fmax(1, scale_x / by_x) : 1);
    triangle(wy, p->height[c], center_y, antialias ? fmax(1, scale_y / by_y) : 1);
    double sum = 0;
    for (guint j = 0; j < p->height[c]; j++)
        for (guint i = 0; i < p->width[c]; i++)
            sum += wy[j] * wx[i] * p->component[c][j * p->width[c] + i];
    return sum;
}

/* ITU-R BT.601-7 2.5, BT.709-6 3, BT.2020-2 table 4: the inverse of E'y = kr R + kg G + kb B, E'pb = (B - Y) / (2 (1 - kb)), … */
static void to_rgb(const SthFrameFormat *format, const double in[3], double rgb[3])
{
    static const double kr[] = {0.299, 0.2126, 0.2627}, kb[] = {0.114, 0.0722, 0.0593};
    if (is_rgb(format->pixel)) {
        memcpy(rgb, in, 3 * sizeof(double));
        return;
    }
    const double r = kr[format->matrix], b = kb[format->matrix];
    const double y = format->full_range ? in[0] : (in[0] - 16) * 255 / 219;
    const double pb = (in[1] - 128) / (format->full_range ? 255 : 224), pr = (in[2] - 128) / (format->full_range ? 255 : 224);
    rgb[0] = y + 255 * pr * 2 * (1 - r);
    rgb[2] = y + 255 * pb * 2 * (1 - b);
    rgb[1] = (y - r * rgb[0] - b * rgb[2]) / (1 - r - b);
}

static SthModelInfo info_new(SthResizePolicy resize, guint width, guint height, gboolean bgr)
{
    return (SthModelInfo){.resize = resize, .width = width, .height = height, .bgr = bgr, .mean = {120, 110, 100}, .std = {50, 60, 70}};
}

/* Largest difference in units of 1/255 of full scale. */
static double compare(const SthFrameFormat *format, const SthModelInfo *info, const Picture *p)
{
    const SthPlacement at = sth_placement(format, info->resize, info->width, info->height);
    const gsize plane = (gsize)info->width * info->height;
    g_autofree float *out = g_new(float, 3 * plane);
    double worst = 0;
    GError *error = NULL;
    SthPreprocess *preprocess = sth_preprocess_new(format, info, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < 3 * plane; i++)
        out[i] = NAN;
    sth_preprocess_run(preprocess, &p->frame, out);
    for (guint y = 0; y < info->height; y++)
        for (guint x = 0; x < info->width; x++) {
            double in[3] = {0, 128, 128}, rgb[3];
            const gboolean bar = x < at.x || x >= at.x + at.width || y < at.y || y >= at.y + at.height;
            for (guint c = 0; c < 3 && !bar; c++)
                if (p->component[c])
                    in[c] = component_at(p, format, &at, info->filter == STH_FILTER_ANTIALIAS, c, x - at.x, y - at.y);
            to_rgb(format, in, rgb);
            for (guint c = 0; c < 3; c++) {
                const double value = CLAMP(rgb[info->bgr ? 2 - c : c], 0, 255);
                const double wanted = bar ? 0 : (value - info->mean[c]) / info->std[c];
                const double off = fabs(out[c * plane + y * info->width + x] - wanted) * info->std[c];
                g_assert_false(isnan(off));
                worst = MAX(worst, off);
            }
        }
    sth_preprocess_free(preprocess);
    return worst;
}

/* Sizes: shrink, enlarge, odd, one axis each way, tiny. */
static const guint sizes[][4] = {{64, 36, 8, 8}, {37, 53, 9, 7}, {5, 3, 12, 10}, {61, 4, 6, 16}, {1, 1, 4, 4}, {2, 70, 5, 3}, {16, 16, 16, 16}};

static void test_formats(void)
{
    GRand *rand = g_rand_new_with_seed(1);
    for (SthPixelFormat pixel = STH_PIXEL_I420; pixel <= STH_PIXEL_GRAY8; pixel++)
        for (guint size = 0; size < G_N_ELEMENTS(sizes); size++)
            for (SthResizePolicy resize = STH_RESIZE_CROP; resize <= STH_RESIZE_LETTERBOX; resize++) {
                const SthFrameFormat format = {
                    pixel, sizes[size][0], sizes[size][1], size == 1 ? 16 : 0, size == 1 ? 11 : 0, (SthMatrix)((size + (guint)resize) % 3), size & 1};
                SthModelInfo info = info_new(resize, sizes[size][2], sizes[size][3], (size + (guint)pixel) & 1);
                Picture picture;
                info.filter = (SthFilterPolicy)((size + (guint)pixel + (guint)resize) & 1);
                picture_init(&picture, &format, rand, size & 1);
                const double worst = compare(&format, &info, &picture);
                g_test_message("format %d, %ux%u to %ux%u, policy %d: %g", pixel, format.width, format.height, info.width, info.height, resize,
                               worst);
                g_assert_cmpfloat(worst, <, 1e-3);
                picture_clear(&picture);
            }
    g_rand_free(rand);
}

/* Y, Cb, Cr of pure colours (ITU-R BT.601, BT.709, BT.2020, rounded to 8 bits) and what they must be in R, G, B, within that rounding. */
static void test_colours(void)
{
    static const struct {
        SthMatrix matrix;
        gboolean full_range;
        guint8 yuv[3], rgb[3];
    } rows[] = {
        {STH_MATRIX_BT601, FALSE, {235, 128, 128}, {255, 255, 255}}, {STH_MATRIX_BT709, FALSE, {16, 128, 128}, {0, 0, 0}},
        {STH_MATRIX_BT601, FALSE, {81, 90, 240}, {255, 0, 0}},       {STH_MATRIX_BT601, FALSE, {145, 54, 34}, {0, 255, 0}},
        {STH_MATRIX_BT601, FALSE, {41, 240, 110}, {0, 0, 255}},      {STH_MATRIX_BT709, FALSE, {63, 102, 240}, {255, 0, 0}},
        {STH_MATRIX_BT709, FALSE, {173, 42, 26}, {0, 255, 0}},       {STH_MATRIX_BT709, FALSE, {32, 240, 118}, {0, 0, 255}},
        {STH_MATRIX_BT2020, FALSE, {74, 97, 240}, {255, 0, 0}},      {STH_MATRIX_BT2020, FALSE, {29, 240, 119}, {0, 0, 255}},
        {STH_MATRIX_BT601, TRUE, {76, 85, 255}, {255, 0, 0}},        {STH_MATRIX_BT601, TRUE, {255, 128, 128}, {255, 255, 255}},
        {STH_MATRIX_BT709, FALSE, {255, 128, 128}, {255, 255, 255}}, {STH_MATRIX_BT709, FALSE, {0, 128, 128}, {0, 0, 0}},
    };
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        const SthFrameFormat format = {STH_PIXEL_I420, 1, 1, 1, 1, rows[row].matrix, rows[row].full_range};
        const SthModelInfo info = {.width = 1, .height = 1, .std = {1, 1, 1}};
        const SthFrame frame = {{&rows[row].yuv[0], &rows[row].yuv[1], &rows[row].yuv[2]}, {1, 1, 1}, 0};
        float out[3];
        SthPreprocess *preprocess = sth_preprocess_new(&format, &info, NULL);
        sth_preprocess_run(preprocess, &frame, out);
        for (guint c = 0; c < 3; c++)
            g_assert_cmpfloat_with_epsilon(out[c], rows[row].rgb[c], 2);
        sth_preprocess_free(preprocess);
    }
}

static void test_placement(void)
{
    static const struct {
        guint width, height, par_n, par_d;
        SthResizePolicy resize;
        guint to_width, to_height;
        SthPlacement place;
    } rows[] = {
        {1920, 1080, 1, 1, STH_RESIZE_CROP, 224, 224, {420, 0, 1500, 1080, 0, 0, 224, 224}},
        {1080, 1920, 0, 0, STH_RESIZE_CROP, 224, 224, {0, 420, 1080, 1500, 0, 0, 224, 224}},
        {720, 576, 16, 15, STH_RESIZE_CROP, 100, 100, {90, 0, 630, 576, 0, 0, 100, 100}},
        {640, 480, 1, 1, STH_RESIZE_CROP, 171, 128, {0, 0.467836, 640, 479.532164, 0, 0, 171, 128}},
        {640, 480, 1, 1, STH_RESIZE_STRETCH, 224, 112, {0, 0, 640, 480, 0, 0, 224, 112}},
        {1920, 1080, 1, 1, STH_RESIZE_LETTERBOX, 224, 224, {0, 0, 1920, 1080, 0, 49, 224, 126}},
        {1080, 1920, 1, 1, STH_RESIZE_LETTERBOX, 224, 224, {0, 0, 1080, 1920, 49, 0, 126, 224}},
        {1440, 1080, 4, 3, STH_RESIZE_LETTERBOX, 160, 160, {0, 0, 1440, 1080, 0, 35, 160, 90}},
        {10000, 1, 1, 1, STH_RESIZE_LETTERBOX, 8, 8, {0, 0, 10000, 1, 0, 3, 8, 1}},
    };
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        const SthFrameFormat format = {.width = rows[row].width, .height = rows[row].height, .par_n = rows[row].par_n, .par_d = rows[row].par_d};
        const SthPlacement got = sth_placement(&format, rows[row].resize, rows[row].to_width, rows[row].to_height), *want = &rows[row].place;
        g_assert_cmpfloat_with_epsilon(got.x0, want->x0, 1e-5);
        g_assert_cmpfloat_with_epsilon(got.y0, want->y0, 1e-5);
        g_assert_cmpfloat_with_epsilon(got.x1, want->x1, 1e-5);
        g_assert_cmpfloat_with_epsilon(got.y1, want->y1, 1e-5);
        g_assert_cmpuint(got.x, ==, want->x);
        g_assert_cmpuint(got.y, ==, want->y);
        g_assert_cmpuint(got.width, ==, want->width);
        g_assert_cmpuint(got.height, ==, want->height);
    }
}

/* Cases of make_resize_goldens.py: what sth_placement() makes of these must be the box there. */
static const struct {
    const char *name;
    guint width, height;
    SthResizePolicy resize;
    SthFilterPolicy filter;
} golden_cases[] = {
    {"shrink", 97, 61, STH_RESIZE_CROP, STH_FILTER_ANTIALIAS},          {"enlarge", 13, 9, STH_RESIZE_CROP, STH_FILTER_ANTIALIAS},
    {"stretch", 97, 11, STH_RESIZE_STRETCH, STH_FILTER_ANTIALIAS},      {"opencv_shrink", 97, 61, STH_RESIZE_STRETCH, STH_FILTER_BILINEAR},
    {"opencv_enlarge", 13, 9, STH_RESIZE_STRETCH, STH_FILTER_BILINEAR}, {"opencv_both", 97, 11, STH_RESIZE_STRETCH, STH_FILTER_BILINEAR},
};

/* Both round to 8 bits at the end, Pillow between its two passes as well. */
static void test_goldens(void)
{
    for (guint row = 0; row < G_N_ELEMENTS(golden_cases); row++) {
        const guint width = golden_cases[row].width, height = golden_cases[row].height;
        g_autofree char *name = g_strdup_printf("resize_%s.npy", golden_cases[row].name);
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, name, NULL);
        g_autofree guint8 *pixels = g_malloc(width * height * 3);
        const SthFrameFormat format = {.pixel = STH_PIXEL_RGB, .width = width, .height = height};
        const SthModelInfo info = {
            .resize = golden_cases[row].resize, .filter = golden_cases[row].filter, .width = 32, .height = 24, .std = {1, 1, 1}};
        const SthFrame frame = {{pixels}, {(gint)width * 3}, 0};
        float out[3 * 24 * 32];
        SthTensor golden;
        GError *error = NULL;
        GBytes *bytes = sth_npy_load(path, &golden, &error);
        g_assert_no_error(error);
        g_assert_cmpint(sth_shape_elements(&golden.shape), ==, 3 * 24 * 32);
        for (guint y = 0; y < height; y++)
            for (guint x = 0; x < width; x++)
                for (guint c = 0; c < 3; c++)
                    pixels[(y * width + x) * 3 + c] = (guint8)(x * 7 + y * 13 + c * 31 + x * y % 17 * 5);

        SthPreprocess *preprocess = sth_preprocess_new(&format, &info, &error);
        g_assert_no_error(error);
        sth_preprocess_run(preprocess, &frame, out);
        for (guint i = 0; i < 24 * 32; i++)
            for (guint c = 0; c < 3; c++)
                g_assert_cmpfloat_with_epsilon(out[c * 24 * 32 + i], ((const guint8 *)golden.data)[i * 3 + c], 1.5);
        sth_preprocess_free(preprocess);
        g_bytes_unref(bytes);
    }
}

static void test_refused(void)
{
    const SthFrameFormat rows[] = {{STH_PIXEL_RGB, 0, 5, 1, 1, STH_MATRIX_BT601, FALSE},
                                   {STH_PIXEL_RGB, 5, 0, 1, 1, STH_MATRIX_BT601, FALSE},
                                   {STH_PIXEL_RGB, G_MAXUINT, 5, 1, 1, STH_MATRIX_BT601, FALSE},
                                   {(SthPixelFormat)99, 5, 5, 1, 1, STH_MATRIX_BT601, FALSE},
                                   {STH_PIXEL_I420, 5, 5, 1, 1, (SthMatrix)7, FALSE}};
    const SthModelInfo info = info_new(STH_RESIZE_CROP, 4, 4, FALSE);
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        GError *error = NULL;
        g_assert_null(sth_preprocess_new(&rows[row], &info, &error));
        g_assert_error(error, STH_ERROR, STH_ERROR_ARGUMENT);
        g_error_free(error);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/preprocess/placement", test_placement);
    g_test_add_func("/preprocess/formats", test_formats);
    g_test_add_func("/preprocess/colours", test_colours);
    g_test_add_func("/preprocess/goldens", test_goldens);
    g_test_add_func("/preprocess/refused", test_refused);
    return g_test_run();
}
