#!/usr/bin/env bash
# The demo, as a newcomer runs it, twice: the second time nothing is left to set up. Nothing may be written to the home folder.
# TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
empty() { # folder; says what lies in it
  local found
  found=$(find "$1" -mindepth 1 | head -n 5)
  [ -z "$found" ] || { printf '# %s\n' "$found"; return 1; }
}

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export HOME=$home CCACHE_DISABLE=1 # Meson uses a compiler cache where one is installed; that one writes to the home folder
unset XDG_CACHE_HOME XDG_DATA_HOME XDG_CONFIG_HOME GST_STH_MODEL GST_PLUGIN_PATH GST_REGISTRY

for run in first second; do
  said=$(pipelines/demo.sh 2>&1)
  ok "$run run ends well" [ $? = 0 ]
  printf '%s\n' "$said" | sed 's/^/# /'
  ok "$run run prints its gst-launch line" grep -q '^gst-launch-1.0 -e' <<<"$said"
  ok "$run run prints actions with their confidence" grep -qE '^ +[0-9.]+ s +[0-9.]+ s .*[0-9]+%' <<<"$said"
  ok "$run run says what is next" env GST_REGISTRY="$PWD/build/cache/gst-registry.bin" \
    sh -c "$(grep -A 1 '^Next:' <<<"$said" | tail -n 1) gst-inspect-1.0 sthclassify >/dev/null"
  ok "$run run writes a video" box ftyp out/demo/annotated.mp4
  ok "$run run writes results" lines_at_least 10 out/demo/results.ndjson
  ok "$run run writes subtitles" [ "$(head -n 1 out/demo/actions.vtt)" = WEBVTT ]
done
ok 'the second run sets nothing up' silent 'Installing|Building' "$said"
ok 'the home folder stays empty' empty "$home"
ok '--help' grep -q -- --show <<<"$(pipelines/demo.sh --help)"
ok '--dry-run prints the line only' grep -q '^gst-launch-1.0 -e' <<<"$(pipelines/demo.sh --dry-run)"
ok '--sink shows the video too' grep -q MILK <<<"$(pipelines/demo.sh --sink fakesink 2>&1)"
ok 'from another folder' grep -q ' README.md: no such\|no file .README.md' <<<"$(cd docs && ../pipelines/demo.sh README.md 2>&1)"
ok 'an unknown option is refused' fails_with 2 --colour pipelines/demo.sh --colour
ok 'a missing file is named' fails_with 1 no-such.mp4 pipelines/demo.sh no-such.mp4
ok 'a missing camera is named' fails_with 1 /dev/video99 pipelines/demo.sh /dev/video99
ok 'a file that is no video is named' fails_with 1 README.md pipelines/demo.sh README.md
ok 'a missing model is named' fails_with 1 no-such.onnx env GST_STH_MODEL=no-such.onnx pipelines/demo.sh
done_testing
