#!/usr/bin/env bash
# Installs what is missing (Debian packages) and builds the plugin and the tool into build/.
# A second run finds everything there and changes nothing. The one place that knows the packages.
#
# usage: pipelines/setup.sh [--meson-tests | --tests] [--packages-only]
#   --meson-tests    also the packages that 'meson test' needs
#   --tests          also those that tests/run.sh needs besides: for a second compiler, another processor, another Debian, style
#   --packages-only  install packages, build nothing
#   -h, --help       this text
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# To build: compiler, build system, headers; onnx.proto comes with libonnx-dev.
build_packages=(gcc libc6-dev meson ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev libonnx-dev libopenblas-dev
  libglib2.0-dev libjson-glib-dev libpango1.0-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev)
# To run: decoders, encoder, muxer, cameras, RTSP, a watchdog, what looks into files; windows and text over video; a font for the overlay.
run_packages=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
  gstreamer1.0-plugins-base-apps gstreamer1.0-libav gstreamer1.0-x fonts-dejavu-core)
# For meson test: the operators' conformance cases, a JSON Schema validator, ffprobe, GStreamer from Python, an RTSP server, a
# counter of instructions.
meson_test_packages=(libonnx-testdata python3 python3-jsonschema ffmpeg python3-gst-1.0 gir1.2-gst-rtsp-server-1.0 valgrind)
# For the rest of tests/run.sh: a second compiler, formatters, a Debian 13 in a folder, a compiler for 64-bit Arm and what runs its
# programs.
test_packages=(clang clang-format indent shellcheck debootstrap gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)

# GStreamer's analytics library came with 1.24, after Debian 12. Its headers bring those of OpenCV along, 130 packages.
# shellcheck source=/dev/null
newer_than_debian_12() { dpkg --compare-versions "$(. /etc/os-release && echo "${VERSION_ID:-0}")" gt 12; }
if [ -r /etc/os-release ] && command -v dpkg >/dev/null && newer_than_debian_12; then
  build_packages+=(libgstreamer-plugins-bad1.0-dev)
fi

usage() { sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$0"; }
die() { printf 'setup: %s\n' "$1" >&2; exit 1; }

# Says how to run a command as root: prints "" for root, "sudo" where that works; fails otherwise.
root_prefix() {
  if [ "$(id -u)" = 0 ]; then
    echo ''
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
    echo sudo
  else
    return 1
  fi
}

missing_packages() {
  local installed p
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
  for p in "$@"; do
    grep -qxF -- "$p" <<<"$installed" || printf '%s\n' "$p"
  done
}

install_packages() {
  local missing as_root log=out/setup.log
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is no Debian; what it needs has these names there: $*" >&2
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  as_root=$(root_prefix) || die "${#missing[@]} packages are missing; as root, run: apt-get install --no-install-recommends ${missing[*]}"
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  mkdir -p out
  # Package lists may be absent or old: try, refresh them, try again.
  apt_install() {
    # shellcheck disable=SC2086 # as_root is empty or one word
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
  }
  if ! apt_install >"$log" 2>&1; then
    # shellcheck disable=SC2086
    $as_root apt-get update -q >>"$log" 2>&1 || { tail -n 5 "$log" >&2; die "apt-get update failed (no network?); all of its output: $log"; }
    apt_install >>"$log" 2>&1 || { tail -n 5 "$log" >&2; die "apt-get install failed; all of its output: $log"; }
  fi
}

build() {
  local log=out/build.log
  mkdir -p out
  if [ ! -f build/build.ninja ]; then
    echo "Building into build/ (the first time: about a minute)"
    meson setup build -Dtests=false >"$log" 2>&1 || { tail -n 15 "$log" >&2; die "meson failed; all of its output: $log"; }
  fi
  ninja -C build >"$log" 2>&1 || { grep -m 5 -E 'error|FAILED' "$log" >&2 || tail -n 15 "$log" >&2; die "the build failed; all of its output: $log"; }
}

packages_only=no
packages=("${build_packages[@]}" "${run_packages[@]}")
for arg in "$@"; do
  case $arg in
  --meson-tests) packages+=("${meson_test_packages[@]}") ;;
  --tests) packages+=("${meson_test_packages[@]}" "${test_packages[@]}") ;;
  --packages-only) packages_only=yes ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
  esac
done

install_packages "${packages[@]}"
[ $packages_only = yes ] || build
