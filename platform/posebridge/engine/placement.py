"""Where tasks find room: what the nodes of a cluster have, and what no node can hold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ray
import torch

from posebridge.engine.cluster import local_cpus
from posebridge.engine.graph import Task


@dataclass(frozen=True, order=True)
class Node:
    """What Ray may use of one machine."""

    cpus: float
    gpus: float

    def holds(self, task: Task) -> int:
        """How many of a task, or of its workers, fit on it when nothing else is there."""
        has = ((self.cpus, task.cpus), (self.gpus, task.gpus))
        return min((int(room // need) for room, need in has if need), default=1)

    def describe(self) -> str:
        """Its CPUs and, if any, its GPUs."""
        return _amounts(self.cpus, self.gpus)


def cluster_nodes() -> list[Node]:
    """The living nodes of the cluster that runs."""
    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    found = [node["Resources"] for node in alive]
    return [Node(has.get("CPU", 0.0), has.get("GPU", 0.0)) for has in found]


def this_machine() -> list[Node]:
    """The one node of a cluster that is started here, without starting it."""
    return [Node(local_cpus(), torch.cuda.device_count())]


def at_once(task: Task, nodes: Sequence[Node]) -> int:
    """How many of a task fit on nodes with nothing else on them."""
    return sum(node.holds(task) for node in nodes) // max(task.workers, 1)


def check_placeable(tasks: Iterable[Task], nodes: Sequence[Node]) -> None:
    """Refuse tasks that these nodes cannot hold.

    Raises:
        ValueError: naming the task, what it needs, what there is, and what to do.
    """
    for task in tasks:
        refusal = misfit(task, nodes)
        if refusal is not None:
            raise ValueError(refusal)


def misfit(task: Task, nodes: Sequence[Node]) -> str | None:
    """Why nodes cannot hold a task, even with nothing else on them; None if they can."""
    if at_once(task, nodes):
        return None
    return (
        f"task {task.name!r} needs {_needs(task)}, but there {_are(nodes)}, and "
        f"{_shortage(task, nodes)}."
    )


def have_room(groups: Iterable[Task], nodes: Sequence[Node]) -> bool:
    """Whether the workers of several tasks find room at the same time, each node shared out."""
    free = list(nodes)
    for task in groups:
        missing = task.workers
        for number, node in enumerate(free):
            placed = min(node.holds(task), missing)
            missing -= placed
            free[number] = Node(node.cpus - placed * task.cpus, node.gpus - placed * task.gpus)
        if missing:
            return False
    return True


def describe_nodes(nodes: Iterable[Node]) -> str:
    """What nodes have, such as "2 × 16 CPUs, 1 × 8 CPUs and 4 GPUs"."""
    counts = sorted(Counter(nodes).items(), reverse=True)
    return ", ".join(f"{count} × {node.describe()}" for node, count in counts)


def describe_sum(task: Task) -> str:
    """What one task takes in all, with the sum where it has several workers."""
    each = _amounts(task.cpus, task.gpus)
    if not task.workers:
        return each
    total = _amounts(task.workers * task.cpus, task.workers * task.gpus)
    return f"{task.workers} workers × ({each}) = {total}"


def _amounts(cpus: float, gpus: float) -> str:
    named = ((cpus, "CPU"), *([(gpus, "GPU")] if gpus else []))
    return " and ".join(f"{amount:g} {unit}{'s' * (amount != 1)}" for amount, unit in named)


def _needs(task: Task) -> str:
    return describe_sum(task) if task.workers else f"{describe_sum(task)} on one node"


def _are(nodes: Sequence[Node]) -> str:
    if not nodes:
        return "are no nodes"
    number = "is 1 node" if len(nodes) == 1 else f"are {len(nodes)} nodes"
    return f"{number} ({describe_nodes(nodes)})"


def _shortage(task: Task, nodes: Sequence[Node]) -> str:
    """What is missing, and what to do."""
    cpus = max((node.cpus for node in nodes), default=0)
    gpus = max((node.gpus for node in nodes), default=0)
    if task.cpus > cpus:
        return (
            f"the largest has {_amounts(cpus, 0)}. Lower the stage's threads "
            f"(--set stage.threads={max(int(cpus), 1)}), or use a larger node"
        )
    if task.gpus > gpus:
        return (
            "none has as many GPUs. Use nodes with more, or see with posebridge doctor why Ray "
            "does not find them"
        )
    fit = sum(node.holds(task) for node in nodes)
    if not task.workers or not fit:
        return (
            "none has both. Lower the stage's threads (--set stage.threads=1), or use nodes with "
            "more CPUs beside their GPUs"
        )
    return (
        f"only {fit} of the {task.workers} workers fit at once. Lower the stage's workers or "
        f"threads (--set stage.workers={fit}), or use more nodes"
    )
