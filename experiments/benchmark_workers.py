"""What do two workers give against one on two cores, and is their result the same?

Run:     python experiments/benchmark_workers.py       (--quick: few people, one round)
Cost:    about 15 minutes on 2 cores, --quick under one; with the machine to itself
Expect:  two workers of one thread at 1.5 to 1.9 times one worker of one thread, and at 1.0 to 1.3
         times one worker of two threads, which must join them at every layer; weights that differ
         from those of 1×1 no more for two workers than for two threads (by less than a thousandth
         of what training has moved them was thought before the first quick run, which found two
         per cent for both); a mean of means would have turned the first gradient by some per cent

One stage is trained in four ways: by one worker with one thread (1×1), by one with two (1×2), by
two with one each (2×1), and 1×1 with its people in two parts (`accumulate`). It is a mean teacher
of MoveNet Lightning on 12 rendered adults and 12 infants a step, streamed by Ray Data; 2×1 runs on
Ray Train. Every round has another seed, and its order of the ways rotates. Speed is that of steps
between the fourth and the last, as the process that leads sees them end.

`weights` is the distance between two ways' final weights over the distance that 1×1 has moved from
its start (Euclidean); `terms` the largest relative difference of a logged term. `gradients` is the
same share for the first step's gradient alone: of two halves as the engine joins them
(`shared`), and of the mean of what each half of the batch would give alone (`mean_of_means`).

Ratios are geometric means over rounds; intervals are 95 %, Student's t of logarithms.
"""

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import torch.distributed as dist
from rich.console import Console
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, UnlabeledBatch, View
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.data import Batch
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import outstanding
from posebridge.engine.group import ALONE
from posebridge.engine.provenance import versions
from posebridge.engine.reading import read_directly
from posebridge.engine.rendering import RenderWatcher
from posebridge.engine.run import population_tasks
from posebridge.engine.sharing import share
from posebridge.engine.train import set_up
from posebridge.engine.work import stage_loader, stage_path, train_stage
from posebridge.estimators.movenet import Lightning
from posebridge.leaderboard.statistics import seed_interval
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.populations.adult import Adult
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.stages import Budget, Feed, Stage

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
CPU = torch.device("cpu")
WARM_STEPS = 3
METHOD = MeanTeacher(learning_rate=1e-4, momentum=0.99, occlusion_threshold=0.3)


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        rounds: seeds.
        steps: of every training.
        per_step: adults in a step, and as many infants.
        people: of each population.
    """

    rounds: int
    steps: int
    per_step: int
    people: int


FULL, QUICK = Size(4, 30, 12, 96), Size(1, 8, 4, 12)
WAYS: dict[str, dict[str, Any]] = {
    "1x1": {"threads": 1},
    "1x2": {"threads": 2},
    "2x1": {"threads": 1, "workers": 2},
    "1x1 in 2 parts": {"threads": 1, "accumulate": 2},
}


def stage_of(size: Size, way: str, seed: int) -> Stage:
    """A stage, and the way it is trained."""
    adults = Adult(train=size.people, validation=0, test=0)
    infants = InfantSynthetic(train=size.people, validation=0)
    return Stage(
        name="benchmark",
        method=METHOD,
        architecture=Lightning(),
        source=(Feed(adults, "train", size.per_step),),
        target=Feed(infants, "train", size.per_step),
        budget=Budget(size.steps, warmup_steps=5, **WAYS[way]),
        seed=seed,
    )


def note_time(file: str, step: int, _: nn.ModuleDict) -> None:
    """Append when a step ended, as the leader sees it."""
    if not dist.is_initialized() or dist.get_rank() == 0:
        with open(file, "a") as times:
            times.write(f"{step} {time.perf_counter()}\n")


def trained(store: Store, stage: Stage) -> float:
    """Train a stage; images/s once it is under way."""
    with tempfile.NamedTemporaryFile("r", suffix=".times") as file:
        train_stage(store.uri, stage, True, partial(note_time, file.name))
        ends = [float(line.split()[1]) for line in file]
    people = sum(feed.per_step for feed in stage.feeds())
    return people * (len(ends) - 1 - WARM_STEPS) / (ends[-1] - ends[WARM_STEPS])


def weights(store: Store, stage: Stage) -> dict[str, Tensor]:
    """What a stage has learnt."""
    content = store.read(f"{stage_path(stage)}/weights.safetensors")
    loaded: dict[str, Tensor] = safetensors.torch.load(content)
    return loaded


def terms(store: Store, stage: Stage) -> np.ndarray:
    """The terms that a stage has logged, [row, term]."""
    lines = store.read(f"{stage_path(stage)}/metrics.jsonl").decode().splitlines()
    rows = [json.loads(line) for line in lines]
    return np.array([[row[name] for name in sorted(rows[0])] for row in rows])


def distance(some: Iterable[Tensor], others: Iterable[Tensor]) -> float:
    """Euclidean distance of two lists of tensors."""
    pairs = zip(some, others, strict=True)
    return math.sqrt(sum(float((a - b).double().square().sum()) for a, b in pairs))


def differences(store: Store, size: Size, seed: int) -> dict[str, dict[str, float]]:
    """How far each way ended from 1×1."""
    one = stage_of(size, "1x1", seed)
    start = {name: value.detach() for name, value in set_up(one, None).state_dict().items()}
    reached, told = weights(store, one), terms(store, one)
    moved = distance((reached[name] for name in start), start.values())
    found = {}
    for way in WAYS:
        other = stage_of(size, way, seed)
        ended = weights(store, other)
        apart = distance((ended[name] for name in start), (reached[name] for name in start))
        relative = np.abs(terms(store, other) - told) / np.abs(told).clip(1e-12)
        found[way] = {"weights": apart / moved, "terms": float(relative.max())}
    return found


def gradient(stage: Stage, batch: Batch, parts: int = 1) -> list[Tensor]:
    """The first step's gradient of the student."""
    nets = set_up(stage, None)
    share(nets, ALONE, parts)

    def optimize(_: str, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    torch.manual_seed(0)
    source, target = batch
    METHOD.update(nets, source, target, optimize)
    return [p.grad for p in nets["student"].parameters() if p.grad is not None]


def half(batch: Batch, number: int) -> Batch:
    """One of two halves of a batch, as two workers would be handed it."""
    source, target = batch
    assert target is not None

    def cut(rows: Any) -> Any:  # noqa: ANN401 - a batch or a view
        middle = len(rows.images) // 2
        part = slice(middle) if number == 0 else slice(middle, None)
        return type(rows)(**{name: value[part] for name, value in vars(rows).items()})

    labelled: LabeledBatch = cut(source)
    views: list[View] = [cut(view) for view in (target.strong, target.weak)]
    return labelled, UnlabeledBatch(strong=views[0], weak=views[1])


def gradients(store: Store, size: Size) -> dict[str, float]:
    """How far the first gradient is from that of the whole batch, over its length."""
    stage = stage_of(size, "1x1", 0)
    batch = next(stage_loader(store, stage, CPU, read_directly).batches(0))
    whole = gradient(stage, batch)
    first, second = (gradient(stage, half(batch, number)) for number in range(2))
    means = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    length = distance(whole, [torch.zeros_like(g) for g in whole])
    return {
        "shared": distance(gradient(stage, batch, parts=2), whole) / length,
        "mean_of_means": distance(means, whole) / length,
    }


def ratio(some: list[float], others: list[float]) -> dict[str, Any]:
    """Of images/s, with its interval where there are several rounds."""
    logs = (np.log(some) - np.log(others)).tolist()
    found: dict[str, Any] = {"ratio": float(np.exp(np.mean(logs))), "interval": None}
    if len(logs) > 1:
        interval = seed_interval(logs)
        found["interval"] = np.exp([interval.low, interval.high]).tolist()
    return found


def render(store: Store, stage: Stage) -> None:
    """Make the people.

    Raises:
        RuntimeError: if they cannot be rendered.
    """
    tasks = [task for feed in stage.feeds() for task in population_tasks(store, feed.population)]
    waiting, _ = outstanding(tasks, store)
    with RenderWatcher(Console(stderr=True), waiting) as watcher:
        failures = execute_on_ray(tasks, store, watcher)
    if failures:
        raise RuntimeError(failures[0].cause)


def measure(store: Store, size: Size) -> dict[str, Any]:
    """Train in all ways under all seeds, and compare."""
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    with cluster(None):
        render(store, stage_of(size, "1x1", 0))
        for seed in range(size.rounds):
            for position in range(len(WAYS)):
                way = list(WAYS)[(seed + position) % len(WAYS)]
                speeds[way].append(trained(store, stage_of(size, way, seed)))
    torch.set_num_threads(1)
    rounds = [differences(store, size, seed) for seed in range(size.rounds)]
    return {
        "two_workers_over_one": ratio(speeds["2x1"], speeds["1x1"]),
        "two_workers_over_two_threads": ratio(speeds["2x1"], speeds["1x2"]),
        "images_per_s": {way: float(np.exp(np.mean(np.log(s)))) for way, s in speeds.items()},
        "largest_difference_from_1x1": {
            way: {what: max(r[way][what] for r in rounds) for what in ("weights", "terms")}
            for way in WAYS
        },
        "gradients": gradients(store, size),
        "size": vars(size),
    }


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="less of all; writes no file")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Store(folder), QUICK if quick else FULL)
    result = {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        **found,
        "machine": {"cores": os.cpu_count(), **versions()},
    }
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
