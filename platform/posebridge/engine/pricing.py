"""What work will cost, from what like work has cost."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Task
from posebridge.identity import digest
from posebridge.stages import Stage


@dataclass(frozen=True)
class Prices:
    """Seconds per training step that were measured in a store.

    Attributes:
        seconds: median by kind of stage: method, architecture and people per step.
    """

    seconds: dict[str, float]

    @classmethod
    def measured(cls, store: Store) -> "Prices":
        """The prices of all finished stages of a store."""
        found = defaultdict(list)
        for key in store.children("stages"):
            if not store.exists(f"stages/{key}/done"):
                continue
            manifest = store.read_json(f"stages/{key}/manifest.json")
            cost = manifest["cost"]
            if cost["steps"]:
                found[_kind(manifest["stage"])].append(cost["seconds"] / cost["steps"])
        return cls({kind: median(values) for kind, values in found.items()})

    def of(self, task: Task) -> float | None:
        """Seconds a training will take; None if nothing like it was measured."""
        stage = task.arguments[1]
        assert isinstance(stage, Stage)
        per_step = self.seconds.get(_kind(stage.description()))
        return None if per_step is None else per_step * task.steps

    def show(self, task: Task) -> str:
        """Seconds a training will take, as text."""
        seconds = self.of(task)
        return "not measured yet" if seconds is None else f"{seconds:.0f}"


@dataclass(frozen=True)
class Price:
    """What a set of trainings will cost.

    Attributes:
        seconds: of those like which something was measured, one after the other.
        unknown: number of the others.
    """

    seconds: float
    unknown: int

    def describe(self) -> str:
        """The price in words."""
        if not self.seconds and not self.unknown:
            return "Nothing is left to train."
        known = f"Training takes about {self.seconds / 60:.0f} minutes, one after the other"
        rest = f"; {self.unknown} have no price yet" if self.unknown else ""
        return (
            f"{known}{rest}." if self.seconds else f"{self.unknown} trainings have no price yet."
        )


def price(tasks: Iterable[Task], prices: Prices) -> Price:
    """The price of all trainings among some tasks."""
    found = [prices.of(task) for task in tasks if task.steps]
    known = [seconds for seconds in found if seconds is not None]
    return Price(sum(known), len(found) - len(known))


def _kind(description: dict[str, object]) -> str:
    method, architecture = description["method"], description["architecture"]
    assert isinstance(method, dict)
    assert isinstance(architecture, dict)
    source, target = description["source"], description["target"]
    assert isinstance(source, list)
    assert target is None or isinstance(target, dict)
    feeds = [*source, *([target] if target else [])]
    per_step = [feed["per_step"] for feed in feeds]
    views = method.get("teacher_views", 1)
    return digest([method["class"], architecture, per_step, views])
