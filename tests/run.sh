#!/usr/bin/env bash
# Installs what is missing, builds and runs every test: with gcc, with clang, under the address and undefined-behaviour
# sanitizers; for 64-bit Arm, under qemu; with gcc inside a Debian 13; then the floors of the tree and its style. The last line
# counts: "N passed, N failed".
#
# usage: tests/run.sh [--quick | --debian13 | PART…]
#   --quick      only the gcc build and its tests, floors and style
#   --debian13   only the gcc build and its tests, inside a Debian 13 (tests/debian13.sh)
#   PART         of gcc, clang, sanitizers, arm64, debian13, style: these, in this order
#   -h, --help   this text
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
top=$PWD

usage() { sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$top/tests/run.sh"; }
case ${1:-} in
'') parts=(gcc clang sanitizers arm64 debian13 style) ;;
--quick) parts=(gcc style) ;;
--debian13) parts=(debian13) ;;
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
*) parts=("$@") ;;
esac
for part in "${parts[@]}"; do
  case $part in
  gcc | clang | sanitizers | arm64 | debian13 | style) ;;
  *) usage >&2; exit 2 ;;
  esac
done

# Where builds go, as a path in the tree; tests/debian13.sh has its own.
build=${STH_BUILD_DIR:-build}

# Alone, gcc takes less.
if [ "${parts[*]}" = gcc ]; then pipelines/setup.sh --meson-tests --packages-only; else pipelines/setup.sh --tests --packages-only; fi

# Nothing that the tests or the libraries under them remember leaves the tree.
export XDG_CACHE_HOME=$top/$build/cache XDG_DATA_HOME=$top/$build/cache XDG_CONFIG_HOME=$top/$build/cache LIBVA_MESSAGING_LEVEL=0
mkdir -p "$XDG_CACHE_HOME"

passed=0 failed=0 failures=() left_out=()
say() { printf '\n== %s (%dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
check() { # one test that is a command
  if "${@:2}"; then
    passed=$((passed + 1))
    echo "ok: $1"
  else
    failed=$((failed + 1)) failures+=("$1")
    echo "FAILED: $1"
  fi
}

# Test cases in a log of meson test, by kind: each is one element, failures and skips are its children.
count_cases() { # log
  awk '
    { gsub(/></, ">\n<"); n = split($0, part, "\n")
      for (i = 1; i <= n; i++) {
        if (part[i] ~ /^[ ]*<testcase /) all++
        if (part[i] ~ /^[ ]*<(failure|error)/) bad++
        if (part[i] ~ /^[ ]*<skipped/) skipped++
      } }
    END { print all - bad - skipped, bad + 0, skipped + 0 }' "$1"
}

# The cases that failed and the programs they belong to, as meson test printed them.
failed_cases() { grep -E '^▶ .* (FAIL|UNEXPECTEDPASS) |^ *[0-9]+/[0-9]+ .* (FAIL|ERROR|TIMEOUT) ' "$1" | awk '!seen[$0]++'; }

suite() { # name, options of meson test, "--", options of meson setup
  local name=$1 dir=$build/tests-$1 test_options=() good bad skipped programs status=0
  shift
  while [ "$1" != -- ]; do test_options+=("$1"); shift; done
  shift
  say "$name: build"
  mkdir -p "$build"
  : >"$dir.log"
  if { [ -f "$dir/build.ninja" ] || meson setup "$dir" -Dtests=true -Dwerror=true "$@" >>"$dir.log" 2>&1; } && ninja -C "$dir" >>"$dir.log" 2>&1; then
    say "$name: tests"
    rm -f "$dir/meson-logs/testlog.junit.xml"
    meson test -C "$dir" --no-rebuild --print-errorlogs "${test_options[@]}" 2>&1 | tee "$dir.tests.log" || status=1
    read -r good bad skipped < <(count_cases "$dir/meson-logs/testlog.junit.xml")
    # A program that crashes or leaks after its last case fails in no case.
    programs=$(awk '/^(Fail|Timeout|Unexpected Pass): / { n += $NF } END { print n + 0 }' "$dir.tests.log")
    [ "$programs" -le "$bad" ] || bad=$programs
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    echo "$name: $good passed, $bad failed, $skipped skipped"
    passed=$((passed + good)) failed=$((failed + bad))
    [ "$bad" = 0 ] || while read -r line; do failures+=("$name: $line"); done < <(failed_cases "$dir.tests.log")
  else
    grep -A 4 -m 8 -E ': (fatal )?error: |undefined reference|: ERROR: ' "$dir.log" || tail -n 20 "$dir.log"
    echo "FAILED: $name does not build; the whole log: $dir.log"
    failed=$((failed + 1))
  fi
}

# The demo builds into build/: not what a Debian in a folder should leave there.
run_gcc() { suite gcc ${STH_BUILD_DIR:+--no-suite builds} --; }
run_clang() { CC=clang suite clang --no-suite slow --; }

# The scanner that GStreamer starts is not built with the sanitizers and could not load our plugin: scan in the test itself.
# tests/leaks.supp goes by libraries, so the unwinder must see through code without frame pointers.
run_sanitizers() {
  GST_REGISTRY_FORK=no ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=12 \
    LSAN_OPTIONS=suppressions=$top/tests/leaks.supp:print_suppressions=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    suite sanitizers --no-suite slow -t 5 -- -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
}

run_arm64() {
  say 'arm64'
  check arm64 tests/arm64.sh
}

run_debian13() {
  local log=build/debian13.log counts status=0
  say 'Debian 13'
  mkdir -p build
  tests/debian13.sh tests/run.sh gcc 2>&1 | tee "$log" || status=$?
  if [ "$status" = 77 ]; then
    [ "${#parts[@]}" -gt 1 ] || exit 1
    left_out+=("Debian 13: $(tail -n 1 "$log")")
    return
  fi
  counts=$(tail -n 1 "$log")
  if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    [ "${BASH_REMATCH[2]}" = 0 ] || failures+=("Debian 13: see $log")
  else
    failed=$((failed + 1)) failures+=("Debian 13: did not get to its end, see $log")
  fi
}

run_style() {
  say 'floors and style'
  check floors tests/floors.sh
  check style tests/style.sh
}

for part in "${parts[@]}"; do "run_$part"; done

printf '\n'
[ ${#left_out[@]} = 0 ] || printf 'left out: %s\n' "${left_out[@]}"
[ "$failed" = 0 ] || printf 'failed: %s\n' "${failures[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
