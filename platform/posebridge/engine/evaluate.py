"""Measuring a stage or a floor: every person's errors, and from them sums and counts."""

import io
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from posebridge.engine.artifacts import Store
from posebridge.engine.coco import PersonBox
from posebridge.engine.conditions import CPU, Conditions, kind_of
from posebridge.engine.leases import Lease
from posebridge.engine.predictors import PEOPLE_AT_ONCE, Crop, Predictor
from posebridge.engine.reading import EncodedPeople, LeftOut, Reader, read_directly, reader
from posebridge.engine.scoring import (
    Guesses,
    errors_table,
    labels_of,
    oks_scores,
    pck_scores,
    predictions_table,
)
from posebridge.engine.train import deployed
from posebridge.engine.work import alone, open_in, stage_path
from posebridge.estimators.flipping import FlipTest
from posebridge.identity import describe, digest
from posebridge.metrics import floors
from posebridge.populations.base import Population
from posebridge.populations.crops import BOX_PADDING, UndecodableImageError, decode_image
from posebridge.populations.manifest import OpenPopulation
from posebridge.records import Score
from posebridge.stages import Feed, Stage

VERSION = 2
"""Raised whenever the same predictions give other scores."""


class Floor(Enum):
    """What needs no network: a system must beat both to be worth anything."""

    MEAN_POSE = "mean pose"
    SHUFFLED_TRUTH = "shuffled truth"

    @property
    def reads_target_labels(self) -> bool:
        """Whether it is made from labels of the people it is measured on."""
        return self is Floor.SHUFFLED_TRUTH


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


def evaluation_marker(
    stage: Stage, population: Population, split: str, flip_test: FlipTest | None = None
) -> str:
    """The file that says a stage was measured on a population."""
    asked = {"stage": stage.key(), "on": population.fingerprint(), "split": split}
    # Left out where there is none, so that older addresses stay.
    return _marker(asked if flip_test is None else asked | {"flip_test": describe(flip_test)})


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


def write_scores(lease: Lease, marker: str, scores: Scores, measured: Conditions) -> None:
    """Leave the scores of an evaluation, which says that it is done.

    Args:
        lease: of its folder.
        marker: file of the scores.
        scores: what was found.
        measured: under what it cost what it did.
    """
    told = {name: _told(score) for name, score in scores.scores.items()}
    content = {"scores": told, "skipped": scores.skipped, "cost": scores.cost}
    lease.write_json(marker, content | {"measured": asdict(measured)})


def evaluate_stage(
    uri: str,
    stage: Stage,
    population: Population,
    split: str,
    flip_test: FlipTest | None = None,
) -> None:
    """Measure what a stage learnt on labelled people it has not seen.

    Args:
        uri: of the store.
        stage: that is done.
        population: on whom.
        split: which of them.
        flip_test: whether, and how, the mirror image is asked as well.

    Raises:
        ManifestError: if the population has none of the keypoints of the stage's estimator.
    """
    store = Store(uri)
    torch.set_num_threads(stage.budget.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = store.read(f"{stage_path(stage)}/weights.safetensors")
    nets, _ = deployed(stage, weights)
    nets.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    predictor = Predictor(stage.name, stage.method, nets, device, flip_test)
    left_out = LeftOut()
    opened = open_in(store, population).read_as(predictor.skeleton)

    def guess(people: EncodedPeople) -> Guesses:
        return _predictions(predictor, people, left_out)

    people = population.splits()[split]
    measured = Conditions.of(evaluate_stage, stage, stage.budget.threads, kind_of(device), people)
    marker = evaluation_marker(stage, population, split, flip_test)
    _evaluate(store, marker, (opened, split), guess, left_out, measured)


def labelled_scores(
    store: Store, predictor: Predictor, population: Population, split: str
) -> Scores:
    """PCK of networks as they are on labelled people; nothing is stored."""
    left_out = LeftOut()
    opened = open_in(store, population).read_as(predictor.skeleton)
    _, people = _everybody(opened, split, left_out)
    found = _predictions(predictor, people, left_out)
    table = errors_table(people, found, predictor.skeleton)
    return Scores(pck_scores(table), left_out.counts(), {"people": len(people)})


def evaluate_floor(uri: str, floor: Floor, feed: Feed, population: Population) -> None:
    """Measure a floor on a population's test split.

    Args:
        uri: of the store.
        floor: which.
        feed: the labelled people whose mean pose it is.
        population: on whom.
    """
    store = Store(uri)
    fitted_to = open_in(store, feed.population)
    # In the keypoints of whom the systems learn from, as these are measured.
    opened = open_in(store, population).read_as(fitted_to.skeleton)

    def guess(people: EncodedPeople) -> Guesses:
        labels = labels_of(people.people)
        if floor is Floor.MEAN_POSE:
            _, known = _everybody(fitted_to, feed.split, LeftOut())
            fitted = labels_of(known.people[: feed.people])
            mean = floors.mean_pose(fitted.keypoints, fitted.labelled, fitted.boxes)
            keypoints = floors.predict_mean_pose(mean, labels.boxes)
        else:
            keypoints = floors.shuffled_truth(
                labels.keypoints, labels.labelled, labels.boxes, seed=0
            )
        return Guesses(keypoints, np.ones(keypoints.shape[:2], np.float32))

    measured = Conditions.of(evaluate_floor, floor, 1, CPU, population.splits()["test"])
    marker = floor_marker(floor, feed, population)
    _evaluate(store, marker, (opened, "test"), guess, LeftOut(), measured)


def _evaluate(
    store: Store,
    marker: str,
    on: tuple[OpenPopulation, str],
    guess: Callable[[EncodedPeople], Guesses],
    left_out: LeftOut,
    measured: Conditions,
) -> None:
    folder = marker.rpartition("/")[0]
    with alone(store, folder, marker) as lease:
        if lease is None:
            return
        since = time.perf_counter()
        everybody, people = _everybody(*on, left_out)
        found, skeleton = guess(people), everybody.skeleton
        table = errors_table(people, found, skeleton)
        scores = pck_scores(table) | oks_scores(people, found, skeleton)
        _write_table(lease, f"{folder}/people.parquet", table)
        _write_table(lease, f"{folder}/predictions.parquet", predictions_table(people, found))
        cost = {"people": len(people), "evaluation_seconds": time.perf_counter() - since}
        write_scores(lease, marker, Scores(scores, left_out.counts(), cost), measured)


def _write_table(lease: Lease, path: str, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    lease.write(path, buffer.getvalue())


def _told(score: Score) -> dict[str, Any]:
    told = asdict(score)
    return told | {"total": None if np.isnan(score.total) else score.total}


def _everybody(
    population: OpenPopulation, split: str, left_out: LeftOut
) -> tuple[Reader, EncodedPeople]:
    everybody = reader(
        population, split, labelled=True, read_tables=read_directly, left_out=left_out
    )
    return everybody, everybody.read(everybody.shards)


def _predictions(predictor: Predictor, people: EncodedPeople, left_out: LeftOut) -> Guesses:
    """Predictions for everybody; NaN for people whose image does not decode."""
    shape = (len(people), predictor.skeleton.num_keypoints)
    keypoints, confidence = np.full((*shape, 2), np.nan), np.zeros(shape)
    for first in range(0, len(people), PEOPLE_AT_ONCE):
        rows, crops = [], []
        for row in range(first, min(first + PEOPLE_AT_ONCE, len(people))):
            person = people.people[row]
            try:
                image = decode_image(people.encoded(row))
            except UndecodableImageError:
                left_out.undecodable.add(person.person_id)
                continue
            rows.append(row)
            crops.append(Crop(image, PersonBox(tuple(person.box.tolist())), BOX_PADDING))
        for row, found in zip(rows, predictor.guess(crops), strict=True):
            keypoints[row], confidence[row] = found.keypoints, found.confidence
    return Guesses(keypoints, confidence)
