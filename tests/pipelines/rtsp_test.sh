#!/usr/bin/env bash
# pipelines/rtsp.sh against a real RTSP server that is killed and started again in the middle: results go on, in the same file.
# TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

if ! /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer' 2>/dev/null; then
  echo '1..0 # SKIP gir1.2-gst-rtsp-server-1.0 is not installed (pipelines/setup.sh --tests --packages-only)'
  exit
fi

temp=$(mktemp -d)
port=$((20000 + $$ % 20000)) server='' script=''
trap 'kill -KILL $server $script 2>/dev/null; rm -rf "$temp"' EXIT
results=$temp/results.ndjson
address=rtsp://127.0.0.1:$port/camera

start_server() {
  /usr/bin/python3 tests/pipelines/rtsp_server.py $port "$PWD/pipelines/clips/signs.mp4" &
  server=$!
  disown # its death is no news
}
listens() { (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; }
ended() { ! kill -0 "$1" 2>/dev/null; }
all_json() { # each line a whole object
  ! grep -qvE '^\{.*\}$' "$1"
}
said() { grep -q "$1" "$temp/said"; }
tried_more_often() { [ "$(grep -c 'again in' "$temp/said")" -gt "$1" ]; }

start_server
ok 'the server listens' wait_for 20 listens
pipelines/rtsp.sh --output "$results" --longest-wait 2 --stall 3 "$address" 2>"$temp/said" &
script=$!
ok 'results come' wait_for 30 lines_at_least 3 "$results"

kill -KILL $server
ok 'the script notices that the server is gone' wait_for 20 said 'again in 1 s'
ok 'and that it stays away' wait_for 20 said 'again in 2 s'
before=$(wc -l <"$results")
start_server
ok 'results go on after the server is back' wait_for 60 lines_at_least $((before + 3)) "$results"

# Connected, and silent: its kernel goes on acknowledging what it is sent.
times=$(grep -c 'again in' "$temp/said")
kill -STOP $server
ok 'a camera that falls silent is noticed' wait_for 30 tried_more_often "$times"
before=$(wc -l <"$results")
kill -CONT $server
ok 'results go on when it speaks again' wait_for 60 lines_at_least $((before + 3)) "$results"

kill -TERM $script
ok 'SIGTERM ends it' wait_for 20 ended $script
wait $script
ok 'with exit code 0' [ $? = 0 ]
script=''
ok 'every line of the file is whole' all_json "$results"
sed 's/^/# /' "$temp/said"

kill -KILL $server
server=''
ok 'it gives up when told to' fails_with 1 'gave up after 2 attempts' pipelines/rtsp.sh --attempts 2 --longest-wait 1 "$address"
ok 'formats that cannot be continued are refused' fails_with 2 ndjson pipelines/rtsp.sh --output "$temp/x.vtt" "$address"
done_testing
