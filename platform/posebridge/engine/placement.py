"""Where tasks find room: what the nodes of a cluster have, and what no node can hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ray

from posebridge.engine.graph import Task


@dataclass(frozen=True)
class Node:
    """What Ray may use of one machine."""

    cpus: float
    gpus: float

    def holds(self, task: Task) -> bool:
        """Whether a task fits on it when nothing else is there."""
        return self.cpus >= task.cpus and self.gpus >= task.gpus


def cluster_nodes() -> list[Node]:
    """The living nodes of the cluster that runs."""
    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    found = [node["Resources"] for node in alive]
    return [Node(has.get("CPU", 0.0), has.get("GPU", 0.0)) for has in found]


def check_placeable(tasks: Iterable[Task], nodes: Sequence[Node]) -> None:
    """Refuse tasks that no node can hold.

    Raises:
        ValueError: naming the task, what it needs and what the largest node has.
    """
    for task in tasks:
        if not any(node.holds(task) for node in nodes):
            largest = max((node.cpus for node in nodes), default=0)
            raise ValueError(
                f"task {task.name!r} needs {task.cpus:g} CPUs and {task.gpus:g} GPUs on one node, "
                f"but the largest of {len(nodes)} nodes has {largest:g} CPUs. Lower the stage's "
                "threads (--set stage.threads=1), or use a larger node."
            )
