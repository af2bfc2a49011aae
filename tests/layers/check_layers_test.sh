#!/bin/sh
# The layering check passes on this tree, and fails on each kind of offence.
set -eu
root=$1
work=$2
"$root/scripts/check-layers" "$root"

offend() {  # offend FILE LINE MESSAGE
  rm -rf "$work"
  mkdir -p "$work/src/base" "$work/src/engine" "$work/include/undying"
  echo '#include <vector>' > "$work/src/base/a.h"
  echo '#include <vector>' > "$work/include/undying/a.h"
  "$root/scripts/check-layers" "$work" || { echo "a clean tree was refused"; exit 1; }
  mkdir -p "$(dirname "$work/$1")"
  echo "$2" > "$work/$1"
  if found=$("$root/scripts/check-layers" "$work"); then echo "not noticed: $2 in $1"; exit 1; fi
  echo "$found" | grep -q "$3" || { echo "expected \"$3\", found \"$found\""; exit 1; }
}

offend src/base/b.cc '#include "engine/engine.h"' 'base includes engine/engine.h'
offend src/engine/b.cc '#include <dnnl.h>' 'outside src/onednn'
offend src/engine/b.cc '#include <onnx/onnx_pb.h>' 'outside src/onnx'
offend src/engine/b.cc '#include <CLI/CLI.hpp>' 'outside src/cli'
offend src/other/b.cc '#include <vector>' 'not in the order of layers'
offend include/undying/b.h '#include <fmt/format.h>' 'third-party fmt/format.h'
offend include/undying/b.h '#include "base/philox.h"' 'public header includes base/philox.h'
rm -rf "$work"
