#!/usr/bin/env bash
# Fit one map on several machines of a SLURM cluster: sbatch examples/slurm.sh data.npy map.safetensors
#
# srun starts torchrun once on each machine, and torchrun starts one process for each core group or GPU there. DATA and
# the folder of checkpoints must be on a file system that all machines see. After a failure torchrun starts all again,
# which go on from the newest checkpoint.
#SBATCH --job-name=drlim
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
set -euo pipefail

data=${1:?usage: sbatch slurm.sh DATA MODEL}
model=${2:?usage: sbatch slurm.sh DATA MODEL}
per_node=${PROCESSES_PER_NODE:-2} # with GPUs: their number, and #SBATCH --gpus-per-node
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=$((SLURM_CPUS_PER_TASK / per_node))

srun --kill-on-bad-exit=1 torchrun \
  --nnodes "$SLURM_NNODES" \
  --nproc-per-node "$per_node" \
  --rdzv-id "$SLURM_JOB_ID" \
  --rdzv-backend c10d \
  --rdzv-endpoint "$first:29500" \
  --max-restarts 1 \
  -m drlim fit "$data" --method drlim --model "$model" --checkpoint "$model.checkpoints" --resume
