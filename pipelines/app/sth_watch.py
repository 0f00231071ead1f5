#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An application that embeds sthclassify: opens a camera, file or address, prints each result from a callback on the bus, and
takes another model while the video runs. The twin of sth-watch.c; needs python3-gst-1.0.

A line on standard input that names an ONNX file swaps the model. The new one is opened while the old one still runs; if it
cannot be opened, the old one goes on.
"""
import argparse
import signal
import sys

try:
    import gi

    gi.require_version('Gst', '1.0')
except (ImportError, ValueError) as error:
    sys.exit(f'{error}: GStreamer for Python is missing; on Debian: apt-get install python3-gst-1.0')
from gi.repository import GLib, Gst  # noqa: E402


class Watch:
    def __init__(self, video, model, realtime):
        self.video = video
        self.loop = GLib.MainLoop()
        self.failed = False
        self.pipeline = Gst.Pipeline.new(None)
        self.source, self.convert, self.classify, self.sink = (
            self.make(name) for name in ('uridecodebin', 'videoconvert', 'sthclassify', 'fakesink'))
        for element in self.source, self.convert, self.classify, self.sink:
            self.pipeline.add(element)
        self.source.props.uri = to_uri(video)
        self.classify.props.model_file = model
        self.sink.props.sync = realtime
        self.convert.link(self.classify)
        self.classify.link(self.sink)
        self.source.connect('pad-added', self.on_pad)

    @staticmethod
    def make(factory):
        element = Gst.ElementFactory.make(factory, None)
        if element is None:
            sys.exit(f"GStreamer does not find the element '{factory}'; see docs/troubleshooting.md")
        return element

    def on_pad(self, _source, pad):
        """Videos have sound and subtitles too: only video is linked."""
        sink = self.convert.get_static_pad('sink')
        if not sink.is_linked() and pad.get_current_caps().to_string().startswith('video/'):
            pad.link(sink)

    # --- Results

    def on_message(self, _bus, message):
        if message.type == Gst.MessageType.ELEMENT and message.has_name('sthclassify'):
            self.print_result(message.get_structure())
        elif message.type == Gst.MessageType.LATENCY:
            self.pipeline.recalculate_latency()
        elif message.type == Gst.MessageType.ERROR:
            print(f'{self.video}: {message.src.get_name()}: {message.parse_error()[0].message}', file=sys.stderr)
            self.failed = True
            self.loop.quit()
        elif message.type == Gst.MessageType.EOS:
            self.loop.quit()

    @staticmethod
    def print_result(result):
        time = result.get_value('stream-time')
        time = f'{time / Gst.SECOND:8.2f} s' if time != Gst.CLOCK_TIME_NONE else f'{"-":>10}'
        label = result.get_string('label') or '-'
        print(f'{time}  {result.get_string("event"):12}  {label:24} {result.get_value("confidence"):4.0%}'
              f'  {result.get_string("model")}', flush=True)

    # --- Another model

    def open_model(self, path):
        """Opens it in an element that is in no pipeline yet, so that its errors come here and the video does not wait."""
        following = self.make('sthclassify')
        following.props.model_file = path
        bus = Gst.Bus()
        following.set_bus(bus)
        opened = following.set_state(Gst.State.PAUSED) != Gst.StateChangeReturn.FAILURE
        error = None if opened else bus.pop_filtered(Gst.MessageType.ERROR)
        following.set_bus(None)
        if opened:
            self.convert.get_static_pad('src').add_probe(Gst.PadProbeType.IDLE, self.swap, following)
        else:
            following.set_state(Gst.State.NULL)
            reason = error.parse_error()[0].message if error else 'the new one does not open'
            print(f'the model stays as it is: {reason}', file=sys.stderr)

    def swap(self, _pad, _info, following):
        """Between two frames, in the streaming thread. Linking sends the new element caps and segment again."""
        old, self.classify = self.classify, following
        self.convert.unlink(old)
        old.unlink(self.sink)
        self.pipeline.add(following)
        self.convert.link(following)
        following.link(self.sink)
        following.sync_state_with_parent()
        self.pipeline.remove(old)
        old.set_state(Gst.State.NULL)
        return Gst.PadProbeReturn.REMOVE

    def on_input(self, channel, _condition):
        line = channel.readline()
        if line.strip():
            self.open_model(line.strip())
        return line != ''

    # --- The whole

    def run(self):
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect('message', self.on_message)
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, self.on_input)
        for number in signal.SIGINT, signal.SIGTERM:
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        bus.remove_signal_watch()
        return 1 if self.failed else 0


def to_uri(text):
    if Gst.uri_is_valid(text):
        return text
    return 'v4l2://' + text if text.startswith('/dev/video') else Gst.filename_to_uri(text)


def main():
    parser = argparse.ArgumentParser(description='Prints what sthclassify recognises. A line on standard input that names an '
                                     'ONNX file swaps the model.')
    parser.add_argument('video', metavar='FILE|URI|/dev/videoN')
    parser.add_argument('--model', metavar='FILE', help='ONNX file (default: $GST_STH_MODEL, else the installed one)')
    parser.add_argument('--realtime', action='store_true', help='files at their own speed')
    options = parser.parse_args()
    Gst.init(None)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends with the program that reads what it prints
    return Watch(options.video, options.model, options.realtime).run()


if __name__ == '__main__':
    sys.exit(main())
