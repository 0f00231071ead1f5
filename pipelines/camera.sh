#!/usr/bin/env bash
# Recognises actions in what a camera sees, live: the video never waits for the network.
#
# usage: pipelines/camera.sh [OPTION…] [DEVICE|FILE]
#   DEVICE             /dev/video0 unless given
#   FILE               a video file that is played at its own speed as if it were a camera
#   --size WxH         ask the camera for this size
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

group=results size=()
own_option() {
  [ "$1" = --size ] || return 1
  taken=2
  [[ $(value "$@") =~ ^([0-9]+)x([0-9]+)$ ]] || die_usage "--size ${2:-}: give it as 640x480"
  size=('!' "video/x-raw,width=${BASH_REMATCH[1]},height=${BASH_REMATCH[2]};image/jpeg,width=${BASH_REMATCH[1]},height=${BASH_REMATCH[2]}")
}
sth_options "$@"
wants 0 1 "one camera"

set_source "${inputs[0]:=/dev/video0}"
if [ -f "${inputs[0]}" ]; then
  source+=('!' clocksync)
elif [ ${#size[@]} -gt 0 ]; then
  source=("${source[@]:0:2}" "${size[@]}" "${source[@]:2}")
fi
mode=live
set_classify
set_results
launch=("${gst[@]}" "${source[@]}" '!' queue leaky=downstream max-size-buffers=4 '!' "${classify[@]}" '!' "${results[@]}")
sth_run
