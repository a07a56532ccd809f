#!/usr/bin/env bash
# One task of a job array: every Nth model of an experiment, into a folder of its own.
#   sbatch --array=1-8 experiments/slurm/array.sh EXPERIMENT.json OUT_DIR [MODEL...]
# Afterwards one index over all: logitlens index OUT_DIR/shard-* --index OUT_DIR/index.sqlite
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --requeue
set -eu
experiment=$1 out=$2
shift 2
task=${SLURM_ARRAY_TASK_ID:?run me as a job array} tasks=${SLURM_ARRAY_TASK_COUNT:?run me as a job array}
logitlens=${LOGITLENS:-build/release/logitlens}
# A requeued task goes on where it was.
exec "$logitlens" run "$experiment" "$@" --shard "$task/$tasks" --out-dir "$out/shard-$task" --no-index --resume --threads "${SLURM_CPUS_PER_TASK:-0}"
