#!/usr/bin/env bash
# The gst-launch-1.0 lines of the documents and of the elements' own pages run as they stand. Test pictures take the place of cameras, the clip
# that of names that only stand for something; nothing is shown. TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp" || exit 1
ln -s "$top/pipelines" pipelines
cp "$top/pipelines/clips/signs.mp4" clip.mp4

# One a line; those with "…" in them are no whole ones.
launch_lines() { # document or source
  sed -E 's/^ \* (gst-launch-1.0 )/    \1/' "$1" | sed -e ':a' -e '/\\$/N; s/\\\n */ /; ta' | grep -E '^    ([A-Z_]+=[^ ]+ )?gst-launch-1.0 ' | grep -v '…'
}
here() { # line
  sed -E -e 's/v4l2src( ! decodebin)?/videotestsrc is-live=true num-buffers=60/; s/autovideosink/fakesink/g' \
    -e "s|uri=rtsp://camera/stream|uri=file://$temp/clip.mp4|" <<<"$1"
}
runs() { # line
  local status=0
  timeout 60 bash -c "exec $(here "$1")" </dev/null >said 2>&1 || status=$?
  [ "$status" = 0 ] || sed 's/^/# /' said | tail -n 8
  return "$status"
}
written() { [ -z "$(find . -maxdepth 1 -type f -size 0 ! -name said)" ]; }

found=0
for document in "$top"/README.md "$top"/docs/*.md "$top"/gst-plugin/*.c; do
  while IFS= read -r line; do
    found=$((found + 1))
    ok "$(basename "$document"): ${line:4}" runs "${line:4}"
  done < <(launch_lines "$document")
done
ok 'what they write is not empty' written
ok 'there are some in the documents and the sources' [ $found -ge 12 ]
done_testing
