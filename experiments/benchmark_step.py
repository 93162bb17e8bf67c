"""What does the engine add to a training step, over a bare PyTorch loop?

Run:     python experiments/benchmark_step.py          (--quick: the small net alone)
Cost:    about 5 minutes on 2 cores, --quick half a minute; with the machine to itself
Expect:  at most 3 % on MoveNet Lightning, more likely under 1; at most 1 ms on a net whose step
         takes about 10 ms, most of it for the checkpoints of every 25th step

Ours is one stage of `posebridge.engine.train.Run` with all it does in an experiment: a seed for
every step, the schedule, terms to TensorBoard every 5 steps, a sign of life every 2 seconds, a
checkpoint at the usual cadence of 25 steps. The bare loop has the same network, losses, fused Adam
and learning rates, and nothing else. Both take the same batches of 12, which lie in memory. They
take turns, 10 rounds each after one to warm up, and who goes first alternates. In the end the
weights are compared: the same bits, or the two have not done the same work.

Intervals are 95 %, Student's t over rounds.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Maps, Predictions
from posebridge.engine.artifacts import Store
from posebridge.engine.data import Batch, Loader, to_images
from posebridge.engine.leases import hold
from posebridge.engine.provenance import versions
from posebridge.engine.reading import LeftOut
from posebridge.engine.train import Optimisers, Part, Run, set_up
from posebridge.engine.work import event_writer
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.movenet import Lightning
from posebridge.heatmaps import decode_argmax
from posebridge.leaderboard.statistics import seed_interval
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.supervised import Supervised
from posebridge.populations.adult import Adult
from posebridge.skeletons import COCO17
from posebridge.stages import Budget, Feed, Stage

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
ROUNDS = 10
PER_STEP = 12
BATCHES = 4
CPU = torch.device("cpu")
# Random pixels teach nothing: go slowly, so that nothing blows up either.
METHOD = Supervised(learning_rate=1e-6)


class SmallEstimator(Estimator):
    """Three convolutions and linear maps."""

    skeleton = COCO17
    input_height = input_width = 64
    stride = 4
    sigma_cells = 1.5

    def __init__(self) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
        )
        self.maps = nn.Conv2d(32, self.skeleton.num_keypoints, 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """One level."""
        return {"stride4": self.trunk(images)}

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Heatmaps alone."""
        return Maps(heatmaps=self.maps(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """The highest cell."""
        return decode_argmax(maps.heatmaps, self.stride)


@dataclass(frozen=True)
class Small(Architecture):
    """The small network."""

    def build(self) -> SmallEstimator:
        """With random weights."""
        return SmallEstimator()


@dataclass(frozen=True)
class Trial:
    """A network, the steps of a round, and the threads of the process."""

    architecture: Architecture
    steps: int
    threads: int


SMALL = Trial(Small(), 50, threads=1)
LIGHTNING = Trial(Lightning(), 25, threads=2)


@dataclass
class Seconds:
    """What each round took, per step."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Turns:
    """In the place of the engine's loader: between two rounds of ours the bare loop has its turn.

    The engine asks for a batch once it is done with the one before, checkpoint and all, so what
    lies between two requests is the time of its step.

    Attributes:
        prepared: batches, used over and over.
        steps: in a round.
        bare: a step of the bare loop.
        seconds: are told of every round but the first, which warms up.
        left_out: nobody.
    """

    prepared: Sequence[LabeledBatch]
    steps: int
    bare: Callable[[int, LabeledBatch], None]
    seconds: Seconds
    left_out: LeftOut = field(default_factory=LeftOut)

    def batches(self, start: int, end: int) -> Iterator[Batch]:
        """The batches of ours."""
        assert start == 0, "a benchmark does not resume"
        for number in range(ROUNDS + 1):
            bare_first = number % 2 == 1
            if bare_first:
                self._bare_round(number)
            since = time.perf_counter()
            for step in self._round(number):
                yield self._batch(step), None
            self._note(self.seconds.ours, number, since)
            if not bare_first:
                self._bare_round(number)

    def _bare_round(self, number: int) -> None:
        since = time.perf_counter()
        for step in self._round(number):
            self.bare(step, self._batch(step))
        self._note(self.seconds.bare, number, since)

    def _round(self, number: int) -> range:
        return range(number * self.steps, (number + 1) * self.steps)

    def _batch(self, step: int) -> LabeledBatch:
        return self.prepared[step % len(self.prepared)]

    def _note(self, rounds: list[float], number: int, since: float) -> None:
        if number > 0:
            rounds.append((time.perf_counter() - since) / self.steps)


def bare_loop(net: Estimator, budget: Budget) -> Callable[[int, LabeledBatch], None]:
    """A step as anybody would write it."""
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=METHOD.learning_rate, fused=True)
    net.train()

    def step(number: int, batch: LabeledBatch) -> None:
        optimiser.param_groups[0]["lr"] = METHOD.learning_rate * budget.factor(number)
        optimiser.zero_grad(set_to_none=True)
        heatmap, offset = labeled_losses(
            net(batch.images), batch, stride=net.stride, sigma_cells=net.sigma_cells
        )
        loss = heatmap + METHOD.offset_weight * offset
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def compare(trial: Trial) -> Seconds:
    """Time both loops.

    Raises:
        RuntimeError: if they did not end with the same weights.
    """
    torch.set_num_threads(trial.threads)
    budget = Budget((ROUNDS + 1) * trial.steps, threads=trial.threads)
    people = Feed(Adult(), "train", PER_STEP)
    stage = Stage("benchmark", METHOD, trial.architecture, (people,), None, budget)
    ours, bare = (
        set_up(stage, None).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for _ in range(2)
    )
    estimator = METHOD.deployed(bare)
    turns = Turns(prepared(estimator), trial.steps, bare_loop(estimator, budget), Seconds())
    train(stage, ours, turns)
    pairs = zip(ours.parameters(), bare.parameters(), strict=True)
    if not all(torch.equal(mine, theirs) for mine, theirs in pairs):
        raise RuntimeError("the two loops must end with the same weights, but did not.")
    return turns.seconds


def train(stage: Stage, nets: nn.ModuleDict, turns: Turns) -> None:
    """Our loop, as `posebridge.engine.work.train_stage` runs it."""
    optimisers = Optimisers(stage, nets)
    with tempfile.TemporaryDirectory() as folder:
        store, whole = Store(folder), Part(stage, stage.budget.steps)
        with hold(store, "stage") as lease, event_writer(store, "stage/tensorboard") as events:
            run = Run(whole, nets, optimisers, lease, CPU, events)
            run.train(cast(Loader, turns))


def prepared(estimator: Estimator) -> list[LabeledBatch]:
    """Batches of noise, in the layout of the engine's: their content does not change the speed."""
    rng = np.random.default_rng(0)
    size = (estimator.input_height, estimator.input_width)
    keypoints = (PER_STEP, estimator.skeleton.num_keypoints)
    return [
        LabeledBatch(
            images=to_images(rng.integers(0, 256, (PER_STEP, *size, 3), np.uint8), CPU),
            keypoints=torch.from_numpy(rng.random((*keypoints, 2), np.float32)) * size[0],
            visible=torch.from_numpy(rng.random(keypoints) < 0.9),
        )
        for _ in range(BATCHES)
    ]


def measured(trial: Trial) -> dict[str, Any]:
    """Milliseconds a step, and what ours takes more: in milliseconds, and as a share."""
    seconds = compare(trial)
    ours, bare = np.array(seconds.ours), np.array(seconds.bare)
    more_ms = seed_interval((1000 * (ours - bare)).tolist())
    # Of logarithms: a disturbance weighs the same on either side.
    ratio = seed_interval(np.log(ours / bare).tolist())
    return {
        "threads": trial.threads,
        "steps_per_round": trial.steps,
        "rounds": len(ours),
        "ours_ms": float(1000 * ours.mean()),
        "bare_ms": float(1000 * bare.mean()),
        "overhead_ms": more_ms.estimate,
        "overhead_ms_interval": [more_ms.low, more_ms.high],
        "overhead": float(np.expm1(ratio.estimate)),
        "overhead_interval": np.expm1([ratio.low, ratio.high]).tolist(),
    }


def measure(*, quick: bool) -> dict[str, Any]:
    """Both networks, or the small one."""
    small = measured(SMALL)
    lightning = None if quick else measured(LIGHTNING)
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "overhead": lightning and lightning["overhead"],
        "overhead_interval": lightning and lightning["overhead_interval"],
        "overhead_ms": small["overhead_ms"],
        "overhead_ms_interval": small["overhead_ms_interval"],
        "lightning": lightning,
        "small": small,
        "people_per_step": PER_STEP,
        "machine": {"cores": os.cpu_count(), **versions()},
    }


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="the small net alone; writes no file")
    result = measure(quick=parser.parse_args().quick)
    if not result["quick"]:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
