#!/bin/sh
# The layering check passes on this tree, and fails on each kind of offence; the picture in docs/architecture.md is the one it draws.
set -eu
root=$1
work=$2
"$root/scripts/check-layers" "$root"
awk '/^```floors$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/docs/architecture.md" > "$work.picture"
"$root/scripts/check-layers" --draw "$root" | diff -u "$work.picture" - || {
  echo 'docs/architecture.md: its picture of the floors is not what scripts/check-layers --draw prints; paste that'
  exit 1
}
rm "$work.picture"

offend() {  # offend FILE LINE MESSAGE
  rm -rf "$work"
  mkdir -p "$work/src/base" "$work/src/engine" "$work/include/undying"
  echo '#include <vector>' > "$work/src/base/a.h"
  echo '#include <vector>' > "$work/include/undying/error.h"
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
offend src/other/b.cc '#include <vector>' 'folder other stands on no floor'
offend src/base/b.cc '#include "undying/trainer.h"' 'base includes undying/trainer.h, which stands above it'
offend include/undying/node.h '#include "undying/graph.h"' 'ops includes undying/graph.h, which stands above it'
offend include/undying/b.h '#include <vector>' 'header b.h stands on no floor'
offend include/undying/graph.h '#include <fmt/format.h>' 'third-party fmt/format.h'
offend include/undying/graph.h '#include "base/philox.h"' 'public header includes base/philox.h'
rm -rf "$work"
