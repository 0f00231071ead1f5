# TAP for tests that are shell scripts: source it, call ok for each check, done_testing at the end.
# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
set -uo pipefail

tap_n=0 tap_failed=0
ok() { # what, command…
  tap_n=$((tap_n + 1))
  if "${@:2}"; then echo "ok $tap_n - $1"; else echo "not ok $tap_n - $1"; tap_failed=1; fi
}
fails_with() { # exit code, text of standard error, command…
  local said code=0
  said=$("${@:3}" 2>&1 >/dev/null) || code=$?
  [ "$code" = "$1" ] && grep -qF -- "$2" <<<"$said"
}
silent() { ! grep -qE "$1" <<<"$2"; }
lines_at_least() { [ -f "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]; }
box() { [ "$(dd if="$2" bs=1 skip=4 count=4 2>/dev/null)" = "$1" ]; } # type of the first box of an MP4 file
wait_for() { # seconds, command…: until it is true
  local end=$((SECONDS + $1))
  while ! "${@:2}"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
done_testing() {
  echo "1..$tap_n"
  exit $tap_failed
}
