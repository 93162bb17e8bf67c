"""Does our stream feed a training step as fast as a torch DataLoader does?

Run:     python experiments/benchmark_loading.py       (--quick: fewer people and rounds)
Cost:    about 5 minutes on 2 cores, --quick under one; with the machine to itself
Expect:  ours at 1.0 to 1.2 times the DataLoader, which must carry every batch from process to
         process; ours at 1.5 to 1.9 times the bare loop, which has one core

Measured is all that lies between stored shards and the batch a training step is handed: decoding,
crop and augmented view in one warp, colours, stacking, and a channels-last float batch in this
process. Three ways for the same people, views and batches of 32; that their first batches are the
same bits is checked.

    ours         posebridge.engine.data.Loader: rows by way of Ray Data, two threads that decode
    dataloader   torch's, workers persistent, bytes stacked; the faster of one worker and two
    bare loop    one person after the other in this process

All stay open, Ray runs throughout, and they take turns in an order that rotates. A turn begins
with batches that are not timed, so that its queues end as full as they began; opening a loader and
reading the shards comes before, and is told as `first_batch_s`. In the headline nothing is done
with a batch. `before_a_step` (full run only) puts a fixed step behind it, Lightning forward and
backward in two threads, which compete with the loaders for the cores.

Ratios are of images/s, geometric means over rounds; intervals are 95 %, Student's t of logarithms.
"""

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from posebridge.batch import LabeledBatch
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.data import tickets, to_images
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import outstanding
from posebridge.engine.provenance import versions
from posebridge.engine.reading import EncodedPeople, Reader, read_directly, reader, stream
from posebridge.engine.rendering import RenderWatcher
from posebridge.engine.run import population_tasks
from posebridge.engine.work import open_in, stage_loader
from posebridge.estimators.base import Estimator
from posebridge.estimators.movenet import Lightning
from posebridge.leaderboard.statistics import seed_interval
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.supervised import Supervised
from posebridge.populations.adult import Adult
from posebridge.populations.crops import CropSize, PersonView, decode_image, person_view
from posebridge.stages import Budget, Feed, Stage

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
THREADS = 2
CPU = torch.device("cpu")
PER_STEP = 32
COMPARED = 2
"""Batches that must be the same whoever loads them."""
Consumer = Callable[[LabeledBatch], None]
Loaders = dict[str, Iterator[LabeledBatch]]
Stacks = tuple[Tensor, Tensor, Tensor]
# A row, and the seed of its view.
Look = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Turns:
    """How often each loader has its turn, and for how many batches.

    Attributes:
        rounds: in each of which every loader has a turn.
        untimed: batches at the start of a turn.
        timed: batches after those.
    """

    rounds: int
    untimed: int
    timed: int


FULL, QUICK = Turns(15, untimed=8, timed=60), Turns(5, untimed=8, timed=20)
# Behind a step the queues are full before a turn and after it.
BEFORE_A_STEP = Turns(8, untimed=1, timed=6)
FULL_PEOPLE, QUICK_PEOPLE = 256, 64


@dataclass(frozen=True, eq=False)
class People(Dataset[PersonView]):
    """Encoded people as a torch data set; picklable, so that workers can be handed it.

    Attributes:
        people: who, encoded.
        stage: says how they are looked at.
        size: of a view.
    """

    people: EncodedPeople
    stage: Stage
    size: CropSize

    def __getitem__(self, look: Look) -> PersonView:
        """A view of a person."""
        row, seed = look
        return person_view(
            decode_image(self.people.encoded(row)),
            self.people.people[row],
            policy=self.stage.method.views.source,
            rng=np.random.default_rng((*seed, 0)),
            size=self.size,
            skeleton=Adult.skeleton,
        )


@dataclass(frozen=True)
class Order:
    """Which people come in which batch: the order of the engine."""

    reader: Reader
    stage: Stage

    def __iter__(self) -> Iterator[list[Look]]:
        """The looks of one batch after the other, for ever."""
        endless = tickets(self.reader, (self.stage.seed, 0))
        count = self.stage.source[0].per_step
        while True:
            yield [(t.row, t.seed) for t in itertools.islice(endless, count)]


def stacked(looks: Sequence[PersonView]) -> Stacks:
    """A batch, its images still bytes: a quarter of what floats would carry between processes."""
    return (
        torch.from_numpy(np.stack([look.image for look in looks])),
        torch.from_numpy(np.stack([look.keypoints for look in looks])),
        torch.from_numpy(np.stack([look.visible for look in looks])),
    )


def as_batches(stacks: Iterable[Stacks]) -> Iterator[LabeledBatch]:
    """The conversion that ours does too."""
    for images, keypoints, visible in stacks:
        yield LabeledBatch(to_images(images.numpy(), CPU), keypoints, visible)


def one_thread(_: int) -> None:
    """Each worker has one core: OpenCV must not start threads of its own."""
    cv2.setNumThreads(0)


def opened(store: Store, stage: Stage) -> tuple[People, Order]:
    """The people of a stage, read from their shards in this process, and their order."""
    (feed,) = stage.source
    estimator = stage.architecture.build()
    population = open_in(store, feed.population)
    rows = reader(population, feed.split, labelled=True, read_tables=read_directly)
    size = CropSize(estimator.input_height, estimator.input_width)
    return People(rows.read(rows.shards), stage, size), Order(rows, stage)


def ours(store: Store, stage: Stage) -> Iterator[LabeledBatch]:
    """The engine's batches."""
    return (source for source, _ in stage_loader(store, stage, CPU, stream).batches(0))


def dataloader(store: Store, stage: Stage, workers: int) -> Iterator[LabeledBatch]:
    """Batches by way of worker processes."""
    people, order = opened(store, stage)
    return as_batches(
        DataLoader(
            people,
            batch_sampler=order,
            num_workers=workers,
            collate_fn=stacked,
            worker_init_fn=one_thread,
            persistent_workers=True,
        )
    )


def bare_loop(store: Store, stage: Stage) -> Iterator[LabeledBatch]:
    """Batches made here and now."""
    people, order = opened(store, stage)
    return as_batches(stacked([people[look] for look in looks]) for looks in order)


def open_all(
    store: Store, stage: Stage
) -> tuple[dict[str, Iterator[LabeledBatch]], dict[str, float]]:
    """Every loader, and the seconds it took to its first batch.

    Raises:
        RuntimeError: if they do not give the same batches.
    """
    openers: dict[str, Callable[[], Iterator[LabeledBatch]]] = {
        "dataloader_1": lambda: dataloader(store, stage, 1),
        "dataloader_2": lambda: dataloader(store, stage, 2),
        "bare_loop": lambda: bare_loop(store, stage),
        "ours": lambda: ours(store, stage),
    }
    loaders, seconds, first = {}, {}, {}
    for name, opener in openers.items():
        since = time.perf_counter()
        loaders[name] = opener()
        first[name] = [next(loaders[name])]
        seconds[name] = time.perf_counter() - since
        first[name] += itertools.islice(loaders[name], COMPARED - 1)
    for name in first:
        if not all(map(same, first[name], first["ours"])):
            raise RuntimeError(f"all must load the same batches, but {name} loads others.")
    return loaders, seconds


def same(one: LabeledBatch, other: LabeledBatch) -> bool:
    """Whether two batches are equal bit for bit."""
    return all(
        torch.equal(mine, theirs)
        for mine, theirs in zip(vars(one).values(), vars(other).values(), strict=True)
    )


def nothing(_: LabeledBatch) -> None:
    """A consumer that is never in the way."""


def fixed_step(estimator: Estimator) -> Consumer:
    """Forward and backward; the weights stay, so that every step costs the same."""
    estimator.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def step(batch: LabeledBatch) -> None:
        estimator.zero_grad(set_to_none=True)
        heatmap, offset = labeled_losses(
            estimator(batch.images),
            batch,
            stride=estimator.stride,
            sigma_cells=estimator.sigma_cells,
        )
        loss = heatmap + offset
        loss.backward()  # type: ignore[no-untyped-call]

    return step


def timed(loaders: Loaders, turns: Turns, consume: Consumer) -> dict[str, list[float]]:
    """Images/s of every loader in every round."""
    speeds: dict[str, list[float]] = {name: [] for name in loaders}
    names = list(loaders)
    for number in range(turns.rounds):
        for position in range(len(names)):
            name = names[(number + position) % len(names)]
            for batch in itertools.islice(loaders[name], turns.untimed):
                consume(batch)
            since = time.perf_counter()
            for batch in itertools.islice(loaders[name], turns.timed):
                consume(batch)
            speeds[name].append(turns.timed * PER_STEP / (time.perf_counter() - since))
    return speeds


def compared(speeds: dict[str, list[float]]) -> dict[str, Any]:
    """Ratios of images/s, and what they are of."""
    logs = {name: np.log(rounds) for name, rounds in speeds.items()}
    workers = max((1, 2), key=lambda count: logs[f"dataloader_{count}"].mean())
    result: dict[str, Any] = {}
    for key, other in (("dataloader", f"dataloader_{workers}"), ("bare_loop", "bare_loop")):
        ratio = seed_interval((logs["ours"] - logs[other]).tolist())
        result[f"ours_over_{key}"] = float(np.exp(ratio.estimate))
        result[f"ours_over_{key}_interval"] = np.exp([ratio.low, ratio.high]).tolist()
    return result | {
        "dataloader_workers": workers,
        "images_per_s": {name: float(np.exp(log.mean())) for name, log in logs.items()},
        "rounds": len(logs["ours"]),
    }


def measure(store: Store, *, quick: bool) -> dict[str, Any]:
    """Render who is missing, open all loaders, and time them."""
    adults = Adult(train=QUICK_PEOPLE if quick else FULL_PEOPLE, validation=0, test=0)
    # More steps than are ever drawn.
    budget = Budget(steps=10**6, threads=THREADS)
    feed = Feed(adults, "train", PER_STEP)
    stage = Stage("benchmark", Supervised(), Lightning(), (feed,), None, budget)
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(0)
    with cluster(None):
        render(store, adults)
        loaders, first_batch_s = open_all(store, stage)
        result = compared(timed(loaders, QUICK if quick else FULL, nothing))
        if not quick:
            step = fixed_step(stage.architecture.build())
            result["before_a_step"] = compared(timed(loaders, BEFORE_A_STEP, step))
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        **result,
        "first_batch_s": first_batch_s,
        "people": adults.train,
        "people_per_batch": PER_STEP,
        "machine": {"cores": os.cpu_count(), "threads": THREADS, **versions()},
    }


def render(store: Store, adults: Adult) -> None:
    """Make the people, unless they are there already.

    Raises:
        RuntimeError: if they cannot be rendered.
    """
    tasks = population_tasks(store, adults)
    waiting, _ = outstanding(tasks, store)
    with RenderWatcher(Console(stderr=True), waiting) as watcher:
        failures = execute_on_ray(tasks, store, watcher)
    if failures:
        raise RuntimeError(failures[0].cause)


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="less of all; writes no file")
    parser.add_argument("--store", help="keeps the rendered people; otherwise they are not kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(Store(asked.store or scratch), quick=asked.quick)
    if not result["quick"]:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
