#!/usr/bin/env bash
# Installs into a prefix of its own and uses what is there, as a user does: elements, tool, scripts, headers, .pc files.
# Builds without optimisation, which takes half a minute. TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$here/../..
# shellcheck source=tests/tap.sh
source "$top/tests/tap.sh"
# shellcheck source=tests/install/use_installed.sh
source "$here/use_installed.sh"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp" || exit 1
unset GST_PLUGIN_PATH GST_STH_MODEL LD_LIBRARY_PATH
prefix=$temp/prefix

logged() { "$@" >>log 2>&1 || { tail -n 20 log | sed 's/^/# /'; return 1; }; }
ok 'meson setup' logged meson setup --prefix="$prefix" -Dtests=false -Dbuildtype=debug -Doptimization=1 build "$top"
ok 'builds' logged ninja -C build
ok 'meson install' logged meson install -C build --no-rebuild
ok 'meson install --destdir' logged meson install -C build --no-rebuild --destdir "$temp/staged"
ok 'puts the same there' diff -r "staged$prefix" "$prefix"

ok 'meson devenv finds elements and model' grep -q '105 words' <(meson devenv -C build sth inspect 2>&1)
ok 'meson devenv runs pipelines' logged meson devenv -C build gst-inspect-1.0 sthclassify

lib=$(dirname "$(find "$prefix" -name 'libsth.so')")
export GST_REGISTRY=$temp/registry.bin GST_PLUGIN_PATH=$lib/gstreamer-1.0 PKG_CONFIG_PATH=$lib/pkgconfig PATH=$prefix/bin:$PATH
ok 'the plugin finds its library by itself' elements_there
export LD_LIBRARY_PATH=$lib # for the programs that are compiled here
use_installed "$here" "$top/pipelines/clips/signs.mp4" "$prefix/share/gst-sth/models/sth-mobilenet-v2-fsl105.onnx" \
  "$prefix/share/gst-sth/pipelines"
done_testing
