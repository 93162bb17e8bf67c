"""What a network says of people without labels: of the upright crop, and of other views of it."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from posebridge import geometry
from posebridge.engine.data import to_images
from posebridge.engine.predictors import PEOPLE_AT_ONCE, Predictor
from posebridge.engine.reading import EncodedPeople, LeftOut
from posebridge.metrics.errors import box_size
from posebridge.metrics.label_free import heatmap_entropy
from posebridge.populations.crops import (
    CropSize,
    UndecodableImageError,
    crop_from_image,
    decode_image,
    person_view,
)
from posebridge.populations.people import Person
from posebridge.populations.views import UPRIGHT, ViewPolicy

VIEWS = 4
VIEW = ViewPolicy(rotation_deg=30.0, scale=(0.8, 1.25), shift=0.1, flip=0.5)
"""Shifted by more than what counts as agreement, so that a place of the crop, even its middle, is
no answer that agrees with itself."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of unlabelled people, in pixels of their crops; NaN where it is mute.

    Attributes:
        keypoints: in the upright crop.
        confidence: of each.
        entropy: of the map of each, as a share of the largest possible.
        again: keypoints in other views, carried back to the crop.
        in_view: keypoints of the crop that lie in the view.
        box_px: the longer side of each person's box.
    """

    keypoints: Float[np.ndarray, "person keypoint 2"]
    confidence: Float[np.ndarray, "person keypoint"]
    entropy: Float[np.ndarray, "person keypoint"]
    again: Float[np.ndarray, "person view keypoint 2"]
    in_view: Bool[np.ndarray, "person view keypoint"]
    box_px: Float[np.ndarray, " person"]


@dataclass(frozen=True, eq=False)
class _Seen:
    """A person whose image is decoded, and their place in the split."""

    row: int
    person: Person
    image: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, eq=False)
class _Looked:
    """One view of each of some people, and what is found in it, in pixels of the upright crop."""

    images: Float[Tensor, "person 3 height width"]
    canonical_from_view: Float[np.ndarray, "person 2 3"]
    keypoints: Float[np.ndarray, "person keypoint 2"]
    confidence: Float[np.ndarray, "person keypoint"]


def answers_of(predictor: Predictor, people: EncodedPeople, left_out: LeftOut) -> Answers:
    """What the network says of everybody whose image decodes.

    Raises:
        UndecodableImageError: if no image decodes.
    """
    decoded, parts = _decoded(people, left_out), []
    while group := list(itertools.islice(decoded, PEOPLE_AT_ONCE)):
        parts.append(_answer(predictor, group))
    if not parts:
        raise UndecodableImageError(
            f"one of {len(people)} images must decode, but none does. "
            "Make or import the population again."
        )
    names = [field.name for field in dataclasses.fields(Answers)]
    return Answers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _decoded(people: EncodedPeople, left_out: LeftOut) -> Iterator[_Seen]:
    for row, person in enumerate(people.people):
        try:
            yield _Seen(row, person, decode_image(people.encoded(row)))
        except UndecodableImageError:
            left_out.undecodable.add(person.person_id)


def _answer(predictor: Predictor, group: Sequence[_Seen]) -> Answers:
    """What the network says of some people: of the upright crops, and of other views of them."""
    estimator = predictor.method.deployed(predictor.nets)
    upright = _look(predictor, group, UPRIGHT, 0)
    others = [_look(predictor, group, VIEW, number) for number in range(1, VIEWS + 1)]
    with torch.inference_mode():
        heatmaps = estimator.eval()(upright.images).heatmaps
    boxes = np.stack([one.person.box for one in group]).astype(np.float64)
    size = estimator.input_height, estimator.input_width
    px = [crop_from_image(box, *size)[0, 0] for box in boxes]
    return Answers(
        keypoints=upright.keypoints,
        confidence=upright.confidence,
        entropy=heatmap_entropy(heatmaps.cpu().numpy()),
        again=np.stack([other.keypoints for other in others], axis=1),
        in_view=np.stack([_shown(upright.keypoints, other, *size) for other in others], axis=1),
        box_px=box_size(boxes) * px,
    )


def _look(
    predictor: Predictor, group: Sequence[_Seen], policy: ViewPolicy, number: int
) -> _Looked:
    """Predict one view of each of some people. The draws are the same for every network."""
    estimator = predictor.method.deployed(predictor.nets)
    views = [
        person_view(
            one.image,
            one.person,
            policy=policy,
            rng=np.random.default_rng((one.row, number)),
            size=CropSize(estimator.input_height, estimator.input_width),
            skeleton=estimator.skeleton,
        )
        for one in group
    ]
    images = to_images(np.stack([view.image for view in views]), predictor.device)
    with torch.inference_mode():
        found = predictor.method.predict(predictor.nets, images)
    back = np.stack([view.canonical_from_view for view in views])
    keypoints = geometry.apply(back, found.keypoints.cpu().numpy())
    mirrored = np.linalg.det(back[:, :, :2]) < 0
    keypoints[mirrored] = keypoints[mirrored][:, list(estimator.skeleton.flip_order)]
    return _Looked(images, back, keypoints, found.confidence.cpu().numpy())


def _shown(
    keypoints: Float[np.ndarray, "person keypoint 2"], other: _Looked, height: int, width: int
) -> Bool[np.ndarray, "person keypoint"]:
    """Which places of the upright crop another view shows."""
    placed = geometry.apply(geometry.invert(other.canonical_from_view), keypoints)
    shown: Bool[np.ndarray, "person keypoint"] = np.all(
        (placed >= 0) & (placed < (width, height)), axis=-1
    )
    return shown
