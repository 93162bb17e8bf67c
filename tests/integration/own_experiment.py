"""What may a user's file define for itself?

A population, an estimator, a method and a rule of its own, none of which any other process can
import. Tests copy it, and give the copy another search.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Maps, Predictions, UnlabeledBatch
from posebridge.estimators.base import Architecture, Estimator
from posebridge.experiment import Experiment
from posebridge.heatmaps import decode_argmax
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.base import Optimize, TrainingMethod, Views
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.populations.people import ImageRow, Person, Sample
from posebridge.populations.views import ViewPolicy
from posebridge.search import Nsga2, Search
from posebridge.search_space import choice, log_uniform, tunable
from posebridge.selection import Key, LabelledLook, Look, Selection, best
from posebridge.skeletons import COCO17, Skeleton
from posebridge.stages import Budget, Feed, Stage, System

SIDE = 48


@dataclass(frozen=True)
class Specks(RenderedPopulation):
    """A bright speck for each keypoint of somebody who is nothing else."""

    name: ClassVar[str] = "specks"
    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "CC0"
    citation: ClassVar[str] = ""

    def render(self, split: str, index: int) -> Sample:
        """Draw one image."""
        rng = self.generator(split, index)
        keypoints = rng.uniform(6, SIDE - 6, (COCO17.num_keypoints, 2)).astype(np.float32)
        pixels = rng.integers(0, 64, (SIDE, SIDE, 3), dtype=np.uint8)
        for x, y in keypoints.astype(int).tolist():
            cv2.circle(pixels, (x, y), 1, (255, 255, 255), -1)
        name = self.image_id(split, index)
        person = Person(
            person_id=self.subject(split, index),
            image_id=name,
            box=np.array([4, 4, SIDE - 8, SIDE - 8], np.float32),
            keypoints=keypoints,
            visibility=np.full(len(keypoints), 2, np.uint8),
            area=float((SIDE - 8) ** 2),
            subject=self.subject(split, index),
        )
        encoded: bytes = cv2.imencode(".png", pixels)[1].tobytes()
        return Sample(ImageRow(name, SIDE, SIDE, encoded), (person,))


class SpeckNet(Estimator):
    """Two convolutions."""

    skeleton = COCO17
    input_height = input_width = 32
    stride = 4
    sigma_cells = 1.0

    def __init__(self) -> None:
        """Small random weights."""
        super().__init__()
        self.trunk = nn.Conv2d(3, 8, 4, stride=4)
        self.top = nn.Conv2d(8, COCO17.num_keypoints, 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """One map of features."""
        return {"stride4": self.trunk(images).relu()}

    def head(self, features: dict[str, Tensor]) -> Maps:
        """A heatmap for each keypoint."""
        return Maps(self.top(features["stride4"]).sigmoid(), None)

    def decode(self, maps: Maps) -> Predictions:
        """The highest cells."""
        return decode_argmax(maps.heatmaps, self.stride)


@dataclass(frozen=True)
class Specked(Architecture):
    """The two convolutions, from a seed."""

    weights: int = 0

    def build(self) -> SpeckNet:
        """Make the network."""
        with torch.random.fork_rng():
            torch.manual_seed(self.weights)
            return SpeckNet()


@dataclass(frozen=True)
class Reach(TrainingMethod):
    """Heatmaps of labelled people, nothing else."""

    version: ClassVar[int] = 2

    learning_rate: float = tunable(1e-3, log_uniform(1e-4, 1e-1))

    @property
    def views(self) -> Views:
        """Labelled people, a little turned."""
        return Views(source=ViewPolicy(rotation_deg=10.0))

    def learning_rates(self) -> dict[str, float]:
        """One player."""
        return {"student": self.learning_rate}

    def setup(self, estimator: Estimator) -> nn.ModuleDict:
        """A copy of the estimator."""
        return nn.ModuleDict({"student": copy.deepcopy(estimator)})

    def deployed(self, nets: nn.ModuleDict) -> Estimator:
        """The student."""
        return cast(Estimator, nets["student"])

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step."""
        student = self.deployed(nets).train()
        heatmap, _ = labeled_losses(
            student(source.images), source, stride=student.stride, sigma_cells=student.sigma_cells
        )
        optimize("student", heatmap)
        return {"heatmap": heatmap.detach()}

    @torch.no_grad()
    def predict(self, nets: nn.ModuleDict, images: Tensor) -> Predictions:
        """Keypoints with the student."""
        student = self.deployed(nets).eval()
        return student.decode(student(images))


@dataclass(frozen=True)
class HeadsFirst(Selection):
    """The best on held-out people of the source, by a strict metric."""

    name: ClassVar[str] = "heads_first"
    uses_target_labels: ClassVar[bool] = False
    metric: ClassVar[str] = "pck_torso"

    def description(self, target: Population) -> str:
        """The rule in words."""
        return "best pck_torso on the first source"

    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """The first source."""
        return (LabelledLook(sources[0], "validation"),) if sources else ()

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The candidate with the highest score."""
        return best(candidates)


SPECKS = Specks(train=10, validation=6, test=4)
SOURCE = (Feed(SPECKS, "train", 4),)
BUDGET = Budget(2, threads=1)
WARM = Stage("warm", Reach(), Specked(), SOURCE, None, BUDGET)
LAST = Stage("last", Reach(), Specked(), SOURCE, None, BUDGET, start=WARM)

EXPERIMENT = Experiment(
    "own_experiment",
    (System("own", "control", LAST),),
    targets=(SPECKS,),
    selection=HeadsFirst(),
    search=Search(
        ("own",),
        trials=4,
        ahead=2,
        space={"last.learning_rate": log_uniform(1e-4, 1e-1), "last.steps": choice((1, 2, 4))},
        sampler=Nsga2(population=2),
        cost="steps",
    ),
)
