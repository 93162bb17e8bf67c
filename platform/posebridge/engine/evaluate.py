"""Measuring a stage or a floor: every person's errors, and from them sums and counts."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from posebridge.engine.artifacts import Store
from posebridge.engine.data import to_images
from posebridge.engine.reading import EncodedPeople, LeftOut, Reader, read_directly, reader
from posebridge.engine.train import deployed
from posebridge.engine.work import alone, open_in, stage_path
from posebridge.estimators.base import Estimator
from posebridge.identity import digest
from posebridge.metrics import errors, floors
from posebridge.metrics.pck import pck
from posebridge.populations.base import Population
from posebridge.populations.crops import (
    UndecodableImageError,
    apply_affine,
    crop_from_image,
    decode_image,
    invert,
    look,
)
from posebridge.populations.people import Person
from posebridge.records import Score
from posebridge.skeletons import Skeleton
from posebridge.stages import Feed, Stage

VERSION = 1
"""Raised whenever the same predictions give other scores."""
BATCH = 32
REFERENCES = ("box", "head", "torso", "side")
SEEN = 2


class Floor(Enum):
    """What needs no network: a system must beat both to be worth anything."""

    MEAN_POSE = "mean pose"
    SHUFFLED_TRUTH = "shuffled truth"

    @property
    def reads_target_labels(self) -> bool:
        """Whether it is made from labels of the people it is measured on."""
        return self is Floor.SHUFFLED_TRUTH


@dataclass(frozen=True, eq=False)
class Guess:
    """Keypoints of some people, in pixels of their images; NaN where there is none.

    Attributes:
        keypoints: [person, keypoint, 2].
        confidence: [person, keypoint].
    """

    keypoints: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Scores:
    """What an evaluation leaves besides the people's errors."""

    scores: dict[str, Score]
    skipped: dict[str, int]
    cost: dict[str, float]

    def value(self, metric: str) -> float:
        """A score in [0, 1].

        Raises:
            ValueError: if there is no such metric; the message lists those there are.
        """
        if metric not in self.scores:
            raise ValueError(
                f"metric must be one of {', '.join(sorted(self.scores))}, but got {metric!r}."
            )
        return self.scores[metric].value


def evaluation_marker(stage: Stage, population: Population, split: str) -> str:
    """The file that says a stage was measured on a population."""
    return _marker({"stage": stage.key(), "on": population.fingerprint(), "split": split})


def floor_marker(floor: Floor, feed: Feed, population: Population) -> str:
    """The file that says a floor was measured on a population."""
    fitted = feed.description() | {"per_step": None}
    return _marker({"floor": floor.value, "from": fitted, "on": population.fingerprint()})


def _marker(asked: dict[str, Any]) -> str:
    return f"evaluations/{digest(asked | {'version': VERSION})}/scores.json"


def read_scores(store: Store, marker: str) -> Scores:
    """The scores an evaluation left."""
    content = store.read_json(marker)
    scores = {
        name: Score(np.nan if s["total"] is None else s["total"], s["count"], s["failures"])
        for name, s in content["scores"].items()
    }
    return Scores(scores, content["skipped"], content["cost"])


def evaluate_stage(uri: str, stage: Stage, population: Population, split: str) -> None:
    """Measure what a stage learnt on labelled people it has not seen.

    Args:
        uri: of the store.
        stage: that is done.
        population: on whom.
        split: which of them.
    """
    store = Store(uri)
    torch.set_num_threads(stage.budget.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = store.read(f"{stage_path(stage)}/weights.safetensors")
    nets, estimator = deployed(stage, weights)
    nets.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    measured = _Measured(stage, nets, estimator, device, LeftOut())

    def guess(people: EncodedPeople) -> Guess:
        parts = [_guess(measured, people, rows) for rows in _batches(len(people))]
        return Guess(
            np.concatenate([part.keypoints for part in parts]),
            np.concatenate([part.confidence for part in parts]),
        )

    marker = evaluation_marker(stage, population, split)
    _evaluate(store, marker, (population, split), guess, measured.left_out)


def evaluate_floor(uri: str, floor: Floor, feed: Feed, population: Population) -> None:
    """Measure a floor on a population's test split.

    Args:
        uri: of the store.
        floor: which.
        feed: the labelled people whose mean pose it is.
        population: on whom.
    """
    store = Store(uri)

    def guess(people: EncodedPeople) -> Guess:
        labels = _labels(people.people)
        if floor is Floor.MEAN_POSE:
            _, known = _everybody(store, feed.population, feed.split, LeftOut())
            fitted = _labels(known.people[: feed.people])
            mean = floors.mean_pose(fitted.keypoints, fitted.labelled, fitted.boxes)
            keypoints = floors.predict_mean_pose(mean, labels.boxes)
        else:
            keypoints = floors.shuffled_truth(
                labels.keypoints, labels.labelled, labels.boxes, seed=0
            )
        return Guess(keypoints, np.ones(keypoints.shape[:2], np.float32))

    marker = floor_marker(floor, feed, population)
    _evaluate(store, marker, (population, "test"), guess, LeftOut())


def _evaluate(
    store: Store,
    marker: str,
    on: tuple[Population, str],
    guess: Callable[[EncodedPeople], Guess],
    left_out: LeftOut,
) -> None:
    folder = marker.rpartition("/")[0]
    with alone(store, folder, marker) as lease:
        if lease is None:
            return
        since = time.perf_counter()
        everybody, people = _everybody(store, *on, left_out)
        table = _errors(people, guess(people), everybody.population.skeleton)
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        store.write(f"{folder}/people.parquet", buffer.getvalue())
        scores = {name: asdict(score) for name, score in scores_of(table).items()}
        cost = {"people": len(people), "evaluation_seconds": time.perf_counter() - since}
        store.write_json(marker, {"scores": scores, "skipped": left_out.counts(), "cost": cost})


def _everybody(
    store: Store, population: Population, split: str, left_out: LeftOut
) -> tuple[Reader, EncodedPeople]:
    everybody = reader(
        open_in(store, population),
        split,
        labelled=True,
        read_tables=read_directly,
        left_out=left_out,
    )
    return everybody, everybody.read(everybody.shards)


@dataclass(frozen=True, eq=False)
class _Labels:
    boxes: np.ndarray
    keypoints: np.ndarray
    visibility: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        labelled: np.ndarray = self.visibility > 0
        return labelled


def _labels(people: Sequence[Person]) -> _Labels:
    return _Labels(
        np.stack([p.box for p in people]).astype(np.float64),
        np.stack([p.keypoints for p in people]).astype(np.float64),
        np.stack([p.visibility for p in people]),
    )


def _batches(count: int) -> Iterator[range]:
    return (range(i, min(i + BATCH, count)) for i in range(0, count, BATCH))


def _guess(measured: "_Measured", people: EncodedPeople, rows: Sequence[int]) -> Guess:
    """Predictions for some rows; NaN for people whose image does not decode."""
    height, width = measured.estimator.input_height, measured.estimator.input_width
    crops = np.full((len(rows), height, width, 3), 127, np.uint8)
    matrices = np.tile(np.eye(2, 3), (len(rows), 1, 1))
    failed = np.zeros(len(rows), bool)
    for place, row in enumerate(rows):
        person = people.people[row]
        try:
            image = decode_image(people.encoded(row))
        except UndecodableImageError:
            measured.left_out.undecodable.add(person.person_id)
            failed[place] = True
            continue
        matrix = crop_from_image(person.box, height, width)
        crops[place] = look(image, matrix, height, width)
        matrices[place] = invert(matrix)
    with torch.autocast(
        measured.device.type, dtype=torch.bfloat16, enabled=measured.device.type == "cuda"
    ):
        found = measured.stage.method.predict(measured.nets, to_images(crops, measured.device))
    keypoints = found.keypoints.float().cpu().numpy()
    mapped = np.stack([apply_affine(m, k) for m, k in zip(matrices, keypoints, strict=True)])
    confidence = found.confidence.float().cpu().numpy().copy()
    mapped[failed], confidence[failed] = np.nan, 0.0
    return Guess(mapped, confidence)


@dataclass(frozen=True, eq=False)
class _Measured:
    """A trained stage, ready to predict."""

    stage: Stage
    nets: nn.ModuleDict
    estimator: Estimator
    device: torch.device
    left_out: LeftOut


def _errors(people: EncodedPeople, guess: Guess, skeleton: Skeleton) -> pa.Table:
    """One row a person: how far off, and the sizes that distances are compared with."""
    labels = _labels(people.people)
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


def scores_of(table: pa.Table) -> dict[str, Score]:
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
            tally = pck(distances, counted, size)
            scores[f"pck_{name}{suffix}"] = Score(tally.total, tally.count, tally.failures)
    return scores
