"""A stage measured on people without labels."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.people import ADULTS, INFANTS, Torn, borrow, make, supervised
from populations.toy import HEIGHT, WIDTH, Toy, png
from posebridge.batch import Predictions
from posebridge.engine.artifacts import Store
from posebridge.engine.evaluate import Scores, read_scores
from posebridge.engine.label_free import evaluate_label_free, label_free_marker, trained_on
from posebridge.engine.train import deployed
from posebridge.engine.work import stage_path, train_stage
from posebridge.methods.supervised import Supervised
from posebridge.metrics.label_free import heatmap_entropy
from posebridge.metrics.pose_prior import fit_pose_prior, plausibility
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.crops import (
    UndecodableImageError,
    crop_from_image,
    decode_image,
    look,
)
from posebridge.populations.people import Person, Sample
from posebridge.selection import UnlabelledLook
from posebridge.skeletons import COCO17
from posebridge.stages import Feed, Stage

LEFT, RIGHT = (
    [i for i, name in enumerate(COCO17.keypoints) if name.startswith(side)]
    for side in ("left_", "right_")
)


@dataclasses.dataclass(frozen=True)
class Standing(Supervised):
    """Sees the same pose in every crop: one place, or keypoints a `spread` apart."""

    spread: float = 0.0

    def predict(self, nets: nn.ModuleDict, images: Tensor) -> Predictions:
        """The same for everybody, about the middle of the crop."""
        generator = torch.Generator().manual_seed(0)
        pose = 16.0 + self.spread * torch.randn(17, 2, generator=generator)
        return Predictions(pose.repeat(len(images), 1, 1), torch.full((len(images), 17), 0.75))


@dataclasses.dataclass(frozen=True)
class Following(Supervised):
    """Sees the left of everybody on the bright spot to the right, and the right on the other."""

    def predict(self, nets: nn.ModuleDict, images: Tensor) -> Predictions:
        """What follows the person wherever they are, and nothing like a pose."""
        keypoints = torch.stack([self._spots(image) for image in images])
        return Predictions(keypoints, torch.ones(keypoints.shape[:2]))

    def _spots(self, image: Tensor) -> Tensor:
        rows, columns = torch.nonzero(image.mean(0) > 0.8, as_tuple=True)
        places = torch.stack([columns, rows], 1) + 0.5
        is_right = places[:, 0] > places[:, 0].mean()
        keypoints = places.mean(0).repeat(17, 1)
        keypoints[LEFT], keypoints[RIGHT] = places[is_right].mean(0), places[~is_right].mean(0)
        return keypoints


@dataclasses.dataclass(frozen=True)
class Mute(Supervised):
    """Sees nobody's nose."""

    def predict(self, nets: nn.ModuleDict, images: Tensor) -> Predictions:
        """What the student sees, less one keypoint."""
        found = super().predict(nets, images)
        gap = torch.arange(17) == 0
        return Predictions(
            torch.where(gap[None, :, None], torch.nan, found.keypoints),
            torch.where(gap[None], torch.nan, found.confidence),
        )


@dataclasses.dataclass(frozen=True)
class Spotted(Toy):
    """Toys with a bright spot on either side, in the dark."""

    name: ClassVar[str] = "spotted"
    train: int = 6

    def render(self, split: str, index: int) -> Sample:
        """Draw one image."""
        sample = super().render(split, index)
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for x in (20, 40):
            cv2.circle(pixels, (x, 22), 4, (255, 255, 255), -1)
        return Sample(dataclasses.replace(sample.image, encoded=png(pixels)), sample.people)


@dataclasses.dataclass(frozen=True)
class Relabelled(Toy):
    """The same images with other labels."""

    name: ClassVar[str] = "relabelled"
    train: int = 20

    def render(self, split: str, index: int) -> Sample:
        """Draw one image."""
        sample = INFANTS.render(split, index)
        people = [dataclasses.replace(p, keypoints=p.keypoints[::-1]) for p in sample.people]
        people = [dataclasses.replace(p, visibility=p.visibility[::-1]) for p in people]
        return Sample(sample.image, tuple(people))


def _measured(
    store: Store, stage: Stage, on: RenderedPopulation = INFANTS, people: int = 200
) -> Scores:
    asked = UnlabelledLook(on, "train", people)
    train_stage(store.uri, stage, False)
    evaluate_label_free(store.uri, stage, asked)
    return read_scores(store, label_free_marker(stage, asked))


def _values(scores: Scores) -> dict[str, float]:
    return {name: score.value for name, score in scores.scores.items()}


def _rendered(population: Toy) -> list[tuple[Person, np.ndarray]]:
    samples = [population.render("train", index) for index in range(population.train)]
    return [(person, decode_image(s.image.encoded)) for s in samples for person in s.people]


def test_certainty_and_plausibility_are_those_of_the_upright_crops(store: Store) -> None:
    """Slow form: person by person, from the images as they were rendered."""
    stage = supervised(1)
    scores = _measured(store, stage, people=5)
    _, estimator = deployed(stage, store.read(f"{stage_path(stage)}/weights.safetensors"))
    entropies, poses = [], []
    for person, pixels in _rendered(INFANTS)[:5]:
        crop = look(pixels, crop_from_image(person.box, 32, 32), 32, 32)
        images = torch.from_numpy(crop).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            maps = estimator(images)
        entropies += [heatmap_entropy(map_.numpy()) for map_ in maps.heatmaps[0]]
        poses.append(estimator.decode(maps).keypoints[0].numpy())
    adults = [person for person, _ in _rendered(ADULTS)]
    prior = fit_pose_prior(
        np.stack([p.keypoints for p in adults]), np.stack([p.visibility > 0 for p in adults])
    )
    assert prior is not None
    assert scores.scores["certainty"].count == 5 * 17
    assert scores.value("certainty") == pytest.approx(1 - np.mean(entropies), abs=1e-4)
    assert scores.value("plausibility") == pytest.approx(
        plausibility(prior, np.stack(poses)).mean(), abs=1.01 / len(adults)
    )
    assert scores.cost["people"] == 5


def test_a_network_that_sees_one_place_of_the_crop_agrees_with_itself_hardly_and_is_nobody(
    store: Store,
) -> None:
    scores = _measured(store, supervised(1, method=Standing()))
    assert scores.value("confidence") == 0.75
    assert scores.value("consistency") < 0.25
    plausible = scores.scores["plausibility"]
    assert (plausible.total, plausible.failures) == (0.0, plausible.count)


def test_a_network_that_sees_one_pose_everywhere_agrees_with_itself_hardly_however_likely_it_is(
    store: Store,
) -> None:
    values = _values(_measured(store, supervised(1, method=Standing(spread=3.0))))
    assert values["consistency"] < 0.25
    # One pose for everybody: it is as plausible for one as for another.
    assert values["plausibility"] * 131 == pytest.approx(round(values["plausibility"] * 131))


def test_a_network_that_follows_people_agrees_with_itself_in_every_view_mirrored_or_turned(
    made: Store, tmp_path: Path
) -> None:
    store = borrow(made, tmp_path)
    make(store, [Spotted()])
    scores = _measured(store, supervised(1, method=Following()), Spotted())
    agreed = scores.scores["consistency"]
    assert agreed.count == 7 * 4 * 17
    assert agreed.value == 1.0
    assert agreed.failures == 0
    assert scores.value("plausibility") < 0.05


def test_what_is_not_found_is_counted_and_adds_nothing(store: Store) -> None:
    scores = _measured(store, supervised(1, method=Mute())).scores
    assert scores["confidence"].failures == 21
    assert scores["confidence"].count == 21 * 17
    assert scores["consistency"].failures == 21 * 4
    assert scores["plausibility"].failures == 21
    assert scores["plausibility"].value == 0.0


def test_labels_of_the_people_are_never_read(made: Store, tmp_path: Path) -> None:
    store, stage = borrow(made, tmp_path), supervised(1)
    make(store, [Relabelled()])
    assert _values(_measured(store, stage, Relabelled())) == _values(_measured(store, stage))


def test_a_stage_that_learnt_from_nobody_has_nothing_to_be_plausible_by(store: Store) -> None:
    stage = supervised(0, source=(Feed(ADULTS, "train", 3),))
    assert trained_on(stage) == ()
    scores = _measured(store, stage, people=3)
    assert np.isnan(scores.value("plausibility"))
    assert scores.value("certainty") > 0


def test_a_chain_learns_from_the_feeds_of_all_its_stages_each_once() -> None:
    few = Feed(ADULTS, "train", 3, people=9)
    warmup = supervised(1, name="warmup")
    stage = supervised(1, start=warmup, source=(Feed(ADULTS, "train", 5), few))
    # How many of them a step sees is nothing to a prior.
    assert [feed.people for feed in trained_on(stage)] == [None, 9]
    assert {feed.population for feed in trained_on(stage)} == {ADULTS}


def test_people_whose_image_does_not_decode_are_left_out_and_told(
    made: Store, tmp_path: Path
) -> None:
    store = borrow(made, tmp_path)
    make(store, [Torn()])
    scores = _measured(store, supervised(1), Torn())
    # Images 0, 3, 6 and 9 of 12 are torn; two people are in the first.
    assert scores.skipped == {"undecodable image": 5}
    assert scores.scores["certainty"].count == 8 * 17
    with pytest.raises(UndecodableImageError, match="one of 2 images must decode, but none does"):
        _measured(store, supervised(1), Torn(), people=2)


def test_it_is_measured_once(store: Store) -> None:
    stage, asked = supervised(1), UnlabelledLook(INFANTS, "train", 3)
    first = _measured(store, stage, people=3)
    evaluate_label_free(store.uri, stage, asked)
    assert read_scores(store, label_free_marker(stage, asked)) == first


def test_every_question_has_an_address_of_its_own() -> None:
    stage, asked = supervised(1), UnlabelledLook(INFANTS, "train", 3)
    others = [
        (supervised(2), asked),
        (stage, dataclasses.replace(asked, population=ADULTS)),
        (stage, dataclasses.replace(asked, split="validation")),
        (stage, dataclasses.replace(asked, people=4)),
    ]
    addresses = {label_free_marker(*other) for other in [(stage, asked), *others]}
    assert len(addresses) == 5
