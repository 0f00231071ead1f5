#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An RTSP camera for tests: sends an MP4 file (H.264) as rtsp://127.0.0.1:PORT/camera. usage: rtsp_server.py PORT FILE"""
import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

port, path = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer(address='127.0.0.1', service=port)
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(f'( filesrc location="{path}" ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=-1 )')
server.get_mount_points().add_factory('/camera', factory)
if server.attach(None) == 0:
    sys.exit(f'port {port} is taken')
GLib.MainLoop().run()
