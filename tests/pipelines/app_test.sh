#!/usr/bin/env bash
# The applications of pipelines/app: results from the bus, another model in the middle of a video. TAP on standard output.
# usage: app_test.sh STH_WATCH
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
watch=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
temp=$(mktemp -d) app=''
trap 'kill -KILL $app 2>/dev/null; rm -rf "$temp"' EXIT
clip=pipelines/clips/signs.mp4 other=tests/goldens/sth_dense_form_a.onnx
said() { [ -f "$temp/said" ] && grep -qE "$1" "$temp/said"; }
went_back() { sed '1,/sth_dense/d' "$temp/said" | grep -q sth-mobilenet; }
ended() { ! kill -0 "$1" 2>/dev/null; }

try() { # program…
  local name=$1
  shift
  ok "$name recognises" grep -qE 'action-start +MILK +[0-9]+%  sth-mobilenet' <("$@" $clip </dev/null)
  mkfifo "$temp/in"
  "$@" --realtime $clip <"$temp/in" >"$temp/said" 2>&1 &
  app=$!
  exec 3>"$temp/in"
  ok "$name gives results as the video plays" wait_for 20 said 'result .* sth-mobilenet'
  echo no-such.onnx >&3
  ok "$name says that a model does not open" wait_for 10 said 'stays as it is: .*no-such.onnx'
  echo $other >&3
  ok "$name goes on with another model" wait_for 20 said 'result .* sth_dense_form_a'
  echo models/default/sth-mobilenet-v2-fsl105.onnx >&3
  ok "$name goes back" wait_for 20 went_back
  kill -TERM $app
  ok "$name ends at SIGTERM" wait_for 10 ended $app
  wait $app
  ok "$name ends with exit code 0" [ $? = 0 ]
  exec 3>&-
  rm "$temp/in"
  ok "$name names a file that is not there" fails_with 1 no-such.mp4 "$@" no-such.mp4
  ok "$name names a model that is not there" fails_with 1 no-such.onnx "$@" --model no-such.onnx $clip
  ok "$name takes one video" fails_with 2 '' "$@"
}

try sth-watch "$watch"
if [ "$STH_TEST_SANITIZE" != none ]; then
  ok 'sth_watch.py # SKIP Python itself is not built for the sanitizer' true
elif /usr/bin/python3 -c 'import gi; gi.require_version("Gst", "1.0"); from gi.repository import Gst' 2>/dev/null; then
  try sth_watch.py pipelines/app/sth_watch.py
else
  ok 'sth_watch.py # SKIP python3-gst-1.0 is not installed' true
fi
done_testing
