#!/usr/bin/python3
"""Prints what sthclassify recognises in a video file, read from the buffers: an example of reading the metadata in Python.

GStreamer's own bindings do (Debian: python3-gi, gir1.2-gstreamer-1.0).

usage: print_results.py VIDEO
SPDX-License-Identifier: LGPL-2.1-or-later
"""
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
except (ImportError, ValueError) as error:
    sys.exit(f"{error}: GStreamer for Python is missing; on Debian: apt-get install python3-gi gir1.2-gstreamer-1.0")
from gi.repository import Gst  # noqa: E402


def print_result(_pad, info):
    """Called in the streaming thread, for each buffer that arrives at the end of the pipeline."""
    meta = info.get_buffer().get_custom_meta("GstSthClassificationMeta")
    if meta is None:
        return Gst.PadProbeReturn.OK
    result = meta.get_structure()
    # A result stays on later buffers while it is valid; `held` tells them from the first. No label: nothing was recognised.
    _, held = result.get_boolean("held")
    label = result.get_string("label")
    if label is not None and not held:
        _, start = result.get_uint64("window-start")
        _, end = result.get_uint64("window-end")
        _, confidence = result.get_double("confidence")
        print(f"{start / Gst.SECOND:.3f} {end / Gst.SECOND:.3f} {label} {confidence:.2f}", flush=True)
    return Gst.PadProbeReturn.OK


def main():
    Gst.init(None)
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} VIDEO", file=sys.stderr)
        return 2
    pipeline = Gst.parse_launch("filesrc name=source ! decodebin ! sthclassify ! fakesink name=sink")
    pipeline.get_by_name("source").set_property("location", sys.argv[1])
    pipeline.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, print_result)

    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        print(f"{sys.argv[1]}: {message.parse_error()[0].message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
