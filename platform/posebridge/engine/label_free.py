"""Measuring a stage on people without labels: what the validators of adaptation read."""

import dataclasses
import time

import numpy as np
import torch

from posebridge.engine.answers import Answers, answers_of
from posebridge.engine.artifacts import Store
from posebridge.engine.conditions import Conditions, kind_of
from posebridge.engine.evaluate import Scores, write_scores
from posebridge.engine.predictors import Predictor
from posebridge.engine.reading import LeftOut, read_directly, reader
from posebridge.engine.scoring import Labels, labels_of
from posebridge.engine.train import deployed
from posebridge.engine.work import alone, open_in, stage_path
from posebridge.identity import digest
from posebridge.metrics.label_free import self_agreement
from posebridge.metrics.pose_prior import PosePrior, fit_pose_prior, plausibility
from posebridge.records import Score
from posebridge.selection import UnlabelledLook
from posebridge.skeletons import Skeleton
from posebridge.stages import Feed, Stage

VERSION = 1
"""Raised whenever the same weights give other scores."""
PRIOR_PEOPLE = 1000
"""Of each labelled feed, at most: more make a prior dearer and hardly better."""


def label_free_marker(stage: Stage, asked: UnlabelledLook) -> str:
    """The file that says a stage was measured on unlabelled people."""
    description = {
        "stage": stage.key(),
        "on": asked.population.fingerprint(),
        "split": asked.split,
        "people": asked.people,
        "label_free": VERSION,
    }
    return f"evaluations/{digest(description)}/scores.json"


def evaluate_label_free(uri: str, stage: Stage, asked: UnlabelledLook) -> None:
    """Measure what can be said of a stage without labels of the people it is for.

    Leaves the scores "certainty", "consistency", "plausibility" and "confidence", higher is better
    for each. The poses that predictions are compared with are those of the labelled people that
    the stage and those before it were trained on; without any there is no plausibility.

    Args:
        uri: of the store.
        stage: that is done.
        asked: on whom.

    Raises:
        ManifestError: if the population has none of the keypoints of the stage's estimator.
    """
    store, marker = Store(uri), label_free_marker(stage, asked)
    with alone(store, marker.rpartition("/")[0], marker) as lease:
        if lease is None:
            return
        since = time.perf_counter()
        torch.set_num_threads(stage.budget.threads)
        predictor = _predictor(store, stage)
        found = unlabelled_scores(store, stage, predictor, asked)
        cost = found.cost | {"evaluation_seconds": time.perf_counter() - since}
        measured = Conditions.of(
            evaluate_label_free,
            stage,
            stage.budget.threads,
            kind_of(predictor.device),
            people_of(asked),
        )
        write_scores(lease, marker, dataclasses.replace(found, cost=cost), measured)


def unlabelled_scores(
    store: Store, stage: Stage, predictor: Predictor, asked: UnlabelledLook
) -> Scores:
    """What can be said of a stage's networks as they are; nothing is stored."""
    left_out = LeftOut()
    unlabelled = reader(
        open_in(store, asked.population).read_as(predictor.skeleton),
        asked.split,
        labelled=False,
        read_tables=read_directly,
        people=asked.people,
        left_out=left_out,
    )
    people = unlabelled.read(unlabelled.shards)
    answers = answers_of(predictor, people, left_out)
    scores = _scores(answers, _prior(store, stage, predictor.skeleton))
    return Scores(scores, left_out.counts(), {"people": len(people)})


def _predictor(store: Store, stage: Stage) -> Predictor:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    nets, _ = deployed(stage, store.read(f"{stage_path(stage)}/weights.safetensors"))
    nets.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(stage.name, stage.method, nets, device)


def _scores(answers: Answers, prior: PosePrior | None) -> dict[str, Score]:
    agreed = self_agreement(answers.keypoints, answers.again, answers.in_view, answers.box_px)
    likely = np.zeros(0) if prior is None else plausibility(prior, answers.keypoints)
    return {
        "certainty": _score(1.0 - answers.entropy),
        "consistency": Score(agreed.total, agreed.count, agreed.failures),
        "plausibility": _score(likely),
        "confidence": _score(answers.confidence),
    }


def _score(values: np.ndarray) -> Score:
    """Their sum; what is undefined is counted, adds nothing, and is listed as a failure."""
    return Score(float(np.nansum(values)), values.size, int(np.isnan(values).sum()))


def people_of(asked: UnlabelledLook) -> int:
    """How many people it looks at, as a plan counts them."""
    return min(asked.people, asked.population.splits()[asked.split])


def trained_on(stage: Stage) -> tuple[Feed, ...]:
    """The labelled people that a chain of stages learns from, each feed once."""
    feeds = [feed for one in stage.chain() if one.budget.steps for feed in one.source]
    unique = {(f.population.fingerprint(), f.split, f.people): f for f in feeds}
    return tuple(unique.values())


def _prior(store: Store, stage: Stage, skeleton: Skeleton) -> PosePrior | None:
    """How the labelled people look that a chain of stages learns from."""
    known = [_labels(store, feed, skeleton) for feed in trained_on(stage)]
    if not known:
        return None
    return fit_pose_prior(
        np.concatenate([labels.keypoints for labels in known]),
        np.concatenate([labels.labelled for labels in known]),
    )


def _labels(store: Store, feed: Feed, skeleton: Skeleton) -> Labels:
    labelled = reader(
        open_in(store, feed.population).read_as(skeleton),
        feed.split,
        labelled=True,
        read_tables=read_directly,
        people=min(feed.people or PRIOR_PEOPLE, PRIOR_PEOPLE),
    )
    return labels_of(labelled.read(labelled.shards).people)
