#!/usr/bin/env bash
# A Ray cluster of two nodes on this machine, to try submitting before there is a real one.
#
#   cluster/local.sh            starts it, says how to reach it, and ends it on Ctrl-C
#
# What can be set: PORT (26379, and nine more), DASHBOARD_PORT (28265), CPUS of each node (half of this machine's),
# and FOLDER for its token and logs (a new one, gone at the end).
set -euo pipefail
# Each node in a process group of its own: Ctrl-C reaches this script alone, which ends them in order.
set -m

root=$(cd "$(dirname "$0")/.." && pwd)
# A job finds its command where the nodes found theirs.
[ -d "$root/.venv/bin" ] && export PATH="$root/.venv/bin:$PATH"
if ! command -v ray >/dev/null; then
    echo "ray must be on the PATH, but is not: make setup, or activate your environment." >&2
    exit 1
fi

# Not among 10002 to 19999, from which Ray takes ports for its workers.
port=${PORT:-26379}
dashboard_port=${DASHBOARD_PORT:-28265}
cores=$(getconf _NPROCESSORS_ONLN)
cpus=${CPUS:-$(((cores + 1) / 2))}
folder=${FOLDER:-$(mktemp -d /tmp/posebridge.XXXXXX)}
mkdir -p "$folder"

(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$folder/token")
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="$folder/token"
export RAY_USAGE_STATS_ENABLED=0
# Of seconds; a busy machine needs more than the usual minute.
export RAY_DASHBOARD_STARTUP_TIMEOUT_S=${RAY_DASHBOARD_STARTUP_TIMEOUT_S:-300}
# Whoever forgot one of these would be led to another cluster.
unset RAY_ADDRESS RAY_API_SERVER_ADDRESS RAY_AUTH_TOKEN

started=()
# shellcheck disable=SC2329 # a trap calls it
end() {
    trap - EXIT INT TERM
    # The worker first: the head would take it for lost.
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2>/dev/null || true
        wait "${started[i]}" 2>/dev/null || true
    done
    [ -n "${FOLDER:-}" ] || rm -rf "$folder"
    echo "The cluster is down."
}
trap end EXIT
trap 'exit 0' INT TERM

# start NAME PORT OPTION...: a node, ready when this returns. It takes four ports from PORT on: left to
# itself, each would give up after half a minute without those of its helpers, which is little when
# a machine is busy.
start() {
    local name=$1 first=$2 log="$folder/$1.log"
    shift 2
    ray start --block --disable-usage-stats --num-cpus="$cpus" --object-store-memory=200000000 \
        --metrics-export-port="$first" --dashboard-agent-grpc-port=$((first + 1)) \
        --dashboard-agent-listen-port=$((first + 2)) --runtime-env-agent-port=$((first + 3)) \
        "$@" >"$log" 2>&1 &
    started+=($!)
    until grep -q "Ray runtime started" "$log"; do
        if ! kill -0 "${started[-1]}" 2>/dev/null; then
            cat "$log" >&2
            echo "The $name did not start; its log is above." >&2
            exit 1
        fi
        sleep 0.5
    done
}

start head $((port + 2)) --head --port="$port" --dashboard-host=127.0.0.1 --dashboard-port="$dashboard_port" \
    --ray-client-server-port="$((port + 1))" --temp-dir="$folder/ray"
start worker $((port + 6)) --address="127.0.0.1:$port"

cat <<END
Two nodes of $cpus CPUs are up. In another terminal:

    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/token
    posebridge submit --address http://127.0.0.1:$dashboard_port --store $root/store --wait -- \\
        run experiments/smoke.py

Ctrl-C here ends them.
END
# Until one of them ends by itself, which neither should.
wait -n "${started[@]}" || true
echo "A node has ended; the logs are $folder/head.log and $folder/worker.log." >&2
FOLDER=$folder # is kept
exit 1
