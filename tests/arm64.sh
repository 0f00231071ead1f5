#!/usr/bin/env bash
# 64-bit Arm: the library without its streams, compiled by a cross compiler and run under qemu. Every kernel is checked against plain C, and the
# networks among the goldens against PyTorch. What it links with is downloaded and unpacked into the build folder; nothing is installed.
#
# usage: tests/arm64.sh [--kernels] [BUILD]     default: build/arm64
#   --kernels   only the kernels
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'arm64: %s\n' "$1" >&2; exit 1; }

networks=yes
[ "${1:-}" != --kernels ] || { networks=no; shift; }
build=${1:-${STH_BUILD_DIR:-build}/arm64}
mkdir -p "$build"
build=$(cd "$build" && pwd)
sysroot=$build/sysroot lib=$build/sysroot/usr/lib/aarch64-linux-gnu

for tool in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg-deb protoc-c; do
  command -v $tool >/dev/null || die "$tool is missing: run pipelines/setup.sh --tests --packages-only"
done

# apt-get with lists of its own, of the same sources, for the other processor.
apt_arm64() {
  apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$build/apt" -o Dir::State::status=/dev/null \
    -o Dir::Cache="$build/apt" -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

fetch_libraries() {
  local package
  mkdir -p "$build/apt/lists/partial" "$build/apt/archives/partial" "$build/packages" "$sysroot.new"
  apt_arm64 update || return
  package=$(dpkg-query -W -f '${Package}\n' 'libglib2.0-0*' | grep -xE 'libglib2.0-0(t64)?') # Debian 13's has another name
  (cd "$build/packages" && apt_arm64 download "$package" libglib2.0-dev libpcre2-8-0 libprotobuf-c1 libprotobuf-c-dev libopenblas0-pthread \
    libopenblas-pthread-dev libgfortran5) || return
  for package in "$build"/packages/*.deb; do
    dpkg-deb -x "$package" "$sysroot.new" || return
  done
  mv "$sysroot.new" "$sysroot"
}

[ -d "$sysroot" ] || fetch_libraries >"$build/fetch.log" 2>&1 ||
  { tail -n 5 "$build/fetch.log" >&2; die "cannot download the libraries for arm64; all of the output: $build/fetch.log"; }

# As many files at a time as there are processors.
compile() {
  # shellcheck disable=SC2016 # the inner shell expands these
  printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' sh -c \
    'aarch64-linux-gnu-gcc -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -ffp-contract=off -fno-math-errno \
      -fno-trapping-math -Isrc -Isrc/include -I"$1" -isystem "$1/sysroot/usr/include" -isystem "$1/sysroot/usr/include/glib-2.0" \
      -isystem "$1/sysroot/usr/lib/aarch64-linux-gnu/glib-2.0/include" \
      -isystem "$1/sysroot/usr/include/aarch64-linux-gnu/openblas-pthread" -c "$2" -o "$1/$(basename "${2%.c}").o"' compile "$build" '{}'
}

# Links TEST of the objects of the C files that follow.
link() {
  local test=$1 objects=() source
  shift
  for source; do
    objects+=("$build/$(basename "${source%.c}").o")
  done
  aarch64-linux-gnu-gcc "${objects[@]}" -L"$lib" -Wl,-rpath-link,"$lib" -l:libglib-2.0.so.0 -l:libprotobuf-c.so.1 -lm -ldl -pthread -o "$build/$test"
}

emulate() {
  local libraries=$lib:$lib/openblas-pthread
  qemu-aarch64 -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$libraries" "$@"
}

# Runs a test; fails with what is not ok.
run_test() { # name, command…
  emulate "${@:2}" >"$build/$1.log" 2>&1 || { grep -v '^\(ok\|#\) ' "$build/$1.log" >&2; die "$1 fails; all of the output: $build/$1.log"; }
}

kernels=(src/base/cpu.c src/kernels/*_{c,neon}.c src/kernels/kernels.c)
kernel_tests=(tests/kernels/{checks,edge_buffer,kernels_test}.c tests/kernels/check_*.c)
compile "${kernels[@]}" "${kernel_tests[@]}" || die "the kernels do not compile"
link kernels-test "${kernels[@]}" "${kernel_tests[@]}" || die "the kernels do not link"
run_test kernels "$build/kernels-test"
checked=$(grep -c '^ok .*/neon' "$build/kernels.log") || die "no NEON kernel was checked"
echo "arm64: $checked NEON kernels agree with plain C"
[ $networks = yes ] || exit 0

protoc-c --c_out="$build" -I/usr/include/onnx /usr/include/onnx/onnx.proto
mapfile -t library < <(find src/{base,kernels,graph,ops,onnx,optimiser,planner,model,session} -name '*.c' ! -name '*_avx*.c')
compile "${library[@]}" tests/session/golden_test.c || die "the library does not compile"
aarch64-linux-gnu-gcc -O2 -w -I"$sysroot/usr/include" -c "$build/onnx.pb-c.c" -o "$build/onnx.pb-c.o"
link golden-test "${library[@]}" onnx.pb-c.c tests/session/golden_test.c || die "the library does not link"
run_test goldens "$build/golden-test" tests/goldens tests/goldens/sth tests/goldens/foreign
echo "arm64: $(grep -c '^ok ' "$build/goldens.log") networks agree with PyTorch"
