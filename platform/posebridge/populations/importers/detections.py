"""A detector's boxes in the place of annotated ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from posebridge.populations.importers.base import ListedBox
from posebridge.populations.people import Person, Sample

SAME_PERSON = 0.5
"""Overlap (intersection over union) from which a box is of the annotated person."""


def with_detected_boxes(sample: Sample, boxes: Sequence[ListedBox]) -> Sample:
    """Give each person the box that a detector found of them, if it did.

    The surest box chooses first, and takes the person whose annotated box it overlaps most; a
    person whom no box overlaps by half keeps the annotated one. The attribute `box` says which.
    """
    people = list(sample.people)
    found: dict[int, ListedBox] = {}
    truth = np.array([person.box for person in people], np.float64)
    for box in sorted(boxes, key=lambda one: -float(one.about["score"])):
        overlap = overlaps(np.asarray(box.about["bbox"], np.float64), truth)
        overlap[list(found)] = 0.0
        best = int(overlap.argmax())
        if overlap[best] >= SAME_PERSON:
            found[best] = box
    return replace(
        sample, people=tuple(_seen_in(p, found.get(row)) for row, p in enumerate(people))
    )


def overlaps(
    box: Float[np.ndarray, "4"], others: Float[np.ndarray, "box 4"]
) -> Float[np.ndarray, " box"]:
    """Intersection over union of a box with others, each left, top, width, height."""
    corner = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared = np.prod(np.clip(corner - np.maximum(box[:2], others[:, :2]), 0.0, None), axis=1)
    union = box[2] * box[3] + others[:, 2] * others[:, 3] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def _seen_in(person: Person, found: ListedBox | None) -> Person:
    if found is None:
        return replace(person, attributes={**person.attributes, "box": "annotated"})
    box = np.asarray(found.about["bbox"], np.float32)
    return replace(person, box=box, attributes={**person.attributes, "box": "detected"})
