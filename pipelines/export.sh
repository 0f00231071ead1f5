#!/usr/bin/env bash
# Writes what was recognised in a video into files, in one pass and as fast as the CPU can; no picture.
#
# usage: pipelines/export.sh [OPTION…] FILE|URI|/dev/videoN OUTPUT…
#   OUTPUT             NAME.ndjson or .json (one JSON object a line), .csv, .vtt and .srt (subtitles), .txt; several at once
#   --events           only where actions start and end, not every window; subtitles always
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

own_option() {
  [ "$1" = --events ] || return 1
  emit=emit=events taken=1
}
sth_options "$@"
wants 2 17 "a video and the files to write"

set_source "${inputs[0]}"
set_classify
# One sink has to wait for the first frame, before any queue, and it is not one of text: see set_text_sink.
for file in "${inputs[@]:1}"; do not_the_same "${inputs[0]}" "$file"; done
[ -z "$(printf '%s\n' "${inputs[@]:1}" | sort | uniq -d)" ] || die_usage "a file is named twice"
set_text_branches "${inputs[@]:1}"
launch=("${gst[@]}" "${source[@]}" '!' queue '!' "${classify[@]}" '!' tee name=t t. '!' fakesink "${text_branches[@]}")
sth_run
