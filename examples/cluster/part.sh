#!/bin/sh
# One part of a study: what a job of an array runs. The array's index and size come from Slurm, from Kubernetes (indexed Job), or from the
# two arguments. The store is written on the local disk and brought to the shared folder once it is whole, since SQLite's locks do not hold
# on network file systems.
#
#   part.sh [INDEX COUNT] -- compare's arguments, without --store and --part
set -eu
index=${SLURM_ARRAY_TASK_ID:-${JOB_COMPLETION_INDEX:+$((JOB_COMPLETION_INDEX + 1))}}
count=${SLURM_ARRAY_TASK_COUNT:-${PARTS:-}}
if [ "$1" != -- ]; then index=$1 count=$2; shift 2; fi
shift
shared=${SHARED:-.}
local=$(mktemp -d)
trap : INT TERM  # undying ends by them, keeping what was finished; this script goes on to copy that
trap 'cp "$local/part.sqlite" "$shared/part-$index.sqlite.unfinished" 2>/dev/null || true; rm -rf "$local"' EXIT
# An earlier job that was ended in the middle left what it had.
[ ! -f "$shared/part-$index.sqlite.unfinished" ] || cp "$shared/part-$index.sqlite.unfinished" "$local/part.sqlite"
"${UNDYING:-undying}" compare "$@" --part "$index/$count" --store "$local/part.sqlite"
mv "$local/part.sqlite" "$shared/part-$index.sqlite.new"
mv "$shared/part-$index.sqlite.new" "$shared/part-$index.sqlite"
rm -f "$shared/part-$index.sqlite.unfinished"
trap 'rm -rf "$local"' EXIT
