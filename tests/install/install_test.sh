#!/bin/sh
# Installs the build into a scratch prefix, builds a consumer against it with find_package, and runs it.
set -eu
build=$1
source=$2
work=$3
rm -rf "$work"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$source/tests/install" -B "$work/consumer" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/consumer"
"$work/consumer/consumer"
"$work/prefix/bin/undying" --version
# As a subfolder: configuring is enough to see the targets; the tree itself is built already.
cmake -S "$source/tests/install" -B "$work/subfolder" -G Ninja -DUNDYING_SOURCE="$source" >/dev/null
ninja -C "$work/subfolder" -t query consumer >/dev/null
