#!/usr/bin/env bash
# docs/properties.md is what docs/properties.py writes today; documents name no file that is not there. TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

up_to_date() {
  diff -u docs/properties.md <(docs/properties.py) | sed 's/^/# /'
  [ "${PIPESTATUS[0]}" = 0 ]
}
links_lead_somewhere() { # document
  local link status=0
  while IFS= read -r link; do
    [ -e "$(dirname "$1")/${link%%#*}" ] || { echo "# $1: $link"; status=1; }
  done < <(grep -oE '\]\([^)]+\)' "$1" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|#)')
  return "$status"
}
if [ "$STH_TEST_SANITIZE" != none ]; then
  ok 'properties # SKIP Python itself is not built for the sanitizer' true
elif /usr/bin/python3 -c 'import gi; gi.require_version("Gst", "1.0"); from gi.repository import Gst' 2>/dev/null; then
  ok 'docs/properties.md is up to date (docs/properties.py > docs/properties.md)' up_to_date
else
  ok 'properties # SKIP python3-gst-1.0 is not installed' true
fi
for document in *.md docs/*.md models/README.md; do
  ok "the links of $document" links_lead_somewhere "$document"
done
done_testing
