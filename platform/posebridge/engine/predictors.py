"""Networks that predict: of a finished stage in the store, or of an estimator that is shipped."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor, nn

from posebridge.batch import Predictions
from posebridge.engine.artifacts import Store
from posebridge.engine.coco import PersonBox
from posebridge.engine.data import to_images
from posebridge.engine.finished import FinishedStage, finished_stages
from posebridge.engine.train import load_weights
from posebridge.estimators import all_architectures
from posebridge.estimators.base import Architecture
from posebridge.estimators.flipping import FlipTest
from posebridge.estimators.released import without_weights
from posebridge.identity import restore
from posebridge.methods.base import TrainingMethod
from posebridge.methods.supervised import Supervised
from posebridge.populations.crops import apply_affine, crop_from_image, invert, look
from posebridge.skeletons import Skeleton

PEOPLE_AT_ONCE = 32
SHOWN_CANDIDATES = 20


@runtime_checkable
class ShipsWeights(Protocol):
    """An architecture whose published weights come with this package."""

    file: ClassVar[str]
    sha256: ClassVar[str]


def shipped() -> dict[str, Architecture]:
    """Estimators that need no training, named by module and class, such as movenet-lightning."""
    made = (kind() for kind in all_architectures())
    return {_published_name(one): one for one in made if isinstance(one, ShipsWeights)}


@dataclass(frozen=True, eq=False)
class Crop:
    """Where to look for a person, and how much of the surroundings to take."""

    pixels: UInt8[np.ndarray, "height width 3"]
    box: PersonBox
    padding: float


@dataclass(frozen=True, eq=False)
class Guess:
    """One person as predicted.

    Attributes:
        box: that was looked at.
        keypoints: px of the image; NaN where there is none.
        confidence: of each.
    """

    box: PersonBox
    keypoints: Float[np.ndarray, "keypoint 2"]
    confidence: Float[np.ndarray, " keypoint"]


@dataclass(frozen=True, eq=False)
class Predictor:
    """Networks on their device, and the method that predicts with them.

    Attributes:
        title: what it is, for people.
        method: whose `predict` is used.
        nets: in evaluation mode.
        device: where they are.
        flip_test: whether, and how, the mirror image is asked as well.
    """

    title: str
    method: TrainingMethod
    nets: nn.ModuleDict
    device: torch.device
    flip_test: FlipTest | None = None

    @property
    def skeleton(self) -> Skeleton:
        """Of the keypoints it gives."""
        return self.method.deployed(self.nets).skeleton

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of what its estimator is shown, px."""
        estimator = self.method.deployed(self.nets)
        return estimator.input_height, estimator.input_width

    def guess(self, people: Sequence[Crop]) -> list[Guess]:
        """Predict people of any images, some at a time."""
        starts = range(0, len(people), PEOPLE_AT_ONCE)
        return [g for start in starts for g in self._guess(people[start : start + PEOPLE_AT_ONCE])]

    def _guess(self, people: Sequence[Crop]) -> Iterator[Guess]:
        height, width = self.input_size
        matrices = [
            crop_from_image(one.box.xywh, height, width, padding=one.padding) for one in people
        ]
        crops = [look(p.pixels, m, height, width) for p, m in zip(people, matrices, strict=True)]
        images = to_images(np.stack(crops), self.device)
        # In full precision, unlike training: bfloat16 costs Lightning 3 points on infants.
        with torch.inference_mode():
            found = self._predict(images)
        keypoints, confidence = found.keypoints.cpu().numpy(), found.confidence.cpu().numpy()
        for row, (one, matrix) in enumerate(zip(people, matrices, strict=True)):
            placed = apply_affine(invert(matrix), keypoints[row])
            yield Guess(one.box, placed, confidence[row])

    def _predict(self, images: Float[Tensor, "person 3 height width"]) -> Predictions:
        if self.flip_test is None:
            return self.method.predict(self.nets, images)
        estimator = self.method.deployed(self.nets).eval()
        return estimator.decode(self.flip_test(estimator, images))


def find_predictor(store: Store, key: str) -> Predictor:
    """The predictor of a name.

    Args:
        store: with finished stages.
        key: name of a shipped estimator, or the beginning of a finished stage's key.

    Raises:
        ValueError: if there is none, or several; the message lists those there are.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    published = shipped()
    if key in published:
        method = Supervised()
        nets = method.setup(published[key].build())
        return _ready(Predictor(f"{key}, published weights", method, nets, device))
    finished = finished_stages(store)
    fits = [one for one in finished if one.key.startswith(key)]
    if len(fits) != 1:
        found = "none" if not fits else f"{len(fits)} of them"
        shown = fits or finished
        rest = len(shown) - SHOWN_CANDIDATES
        raise ValueError(
            f"--system must be a shipped estimator ({', '.join(published)}) or begin the key of "
            f"one finished stage in the store {store.uri}, but {key!r} begins {found}. Take one "
            "of these:\n"
            + "\n".join(one.describe() for one in shown[:SHOWN_CANDIDATES])
            + (f"\n… and {rest} more" if rest > 0 else "" if shown else "(no stage is finished)")
        )
    return _ready(_restored(store, fits[0], device))


def _restored(store: Store, found: FinishedStage, device: torch.device) -> Predictor:
    """Rebuild a stage's networks from its manifest, without the populations it was trained on."""
    folder = f"stages/{found.key}"
    method: TrainingMethod = restore(found.stage["method"])
    architecture: Architecture = restore(found.stage["architecture"])
    nets = method.setup(without_weights(architecture).build())
    try:
        load_weights(nets, store.read(f"{folder}/weights.safetensors"))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"stage {found.key} must have the whole weights of its networks in {folder}, but got "
            f"{type(error).__name__}. Delete that folder and run its experiment again."
        ) from error
    return Predictor(found.describe(), method, nets, device)


def _ready(predictor: Predictor) -> Predictor:
    predictor.nets.eval().to(predictor.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return predictor


def _published_name(architecture: Architecture) -> str:
    kind = type(architecture)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind.__name__).lower()
    return f"{kind.__module__.rpartition('.')[2].replace('_', '-')}-{words}"
