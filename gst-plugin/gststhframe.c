/* GStreamer: video frames as libsth reads them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhframe.h"

struct _GstSthFrameReader
{
  GstVideoInfo info;
  SthFrameFormat format;
  GstVideoFrame frame;          /* mapped between _map() and _unmap() */

  /* For formats that the library does not read; else NULL. */
  GstVideoConverter *converter;
  GstBuffer *scratch;
  GstVideoFrame scratch_frame;  /* mapped as long as the reader lives */
};

static const struct
{
  GstVideoFormat video;
  SthPixelFormat pixel;
} direct[] = {
  {GST_VIDEO_FORMAT_I420, STH_PIXEL_I420},
  {GST_VIDEO_FORMAT_YV12, STH_PIXEL_YV12},
  {GST_VIDEO_FORMAT_NV12, STH_PIXEL_NV12},
  {GST_VIDEO_FORMAT_NV21, STH_PIXEL_NV21},
  {GST_VIDEO_FORMAT_YUY2, STH_PIXEL_YUY2},
  {GST_VIDEO_FORMAT_UYVY, STH_PIXEL_UYVY},
  {GST_VIDEO_FORMAT_RGB, STH_PIXEL_RGB},
  {GST_VIDEO_FORMAT_BGR, STH_PIXEL_BGR},
  {GST_VIDEO_FORMAT_RGBA, STH_PIXEL_RGBA},
  {GST_VIDEO_FORMAT_RGBx, STH_PIXEL_RGBA},
  {GST_VIDEO_FORMAT_BGRA, STH_PIXEL_BGRA},
  {GST_VIDEO_FORMAT_BGRx, STH_PIXEL_BGRA},
  {GST_VIDEO_FORMAT_ARGB, STH_PIXEL_ARGB},
  {GST_VIDEO_FORMAT_xRGB, STH_PIXEL_ARGB},
  {GST_VIDEO_FORMAT_ABGR, STH_PIXEL_ABGR},
  {GST_VIDEO_FORMAT_xBGR, STH_PIXEL_ABGR},
  {GST_VIDEO_FORMAT_GRAY8, STH_PIXEL_GRAY8},
};

static gboolean
find_pixel (GstVideoFormat video, SthPixelFormat * pixel)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (direct); i++) {
    if (direct[i].video == video) {
      *pixel = direct[i].pixel;
      return TRUE;
    }
  }
  return FALSE;
}

static SthMatrix
matrix_of (const GstVideoInfo * info)
{
  switch (info->colorimetry.matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return STH_MATRIX_BT2020;
    case GST_VIDEO_COLOR_MATRIX_BT709:
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:     /* nearest to BT.709 */
      return STH_MATRIX_BT709;
    case GST_VIDEO_COLOR_MATRIX_BT601:
    case GST_VIDEO_COLOR_MATRIX_FCC:   /* nearest to BT.601 */
      return STH_MATRIX_BT601;
    default:
      return info->height > 576 ? STH_MATRIX_BT709 : STH_MATRIX_BT601;
  }
}

/* The format to convert to: of the same family, so that the library still
 * does the colour arithmetic, with the same colorimetry. */
static gboolean
make_converter (GstSthFrameReader * self, const GstVideoInfo * info,
    GstVideoInfo * out)
{
  GstVideoFormat format = GST_VIDEO_FORMAT_NV12;

  if (GST_VIDEO_INFO_IS_RGB (info))
    format = GST_VIDEO_FORMAT_RGB;
  else if (GST_VIDEO_INFO_IS_GRAY (info))
    format = GST_VIDEO_FORMAT_GRAY8;

  if (!gst_video_info_set_interlaced_format (out, format,
          GST_VIDEO_INFO_INTERLACE_MODE (info), info->width, info->height))
    return FALSE;
  GST_VIDEO_INFO_FIELD_ORDER (out) = GST_VIDEO_INFO_FIELD_ORDER (info);
  out->par_n = info->par_n;
  out->par_d = info->par_d;
  out->fps_n = info->fps_n;
  out->fps_d = info->fps_d;
  out->colorimetry = info->colorimetry;
  out->chroma_site = info->chroma_site;
  self->converter = gst_video_converter_new (info, out, NULL);
  if (self->converter == NULL)
    return FALSE;
  self->scratch = gst_buffer_new_allocate (NULL, out->size, NULL);
  return gst_video_frame_map (&self->scratch_frame, out, self->scratch,
      GST_MAP_READWRITE);
}

GstSthFrameReader *
gst_sth_frame_reader_new (const GstVideoInfo * info)
{
  GstSthFrameReader *self = g_new0 (GstSthFrameReader, 1);
  const GstVideoInfo *read = info;
  GstVideoInfo out;
  SthFrameFormat *format = &self->format;

  self->info = *info;
  if (!find_pixel (GST_VIDEO_INFO_FORMAT (info), &format->pixel)) {
    if (!make_converter (self, info, &out)
        || !find_pixel (GST_VIDEO_INFO_FORMAT (&out), &format->pixel)) {
      gst_sth_frame_reader_free (self);
      return NULL;
    }
    read = &out;
  }
  format->width = GST_VIDEO_INFO_WIDTH (read);
  format->height = GST_VIDEO_INFO_FIELD_HEIGHT (read);
  format->par_n = GST_VIDEO_INFO_PAR_N (read);
  format->par_d = GST_VIDEO_INFO_PAR_D (read);
  /* A buffer of alternating fields has every second line: twice as high. */
  if (GST_VIDEO_INFO_INTERLACE_MODE (read) ==
      GST_VIDEO_INTERLACE_MODE_ALTERNATE)
    format->par_d *= 2;
  format->matrix = matrix_of (read);
  format->full_range = read->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return self;
}

void
gst_sth_frame_reader_free (GstSthFrameReader * self)
{
  if (self == NULL)
    return;
  if (self->scratch_frame.buffer)
    gst_video_frame_unmap (&self->scratch_frame);
  gst_clear_buffer (&self->scratch);
  g_clear_pointer (&self->converter, gst_video_converter_free);
  g_free (self);
}

const SthFrameFormat *
gst_sth_frame_reader_get_format (const GstSthFrameReader * self)
{
  return &self->format;
}

gboolean
gst_sth_frame_reader_map (GstSthFrameReader * self, GstBuffer * buffer,
    SthFrame * frame)
{
  GstVideoFrame *read = &self->frame;
  guint i;

  if (!gst_video_frame_map (&self->frame, &self->info, buffer,
          GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return FALSE;
  if (self->converter) {
    gst_video_converter_frame (self->converter, &self->frame,
        &self->scratch_frame);
    read = &self->scratch_frame;
  }
  for (i = 0; i < G_N_ELEMENTS (frame->plane); i++) {
    gboolean there = i < GST_VIDEO_FRAME_N_PLANES (read);

    frame->plane[i] = there ? GST_VIDEO_FRAME_PLANE_DATA (read, i) : NULL;
    frame->stride[i] = there ? GST_VIDEO_FRAME_PLANE_STRIDE (read, i) : 0;
  }
  frame->pts = GST_BUFFER_PTS (buffer);
  return TRUE;
}

void
gst_sth_frame_reader_unmap (GstSthFrameReader * self)
{
  gst_video_frame_unmap (&self->frame);
}
