"""The stages whose artifacts lie in a store."""

import json
from dataclasses import dataclass
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.conditions import CPU


@dataclass(frozen=True)
class FinishedStage:
    """A stage whose artifact lies in the store.

    Attributes:
        key: of the stage.
        name: it was given in its system.
        stage: everything that decides its result, as `Stage.description` tells it.
        cost: what it took, by unit, such as steps and seconds.
        device: one of `DEVICES`, on which it took that.
    """

    key: str
    name: str
    stage: dict[str, Any]
    cost: dict[str, float]
    device: str

    def describe(self) -> str:
        """Key, name, method, estimator, and on whom it was trained."""
        method, architecture = (_class(self.stage[part]) for part in ("method", "architecture"))
        if "budget" not in self.stage:
            return f"{self.key}  {self.name}: {architecture}, published weights"
        people = " + ".join(feed["name"] for feed in self.stage["source"])
        target = self.stage["target"]
        return (
            f"{self.key}  {self.name}: {method} of {architecture} on {people}"
            f"{' → ' + target['name'] if target else ''}, {self.stage['budget']['steps']} steps, "
            f"seed {self.stage['seed']}"
        )


def finished_stages(store: Store) -> list[FinishedStage]:
    """Every finished stage of a store, in the order of their keys."""
    keys = store.children("stages")
    done = store.read_many(f"stages/{key}/done" for key in keys)
    keys = [key for key in keys if f"stages/{key}/done" in done]
    manifests = store.read_many(f"stages/{key}/manifest.json" for key in keys)
    found = []
    for key in keys:
        told = json.loads(manifests[f"stages/{key}/manifest.json"])
        # Older ones do not say it, and count as a CPU's.
        device = told.get("made", {}).get("device", CPU)
        found.append(FinishedStage(key, told["name"], told["stage"], told["cost"], device))
    return found


def _class(description: dict[str, Any]) -> str:
    return str(description["class"]).rpartition(":")[2]
