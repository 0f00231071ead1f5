#!/usr/bin/env bash
# Recognises actions in what an RTSP camera sends, and goes on when the camera comes back after it was away: the script tries
# again after 1, 2, 4, … seconds. Results of all connections go to the same place.
#
# usage: pipelines/rtsp.sh [OPTION…] rtsp://[USER:PASSWORD@]HOST/PATH
#   --longest-wait S   seconds between two attempts at most; 30 unless given
#   --attempts N       give up after so many in a row that broke off within ten seconds; 0, never, unless given
#   --stall S          a camera that sends nothing for so many seconds is away; 10 unless given (needs gstreamer1.0-plugins-bad)
# The formats are ndjson and txt, those that need no beginning.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

group=results longest_wait=30 attempts=0 stall=10
own_option() {
  case $1 in
  --longest-wait) longest_wait=$(value "$@") ;;
  --attempts) attempts=$(value "$@") ;;
  --stall) stall=$(value "$@") ;;
  *) return 1 ;;
  esac
  taken=2
  [[ $2 =~ ^[0-9]+$ ]] || die_usage "$1 $2: give it a whole number"
}
sth_options "$@"
wants 1 1 "one rtsp:// address"
[[ ${inputs[0]} == rtsp*://* ]] || die_usage "'${inputs[0]}' is no rtsp:// address"
case $format in ndjson | txt) ;; *) die_usage "a stream that may break off has the formats ndjson and txt, not $format" ;; esac

# Runs the pipeline again and again. Each time it breaks off early, the pause doubles.
run_again_and_again() {
  local pause=1 short=0 began
  while :; do
    began=$SECONDS
    if sth_launch; then
      [ "$stopped" = no ] || return 0
      say 'the camera ended the stream'
    else
      [ "$stopped" = no ] || return 0
      say "$(sth_reason "$sth_log" | head -n 1)"
    fi
    if [ $((SECONDS - began)) -ge 10 ]; then pause=1 short=0; fi
    short=$((short + 1))
    [ "$attempts" = 0 ] || [ $short -lt "$attempts" ] || die "gave up after $attempts attempts in a row"
    say "again in $pause s"
    sth_pause $pause || return 0
    pause=$((pause * 2 < longest_wait ? pause * 2 : longest_wait))
  done
}

set_source "${inputs[0]}"
if [ "$stall" -gt 0 ]; then
  if gst-inspect-1.0 --exists watchdog; then
    source+=('!' watchdog "timeout=${stall}000")
  else
    say 'a camera that is connected and sends nothing goes unnoticed: that takes gstreamer1.0-plugins-bad'
  fi
fi
mode=live append=yes run=run_again_and_again
set_classify
set_results
launch=("${gst[@]}" "${source[@]}" '!' queue leaky=downstream max-size-buffers=4 '!' "${classify[@]}" '!' "${results[@]}")
sth_run
