"""What a method is: a frozen dataclass of hyperparameters with `setup`, `update` and `predict`.

All that a method learns lives in the one `nn.ModuleDict` its `setup` returns; that is what the
engine checkpoints. The engine owns the loop, the devices and the optimisers. Before every step it
seeds torch's generator from the stage's seed and the step, so a method simply draws from
`torch.rand` and stays repeatable and resumable.

A method knows nothing of workers: each of several sees the whole batch. What they share is the
work of the networks, row by row, where a method calls them as modules (`engine/sharing.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Predictions, UnlabeledBatch
from posebridge.estimators.base import Estimator
from posebridge.populations.views import ViewPolicy

Optimize = Callable[[str, Tensor], None]
"""`optimize(player, loss)`: the engine's zero-grad, backward, clip, step and schedule."""


@dataclass(frozen=True)
class Views:
    """How a method looks at people.

    Attributes:
        source: at labelled ones.
        target: (strong, weak) at unlabelled ones; None for a method that reads no target.
    """

    source: ViewPolicy
    target: tuple[ViewPolicy, ViewPolicy] | None = None


@dataclass(frozen=True)
class TrainingMethod(ABC):
    """Learns from labelled people, and from unlabelled ones if it asks for them.

    Attributes:
        players: names of the networks in the `ModuleDict` that an optimiser moves.
        version: raised whenever the algorithm changes, so that a stale artifact never passes for
            a fresh one.
    """

    players: ClassVar[tuple[str, ...]] = ("student",)
    version: ClassVar[int] = 1

    @property
    @abstractmethod
    def views(self) -> Views:
        """How the method looks at labelled people and, if it reads one, at its target."""

    @abstractmethod
    def learning_rates(self) -> dict[str, float]:
        """Peak learning rate of each player."""

    @abstractmethod
    def setup(self, estimator: Estimator) -> nn.ModuleDict:
        """Build every network the method needs around a copy of the estimator."""

    @abstractmethod
    def deployed(self, nets: nn.ModuleDict) -> Estimator:
        """The network among `nets` that `predict` uses and that a following stage starts from."""

    @abstractmethod
    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step: compute losses, hand them to `optimize`, return named detached terms."""

    @abstractmethod
    def predict(
        self, nets: nn.ModuleDict, images: Float[Tensor, "batch 3 height width"]
    ) -> Predictions:
        """Keypoints with the network the method would deploy."""
