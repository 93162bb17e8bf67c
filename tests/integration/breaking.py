"""A method that fails, where the workers of a cluster can import it."""

from dataclasses import dataclass

from torch import Tensor, nn

from posebridge.batch import LabeledBatch, UnlabeledBatch
from posebridge.methods.base import Optimize
from posebridge.methods.supervised import Supervised


@dataclass(frozen=True)
class Breaking(Supervised):
    """Learns nothing."""

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """Fail."""
        raise ValueError("the method is wrong")
