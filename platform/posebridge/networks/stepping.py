"""How a guided estimator goes from step to step, and what training asks of a step."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor

from posebridge.batch import Maps
from posebridge.estimators.decoders import Dark, Decoder, Quarter
from posebridge.search_space import choice, tunable, uniform

Endpoint = Literal["backbone", "latest"]


@dataclass(frozen=True)
class Stepping:
    """How inference goes from step to step.

    Attributes:
        gate: peaks not above this are no end of a path: their keypoints are dropped.
        endpoint: of the paths: what the estimator found ("backbone"), or what the step before
            found ("latest", from the canonical pose on).
        concat_previous: whether the heatmaps of the step before are shown beside the guide.
        agreement_px: inference ends for a person when no keypoint has moved by more than this in a
            step; 0 never ends early.
        decoder: of the refined heatmaps, whose frame is PoseBridge's whatever the estimator's is.
    """

    gate: float = tunable(0.2, uniform(0.0, 0.5))
    endpoint: Endpoint = tunable("backbone", choice(("backbone", "latest")))
    concat_previous: bool = False
    agreement_px: float = 0.0
    decoder: Decoder = Quarter()

    def __post_init__(self) -> None:
        """Refuse a distance below zero, and a decoder of another frame."""
        if not isinstance(self.decoder, Quarter | Dark):
            raise ValueError(
                "refined heatmaps are in PoseBridge's frame, which Quarter() and Dark() read, but "
                f"got {self.decoder=}. Give the estimator that decoder, if it needs it."
            )
        if not self.agreement_px >= 0.0:
            raise ValueError(
                "agreement_px must be a distance, or 0 not to end early, but got "
                f"{self.agreement_px=}."
            )


@dataclass(frozen=True)
class Draw:
    """What a training step asks of each person, one row each.

    Attributes:
        steps: at which their path is looked at.
        jitter_px: added to the ends of the paths.
        ends: of the paths instead of what the estimator finds, NaN for what is not known; None
            takes what it finds.
    """

    steps: Int[Tensor, "batch step"]
    jitter_px: Float[Tensor, "batch keypoint 2"]
    ends: Float[Tensor, "batch keypoint 2"] | None = None


@dataclass(frozen=True)
class Refined:
    """What a training step gets.

    Attributes:
        first: what the estimator itself gives.
        heatmaps: refined, at each of the drawn steps.
    """

    first: Maps
    heatmaps: Float[Tensor, "batch step keypoint height width"]
