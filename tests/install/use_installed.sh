# What a user finds after an installation; sourced by the tests of the two ways to install, in $temp.
# shellcheck shell=bash disable=SC2154,SC2317
# SPDX-License-Identifier: LGPL-2.1-or-later

elements_there() {
  local element
  for element in sthclassify sthoverlay sthexport; do
    gst-inspect-1.0 "$element" >"$element.txt" 2>&1 || return 1
  done
}
# Programs of users: $1 is what finds libraries that are in no standard folder.
compiles() { # source, package
  # shellcheck disable=SC2046
  gcc -Wall -Werror "$1" -o "$temp/$(basename "$1" .c)" $(pkg-config --cflags --libs "$2") 2>&1 | sed 's/^/# /'
  [ "${PIPESTATUS[0]}" = 0 ]
}

use_installed() { # folder of this file, clip, model, folder of the scripts
  ok 'gst-inspect-1.0 finds the three elements' elements_there
  ok 'it names the properties' grep -q '^  model-file ' sthclassify.txt
  ok 'the tool opens the installed default model' grep -q '105 words' <(sth inspect 2>&1)
  ok 'the tool recognises' grep -q MILK <(sth classify "$2" 2>&1)
  ok 'a pipeline recognises' grep -q MILK <(gst-launch-1.0 -q filesrc "location=$2" ! decodebin ! sthclassify ! sthexport \
    ! application/x-ndjson ! fdsink </dev/null 2>&1)
  ok 'the installed script recognises' grep -q MILK <("$4/file.sh" "$2" 2>&1)
  ok 'the schema of NDJSON is beside the scripts' grep -q urn:gst-sth:ndjson "$4/../ndjson.schema.json"
  ok 'a program compiles with sth.pc' compiles "$1/use_libsth.c" sth
  ok 'and runs' grep -q . <("$temp/use_libsth" "$3")
  ok 'a program compiles with gst-sth-meta.pc' compiles "$1/use_meta.c" gst-sth-meta
  ok 'and reads the metadata' grep -q MILK <("$temp/use_meta" \
    "filesrc location=\"$2\" ! decodebin ! sthclassify ! fakesink name=sink signal-handoffs=true")
}
