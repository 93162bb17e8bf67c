"""A task on a cluster of three nodes; its node dies, and then the one it was tried again on.

A process of its own: python -m integration.lost_node STORE
"""

import os
import sys
import time

from engine.watching import Witness, marker
from posebridge.engine import execution
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import LOCAL_ENVIRONMENT
from posebridge.engine.graph import Task

# Patience with a machine that has other things to do.
for _name, _value in {**LOCAL_ENVIRONMENT, "RAY_raylet_start_wait_time_s": "240"}.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402 - reads the environment
from ray.cluster_utils import Cluster  # noqa: E402

QUICKLY_SEEN = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}


def stay(uri: str, name: str, times: int) -> None:
    """Say on which node this is; stay there the first times, and succeed then."""
    store = Store(uri)
    tried = len(store.children(f"{name}-tried"))
    store.write(f"{name}-tried/{tried}", ray.get_runtime_context().get_node_id().encode())
    if tried < times:
        time.sleep(3600)
    store.write(marker(name), b"")


def lose_node(graph: execution.Execution, cluster: Cluster, store: Store, tried: str) -> None:
    """Wait until a task is there, and end its node as a power cut does."""
    while not store.exists(tried):
        graph.step()
    node_id = store.read(tried).decode()
    nodes = cluster.list_all_nodes()  # type: ignore[no-untyped-call]
    (node,) = (node for node in nodes if node.node_id == node_id)
    cluster.remove_node(node, allow_graceful=False)


def main() -> None:
    """Lose one node of two, then the other."""
    store, cluster = Store(sys.argv[1]), Cluster()
    cluster.add_node(num_cpus=0, include_dashboard=False, _system_config=QUICKLY_SEEN)
    for _ in range(2):
        cluster.add_node(num_cpus=2)
    ray.init(address=cluster.address, log_to_driver=False)
    graph = execution.Execution(store, Witness())
    tasks = [Task(n, marker(n), stay, (store.uri, n, t), cpus=2) for n, t in (("a", 1), ("b", 9))]
    graph.add(tasks[:1])
    lose_node(graph, cluster, store, "a-tried/0")
    while not graph.is_idle:
        graph.step()
    graph.add(tasks[1:])
    execution.NODE_SECONDS = 1.0
    lose_node(graph, cluster, store, "b-tried/0")
    while not graph.is_idle:
        graph.step()
    store.write_json("failures", [failure.cause for failure in graph.failures()])
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
