#!/usr/bin/env bash
# Recognises actions in a video file: every window, as fast as the CPU can; with --show, at the speed of the video.
#
# usage: pipelines/file.sh [OPTION…] FILE|URI
#   --realtime         at the speed of the video also without --show
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

group=results pace=()
own_option() {
  [ "$1" = --realtime ] || return 1
  taken=1 pace=('!' clocksync)
}
sth_options "$@"
wants 1 1 "one video file"

set_source "${inputs[0]}"
set_classify
set_results
launch=("${gst[@]}" "${source[@]}" "${pace[@]}" '!' queue '!' "${classify[@]}" '!' "${results[@]}")
sth_run
