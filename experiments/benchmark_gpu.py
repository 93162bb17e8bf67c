"""On a GPU, does the engine train as fast as a bare PyTorch loop, and can its loader keep up?

Run:     python experiments/benchmark_gpu.py           (--quick: tiny networks, on a CPU too)
Cost:    about 5 minutes with one GPU and 16 cores, --quick under a minute
Expect:  ours within 5 % of the bare loop for SimpleBaseline-R50 and for ViT-B at 256×192 in bf16;
         a loader that feeds at least 1000 images/s from 16 threads, perhaps fewer than are wanted

The engine's step is compared as in benchmark_step: one stage of `posebridge.engine.train.Run`,
with its seeds, schedule, event files and signs of life, against the same network, losses, fused
Adam and autocast in a bare loop, on the same batches, which lie on the device. Both take turns. No
checkpoint falls into a round: what one takes is told as `checkpoint_s`, to choose
`checkpoint_every` by. On a CPU the weights are compared at the end, bit for bit.

`loader_images_per_s` is what the engine's loader gives with nothing done to its batches;
`fed_images_per_s` what the engine trains on with that loader before it.

The ViT is timm's, of patches of 16 pixels, with ViTPose's classic head: two deconvolutions and a
linear layer. Weights are random. Ratios are of images/s, geometric means over rounds; intervals
are 95 %, Student's t of logarithms.
"""

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Maps, Predictions
from posebridge.engine.artifacts import Store
from posebridge.engine.data import Batch, Loader, to_images
from posebridge.engine.graph import execute_here
from posebridge.engine.leases import hold
from posebridge.engine.provenance import versions
from posebridge.engine.reading import LeftOut, read_directly
from posebridge.engine.rendering import RenderWatcher
from posebridge.engine.run import population_tasks
from posebridge.engine.train import Look, Optimisers, Part, Run, set_up
from posebridge.engine.work import event_writer, stage_loader
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.imagenet import IMAGENET_MEAN, IMAGENET_STD
from posebridge.estimators.simple_baseline import (
    DECONVOLUTION_CHANNELS,
    SimpleBaseline,
    deconvolution,
)
from posebridge.estimators.torchvision_guard import import_torchvision
from posebridge.heatmaps import decode_quarter
from posebridge.leaderboard.statistics import seed_interval
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.supervised import Supervised
from posebridge.populations.adult import Adult
from posebridge.skeletons import COCO17
from posebridge.stages import Budget, Feed, Stage

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
# Random pixels teach nothing: go slowly, so that nothing blows up either.
METHOD = Supervised(learning_rate=1e-6)
NEVER = 10**9
BATCHES = 4
WARM_STEPS = 2
PATCH = 16


class ViTEstimator(Estimator):
    """A plain ViT and two deconvolutions."""

    skeleton = COCO17
    stride = 4
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, input_height: int, input_width: int) -> None:
        """Make the network with random weights."""
        super().__init__()
        import_torchvision()
        import timm  # only now, see torchvision_guard

        self.input_height, self.input_width = input_height, input_width
        self.sigma_cells = 2 * input_height / 256
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        size = (input_height, input_width)
        self.backbone: Any = timm.create_model(name, img_size=size, num_classes=0)
        width = cast(int, self.backbone.num_features)
        self.deconvolutions = nn.Sequential(
            deconvolution(width), deconvolution(DECONVOLUTION_CHANNELS)
        )
        self.output = nn.Conv2d(DECONVOLUTION_CHANNELS, COCO17.num_keypoints, 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Tokens as a map, and the deconvolutions of it."""
        tokens = self.backbone.forward_features((images - self.mean) / self.std)
        grid = (self.input_height // PATCH, self.input_width // PATCH)
        patches = tokens[:, self.backbone.num_prefix_tokens :].transpose(1, 2).unflatten(2, grid)
        return {"stride16": patches, "stride4": self.deconvolutions(patches)}

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Linear heatmaps."""
        return Maps(heatmaps=self.output(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """The highest cell and a quarter."""
        return decode_quarter(maps.heatmaps, self.stride)


@dataclass(frozen=True)
class ViT(Architecture):
    """A ViT of timm, by its name there."""

    name: str
    input_height: int = 256
    input_width: int = 192

    def build(self) -> ViTEstimator:
        """With random weights."""
        return ViTEstimator(self.name, self.input_height, self.input_width)


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        networks: by their names in the result.
        per_step: people.
        rounds: of each loop, after one to warm up.
        steps: in a round.
        people: rendered for the loader.
    """

    networks: dict[str, Architecture]
    per_step: int
    rounds: int
    steps: int
    people: int


FULL = Size(
    {"simple_baseline_50": SimpleBaseline(50), "vit_base": ViT("vit_base_patch16_224")},
    per_step=64,
    rounds=8,
    steps=50,
    people=512,
)
QUICK = Size(
    {
        "simple_baseline_18": SimpleBaseline(18, input_height=32, input_width=32),
        "vit_tiny": ViT("vit_tiny_patch16_224", input_height=32, input_width=32),
    },
    per_step=2,
    rounds=2,
    steps=3,
    people=8,
)


def finished(device: torch.device) -> float:
    """The time when the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


@dataclass(frozen=True)
class Turns:
    """In the place of the engine's loader: between two rounds of ours the bare loop has its turn.

    Attributes:
        prepared: batches, used over and over.
        size: of the benchmark.
        device: where the batches lie.
        bare: a step of the bare loop.
        ours_s: of every round of ours but the first.
        bare_s: likewise.
        left_out: nobody.
    """

    prepared: Sequence[LabeledBatch]
    size: Size
    device: torch.device
    bare: Callable[[int, LabeledBatch], None]
    ours_s: list[float] = field(default_factory=list)
    bare_s: list[float] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def batches(self, start: int, end: int) -> Iterator[Batch]:
        """The batches of ours."""
        assert start == 0, "a benchmark does not resume"
        for number in range(self.size.rounds + 1):
            bare_first = number % 2 == 1
            if bare_first:
                self._bare_round(number)
            since = finished(self.device)
            for step in self._round(number):
                yield self._batch(step), None
            self._note(self.ours_s, number, since)
            if not bare_first:
                self._bare_round(number)

    def _bare_round(self, number: int) -> None:
        since = finished(self.device)
        for step in self._round(number):
            self.bare(step, self._batch(step))
        self._note(self.bare_s, number, since)

    def _round(self, number: int) -> range:
        return range(number * self.size.steps, (number + 1) * self.size.steps)

    def _batch(self, step: int) -> LabeledBatch:
        return self.prepared[step % len(self.prepared)]

    def _note(self, rounds: list[float], number: int, since: float) -> None:
        if number > 0:
            rounds.append(finished(self.device) - since)


def bare_loop(
    net: Estimator, budget: Budget, device: torch.device
) -> Callable[[int, LabeledBatch], None]:
    """A step as anybody would write it."""
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=METHOD.learning_rate, fused=True)
    net.train()

    def step(number: int, batch: LabeledBatch) -> None:
        optimiser.param_groups[0]["lr"] = METHOD.learning_rate * budget.factor(number)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss, _ = labeled_losses(
                net(batch.images), batch, stride=net.stride, sigma_cells=net.sigma_cells
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def prepared(estimator: Estimator, count: int, device: torch.device) -> list[LabeledBatch]:
    """Batches of noise on the device: their content does not change the speed."""
    rng = np.random.default_rng(0)
    size = (estimator.input_height, estimator.input_width)
    keypoints = (count, estimator.skeleton.num_keypoints)
    return [
        LabeledBatch(
            images=to_images(rng.integers(0, 256, (count, *size, 3), np.uint8), device),
            keypoints=torch.from_numpy(rng.random((*keypoints, 2), np.float32)).to(device)
            * size[1],
            visible=torch.from_numpy(rng.random(keypoints) < 0.9).to(device),
        )
        for _ in range(BATCHES)
    ]


def train(stage: Stage, nets: nn.ModuleDict, data: Loader, look: Look | None = None) -> None:
    """Our loop, as `posebridge.engine.work.train_stage` runs it."""
    optimisers = Optimisers(stage, nets)
    with tempfile.TemporaryDirectory() as folder:
        store, whole = Store(folder), Part(stage, stage.budget.steps)
        with hold(store, "stage") as lease, event_writer(store, "stage/tensorboard") as events:
            run = Run(whole, nets, optimisers, lease, data.device, events, look=look)
            run.train(data)


def networks(stage: Stage, device: torch.device) -> nn.ModuleDict:
    """Those of a stage, as the engine lays them out."""
    nets = set_up(stage, None).to(device)
    return nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def compare(stage: Stage, size: Size, device: torch.device) -> dict[str, Any]:
    """Time both loops on one network.

    Raises:
        RuntimeError: if on a CPU they did not end with the same weights.
    """
    ours, bare = (networks(stage, device) for _ in range(2))
    estimator = METHOD.deployed(bare)
    step = bare_loop(estimator, stage.budget, device)
    turns = Turns(prepared(estimator, size.per_step, device), size, device, step)
    train(stage, ours, cast(Loader, turns))
    pairs = zip(ours.parameters(), bare.parameters(), strict=True)
    same = all(torch.equal(mine, theirs) for mine, theirs in pairs)
    if device.type == "cpu" and not same:
        raise RuntimeError("the two loops must end with the same weights, but did not.")
    seen = size.per_step * size.steps
    logs = np.log(turns.bare_s) - np.log(turns.ours_s)
    ratio = seed_interval(logs.tolist())
    return {
        "ours_over_bare": float(np.exp(ratio.estimate)),
        "ours_over_bare_interval": np.exp([ratio.low, ratio.high]).tolist(),
        "ours_images_per_s": float(seen / np.exp(np.log(turns.ours_s).mean())),
        "bare_images_per_s": float(seen / np.exp(np.log(turns.bare_s).mean())),
        "same_bits": same,
    }


def fed(stage: Stage, store: Store, device: torch.device) -> float:
    """Images/s that the engine trains on behind its own loader."""
    ends: list[float] = []
    loader = stage_loader(store, stage, device, read_directly)
    train(stage, networks(stage, device), loader, lambda *_: ends.append(finished(device)))
    steps = len(ends) - 1 - WARM_STEPS
    return stage.source[0].per_step * steps / (ends[-1] - ends[WARM_STEPS])


def loaded(stage: Stage, store: Store, device: torch.device, steps: int) -> float:
    """Images/s of the loader alone."""
    batches = stage_loader(store, stage, device, read_directly).batches(0)
    for _ in itertools.islice(batches, WARM_STEPS):
        pass
    since = finished(device)
    for _ in itertools.islice(batches, steps):
        pass
    return stage.source[0].per_step * steps / (finished(device) - since)


def measure(store: Store, size: Size, device: torch.device) -> dict[str, Any]:
    """Every network, and the loader before it."""
    adults = Adult(train=size.people, validation=0, test=0)
    tasks = population_tasks(store, adults)
    with RenderWatcher(Console(stderr=True), tasks) as watcher:
        execute_here(tasks, store, watcher)
    threads = (os.cpu_count() or 1) if device.type == "cuda" else 1
    torch.set_num_threads(threads)
    found = {}
    for name, architecture in size.networks.items():
        total = (size.rounds + 1) * size.steps
        budget = Budget(total, threads=threads, checkpoint_every=NEVER)
        feed = Feed(adults, "train", size.per_step)
        stage = Stage("benchmark", METHOD, architecture, (feed,), None, budget)
        # As full at the end of the measurement as at its start.
        endless = replace(stage, budget=replace(budget, steps=NEVER))
        short = replace(stage, budget=replace(budget, steps=WARM_STEPS + 1 + size.steps))
        keeping = replace(stage, budget=replace(budget, steps=WARM_STEPS + 3, checkpoint_every=1))
        speed = fed(short, store, device)
        found[name] = compare(stage, size, device) | {
            "loader_images_per_s": loaded(endless, store, device, size.steps),
            "fed_images_per_s": speed,
            "checkpoint_s": size.per_step * (1 / fed(keeping, store, device) - 1 / speed),
        }
    return found


def main() -> None:
    """Measure, print, and keep what a full run on a GPU found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="tiny networks; writes no file")
    quick = parser.parse_args().quick
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not quick:
        parser.error("a full run needs a GPU, but torch sees none here: use --quick.")
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Store(folder), size, device)
    on_gpu = device.type == "cuda"
    result = {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "networks": found,
        "people_per_step": size.per_step,
        "steps_per_round": size.steps,
        "rounds": size.rounds,
        "precision": "bfloat16" if on_gpu else "float32",
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "machine": {"cores": os.cpu_count(), **versions()},
    }
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
