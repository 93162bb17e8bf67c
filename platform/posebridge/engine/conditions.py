"""Under what a cost was measured; kept beside it, so that like work can be priced by like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from posebridge.identity import describe, digest
from posebridge.stages import Stage

CPU, GPU = "cpu", "gpu"
DEVICES = (CPU, GPU)


@dataclass(frozen=True)
class Conditions:
    """What decides how long a person takes, and how many there were.

    Attributes:
        work: name of the function that does it.
        subject: of the work, as far as it counts.
        threads: of the process.
        device: one of `DEVICES`.
        people: as a plan counts them before it knows them.
    """

    work: str
    subject: Any
    threads: float
    device: str
    people: int

    @classmethod
    def of(
        cls,
        function: Callable[..., None],
        subject: object,
        threads: float,
        device: str,
        people: int,
    ) -> "Conditions":
        """The conditions of some work.

        Args:
            function: that does it.
            subject: a stage, a floor or a population.
            threads: of the process.
            device: one of `DEVICES`.
            people: that it looks at or renders.
        """
        return cls(function.__name__, _told(subject), float(threads), device, people)

    def kind(self) -> str:
        """Equal for work that takes a person as long on a device of the same kind."""
        return digest([self.work, self.threads, self.subject])


def kind_of(device: torch.device) -> str:
    """Which of `DEVICES` it is."""
    return CPU if device.type == "cpu" else GPU


def _told(subject: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(subject, Stage):
        return [describe(subject.method)["class"], describe(subject.architecture)]
    return type(subject).__name__
