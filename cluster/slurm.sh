#!/usr/bin/env bash
# One experiment on a Ray cluster of its own, inside an allocation of Slurm.
#
#   sbatch --nodes=4 cluster/slurm.sh experiments/first_adaptation.py --store /shared/posebridge
#
# From the top of a checkout that every node sees. What follows the script is given to `posebridge run`. Submitting it
# again goes on from what is done; so does Slurm itself after a lost node or the end of the time.
#SBATCH --job-name=posebridge
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=posebridge-%j.log
# Before the time is over, so that there is some left to go back into the queue.
#SBATCH --signal=B:USR1@120
# On nodes with GPUs, one training a GPU: #SBATCH --gpus-per-node=4
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: sbatch cluster/slurm.sh experiments/x.py --store /shared/folder" >&2
    exit 2
fi
# The environment of every node: a virtual environment on the shared disk, or change this to `module load`.
if [ -d .venv/bin ]; then
    # shellcheck source=/dev/null
    source .venv/bin/activate
fi

nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes%%$'\n'*}
# Two jobs on one node must not meet, nor take what Ray gives to its workers (10002 to 19999).
port=$((20000 + SLURM_JOB_ID % 4000))

# On the shared disk, for this user alone; the nodes find it by its path.
umask 077
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="$PWD/.posebridge-$SLURM_JOB_ID.token"
od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$RAY_AUTH_TOKEN_PATH"
export RAY_USAGE_STATS_ENABLED=0
unset RAY_ADDRESS RAY_API_SERVER_ADDRESS RAY_AUTH_TOKEN

started=()
# ray_on NODE OPTION...: Ray on one node, for as long as this job. Never `ray stop`, which ends everybody's.
ray_on() {
    local node=$1
    shift
    srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap \
        --nodelist="$node" --output="posebridge-%j-$node.log" \
        ray start --block --disable-usage-stats --num-cpus="$SLURM_CPUS_PER_TASK" \
        --dashboard-agent-listen-port=0 --temp-dir="/tmp/ray-$SLURM_JOB_ID" "$@" &
    started+=($!)
}

# shellcheck disable=SC2329 # a trap calls it
end() {
    trap - EXIT
    # The command first, then the nodes, the head last.
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2>/dev/null || true
    done
    rm -f "$RAY_AUTH_TOKEN_PATH"
}
trap end EXIT
trap 'echo "the time is nearly over: going back into the queue"
      scontrol requeue "$SLURM_JOB_ID"
      exit 0' USR1

ray_on "$head" --head --port="$port" --dashboard-host=127.0.0.1 --dashboard-port=$((port + 4000)) \
    --ray-client-server-port=$((port + 8000))
for node in $nodes; do
    [ "$node" = "$head" ] || ray_on "$node" --address="$head:$port"
done

# When the head answers; --address names this cluster and no other. Nodes may join later.
# shellcheck disable=SC2016 # for the other shell
srun --nodes=1 --ntasks=1 --overlap --nodelist="$head" bash -c '
    for _ in {1..60}; do
        ray status --address="$0" >/dev/null 2>&1 && exec posebridge run "$@" --address="$0"
        sleep 2
    done
    echo "no head at $0: see the log of its node" >&2
    exit 1' "$head:$port" "$@" &
command=$!
started+=("$command")
# In the background, since a trap waits for what is in the foreground.
wait "$command"
