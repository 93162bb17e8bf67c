"""A Ray cluster of three nodes on this machine, alive until its input is closed.

It says where it is in one line of JSON: its address, and the processes that are its head. The head
computes nothing; a node that is lost is replaced.
"""

import json
import select
import sys

import ray  # noqa: F401 - before its parts
from ray.cluster_utils import Cluster

WORKERS = 2
LOOK_SECONDS = 0.2


def replace_lost(cluster: Cluster) -> None:
    """Put a new node in the place of one that has ended, unless the head has."""
    # To look is also what lets an ended process disappear.
    lost = [node for node in cluster.list_all_nodes() if node.dead_processes()]  # type: ignore[no-untyped-call]
    if cluster.head_node in lost:
        return
    for node in lost:
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(num_cpus=1)


def main() -> None:
    """Start it, and end it with whoever has started it."""
    cluster = Cluster()
    head = cluster.add_node(num_cpus=0, include_dashboard=False)
    for _ in range(WORKERS):
        cluster.add_node(num_cpus=1)
    pids = [process.pid for _, process in head.live_processes()]
    print(json.dumps({"address": cluster.address, "head": pids}), flush=True)
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        replace_lost(cluster)
    cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
