"""Scores of an evaluation: each person's errors, and sums and counts of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from posebridge.engine.reading import EncodedPeople
from posebridge.metrics import errors, oks
from posebridge.metrics.pck import pck
from posebridge.populations.people import Person
from posebridge.records import Score
from posebridge.skeletons import Skeleton

REFERENCES = ("box", "head", "torso", "side")
SEEN = 2
THRESHOLD = 0.05
AP_PARTS = ("ap", "ap50", "ap75")


@dataclass(frozen=True, eq=False)
class Guesses:
    """Keypoints of some people, in pixels of their images; NaN where there is none.

    Attributes:
        keypoints: [person, keypoint, 2].
        confidence: [person, keypoint].
    """

    keypoints: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, eq=False)
class Labels:
    """The truth about some people.

    Attributes:
        boxes: [person, 4].
        keypoints: [person, keypoint, 2], pixels.
        visibility: [person, keypoint], 0 to 2.
    """

    boxes: np.ndarray
    keypoints: np.ndarray
    visibility: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """Which keypoints have a truth."""
        labelled: np.ndarray = self.visibility > 0
        return labelled


def labels_of(people: Sequence[Person]) -> Labels:
    """The labels of people as arrays."""
    return Labels(
        np.stack([p.box for p in people]).astype(np.float64),
        np.stack([p.keypoints for p in people]).astype(np.float64),
        np.stack([p.visibility for p in people]),
    )


def errors_table(people: EncodedPeople, guess: Guesses, skeleton: Skeleton) -> pa.Table:
    """One row a person: how far off, and the sizes that distances are compared with."""
    labels = labels_of(people.people)
    truth, labelled = labels.keypoints, labels.labelled
    distances = errors.keypoint_distances(guess.keypoints, truth, labelled)
    failed = (labelled & np.isnan(distances)).any(axis=1)
    heights, widths = people.sizes.T
    sizes = {
        "box_px": errors.box_size(labels.boxes),
        "head_px": errors.head_size(truth, labelled, skeleton),
        "torso_px": errors.torso_size(truth, labelled, skeleton),
        "side_px": errors.side_size(heights, widths),
    }
    columns = {
        "person_id": pa.array([p.person_id for p in people.people]),
        "distance_px": pa.array(list(distances.astype(np.float32)), pa.list_(pa.float32())),
        "visibility": pa.array(list(labels.visibility), pa.list_(pa.uint8())),
        "confidence": pa.array(list(guess.confidence.astype(np.float32)), pa.list_(pa.float32())),
    }
    columns |= {name: pa.array(size.astype(np.float32)) for name, size in sizes.items()}
    return pa.table(columns | {"failed": pa.array(failed)})


def predictions_table(people: EncodedPeople, guess: Guesses) -> pa.Table:
    """One row a person: where every keypoint was seen, pixels of the image."""
    flat = guess.keypoints.reshape(len(people), -1).astype(np.float32)
    return pa.table(
        {
            "person_id": pa.array([p.person_id for p in people.people]),
            "keypoints": pa.array(list(flat), pa.list_(pa.float32())),
            "confidence": pa.array(
                list(guess.confidence.astype(np.float32)), pa.list_(pa.float32())
            ),
        }
    )


def pck_scores(table: pa.Table) -> dict[str, Score]:
    """PCK@0.05 by each reference size, over labelled and over visible keypoints.

    Args:
        table: per-person errors.
    """
    distances = np.stack(table["distance_px"].to_numpy(zero_copy_only=False))
    visibility = np.stack(table["visibility"].to_numpy(zero_copy_only=False))
    scores = {}
    for name in REFERENCES:
        size = table[f"{name}_px"].to_numpy()
        for suffix, counted in (("", visibility > 0), ("_visible", visibility == SEEN)):
            tally = pck(distances, counted, size, threshold=THRESHOLD)
            scores[f"pck_{name}{suffix}"] = Score(tally.total, tally.count, tally.failures)
    return scores


def person_pck(table: pa.Table) -> Float[np.ndarray, " person"]:
    """Share of each person's labelled keypoints within 0.05 of the box; NaN without any.

    Args:
        table: per-person errors.
    """
    distances = np.stack(table["distance_px"].to_numpy(zero_copy_only=False))
    labelled = np.stack(table["visibility"].to_numpy(zero_copy_only=False)) > 0
    hits = labelled & (distances < THRESHOLD * table["box_px"].to_numpy()[:, None])
    with np.errstate(invalid="ignore"):
        return np.asarray(hits.sum(axis=1) / labelled.sum(axis=1))


def oks_scores(people: EncodedPeople, guess: Guesses, skeleton: Skeleton) -> dict[str, Score]:
    """Mean OKS, and average precision as COCO reports it; none for a skeleton without sigmas.

    A person's own box is given to every system, so an image has as many detections as people; the
    score of a detection is its mean confidence. Average precision is no mean over people: its
    count is 1.
    """
    if not skeleton.sigmas:
        return {}
    labels = labels_of(people.people)
    areas = np.array([person.area for person in people.people])
    distances = errors.keypoint_distances(guess.keypoints, labels.keypoints, labels.labelled)
    similarity = oks.oks(distances, labels.labelled, areas, skeleton)
    known = np.isfinite(similarity)
    _, images = np.unique([person.image_id for person in people.people], return_inverse=True)
    precision = oks.coco_ap(
        oks.People(images, labels.keypoints, labels.labelled, labels.boxes, areas),
        oks.Detections(images, guess.keypoints, guess.confidence.mean(axis=1)),
        skeleton,
    )
    scores = {"oks": Score(float(similarity[known].sum()), int(known.sum()))}
    return scores | {name: Score(precision[name], 1) for name in AP_PARTS}
