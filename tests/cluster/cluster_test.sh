#!/bin/sh
# A study in four parts at once, as an array of jobs runs them, one of them ended in the middle and started again: merged, it is the study
# of one process.
set -eu
undying=$1
script=$2
work=$3
rm -rf "$work"
mkdir -p "$work/shared"
cd "$work"
study="--data spirals --model mlp:8x2 --activations elu --epochs 250 --seeds 8 --threads 1 --quiet"
part() {  # part INDEX
  UNDYING="$undying" SHARED="$work/shared" SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_COUNT=4 "$script" -- $study
}
# shellcheck disable=SC2086
(part 1 & part 3 & part 4 & wait) >/dev/null
part 2 >/dev/null & ended=$!
sleep 0.3
pkill -TERM -f -- '--part 2/4 --store' || true
wait "$ended" || echo "part 2 was ended in the middle"
[ -f shared/part-2.sqlite ] || part 2 >/dev/null
"$undying" merge shared/part-1.sqlite shared/part-2.sqlite shared/part-3.sqlite shared/part-4.sqlite --store all.sqlite
# shellcheck disable=SC2086
"$undying" compare $study --store all.sqlite > merged.txt
# shellcheck disable=SC2086
"$undying" compare $study > fresh.txt
# All but times.
for file in merged fresh; do grep -vE 'ms|second|took|step' "$file.txt" > "$file.said" || true; done
diff -u fresh.said merged.said
[ -s fresh.said ]
