"""What the tasks of a graph do: make a population, train a stage.

Each may be called again at any time.
"""

import json
import logging
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter

from posebridge.engine.artifacts import Lease, LeaseTakenError, Store
from posebridge.engine.data import Loader, Looker
from posebridge.engine.provenance import commit, versions
from posebridge.engine.reading import LeftOut, Read, Reader, read_directly, reader, stream
from posebridge.engine.train import Optimisers, Progress, Run, dump_weights, set_up
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.populations.crops import CropSize
from posebridge.populations.manifest import OpenPopulation, open_population
from posebridge.skeletons import Skeleton
from posebridge.stages import Feed, Stage

log = logging.getLogger(__name__)
WAIT_SECONDS = 1.0
"""Between two looks at what somebody else is making."""


def population_path(population: Population) -> str:
    """Where a population lies in the store."""
    return f"populations/{population.name}-{population.fingerprint()}"


def stage_path(stage: Stage) -> str:
    """Where a stage leaves its artifact."""
    return f"stages/{stage.key()}"


def open_in(store: Store, population: Population) -> OpenPopulation:
    """A population that has been made."""
    return open_population(store.path(population_path(population)))


def open_fitting(
    store: Store, population: Population, stage: Stage, skeleton: Skeleton
) -> OpenPopulation:
    """A population that has been made, for an estimator.

    Raises:
        ValueError: if its keypoints are not those of the estimator.
    """
    opened = open_in(store, population)
    if opened.skeleton != skeleton:
        raise ValueError(
            f"stage {stage.name!r}: the estimator's skeleton is {skeleton.name}, but "
            f"{population.label!r} has {opened.skeleton.name}. Map one to the other first."
        )
    return opened


@contextmanager
def alone(store: Store, folder: str, marker: str) -> Iterator[Lease | None]:
    """Hold a folder while making its artifact; None if somebody has finished it meanwhile."""
    while not store.exists(marker):
        try:
            with store.lease(folder) as lease:
                yield None if store.exists(marker) else lease
                return
        except LeaseTakenError as taken:
            log.info("waiting for %s: %s", folder, taken)
            time.sleep(WAIT_SECONDS)
    yield None


def make_shard(uri: str, population: RenderedPopulation, split: str, index: int) -> None:
    """Render one shard of a population."""
    store = Store(uri)
    population.make_shard(store.path(population_path(population)), split, index)
    store.write(shard_marker(population, split, index), b"")


def shard_marker(population: Population, split: str, index: int) -> str:
    """The file that says a shard was made."""
    return f"{population_path(population)}/made/{split}-{index:05d}"


def finish_population(uri: str, population: RenderedPopulation) -> None:
    """Write the manifest of a population whose shards were made."""
    population.finish(Store(uri).path(population_path(population)))


def train_stage(uri: str, stage: Stage, streamed: bool) -> None:
    """Train a stage, or go on with it, and leave its artifact.

    Args:
        uri: of the store.
        stage: what is asked; the stage it starts from is done.
        streamed: read through Ray Data; otherwise directly.
    """
    store, folder = Store(uri), stage_path(stage)
    with alone(store, folder, f"{folder}/done") as lease:
        if lease is None:
            return
        torch.set_num_threads(stage.budget.threads)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        start = (
            None
            if stage.start is None
            else store.read(f"{stage_path(stage.start)}/weights.safetensors")
        )
        nets = set_up(stage, start).to(device)
        nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimisers = Optimisers(stage, nets)
        loader = stage_loader(store, stage, device, stream if streamed else read_directly)
        with event_writer(store, f"{folder}/tensorboard") as events:
            run = Run(stage, nets, optimisers, store, folder, lease, device, events)
            progress = run.train(loader) if stage.budget.steps else Progress()
        _leave(run, progress, loader.left_out.counts())
        run.clear()


def stage_loader(store: Store, stage: Stage, device: torch.device, read: Read) -> Loader:
    """The loader of a stage's batches."""
    estimator = stage.architecture.build()
    left_out = LeftOut()

    def open_feed(feed: Feed, *, labelled: bool) -> Reader:
        return reader(
            open_fitting(store, feed.population, stage, estimator.skeleton),
            feed.split,
            labelled=labelled,
            read_tables=read,
            people=feed.people,
            left_out=left_out,
        )

    trained = stage.budget.steps > 0
    return Loader(
        stage=stage,
        sources=tuple(open_feed(f, labelled=True) for f in stage.source if trained),
        target=open_feed(stage.target, labelled=False) if stage.target and trained else None,
        looker=Looker(
            CropSize(estimator.input_height, estimator.input_width), estimator.skeleton, left_out
        ),
        workers=stage.budget.threads,
        device=device,
    )


def _leave(run: Run, progress: Progress, left_out: dict[str, int]) -> None:
    """Write the artifact of a finished stage, the `done` marker last."""
    stage, store, folder = run.stage, run.store, run.folder
    parameters = sum(p.numel() for p in stage.method.deployed(run.nets).parameters())
    manifest = {
        "key": stage.key(),
        "stage": stage.description(),
        "name": stage.name,
        "skipped": left_out,
        "cost": {
            "steps": stage.budget.steps,
            "seconds": progress.seconds,
            "images": stage.budget.steps * sum(f.per_step for f in stage.feeds()),
            "parameters": parameters,
        },
        "made": {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": socket.gethostname(),
            "commit": commit(),
            "versions": versions(),
        },
    }
    store.write(f"{folder}/weights.safetensors", dump_weights(run.nets))
    rows = "".join(f"{json.dumps(row, sort_keys=True)}\n" for row in progress.metrics)
    store.write(f"{folder}/metrics.jsonl", rows.encode())
    store.write_json(f"{folder}/manifest.json", manifest)
    store.write(f"{folder}/done", b"")


@contextmanager
def event_writer(store: Store, folder: str) -> Iterator[SummaryWriter]:
    """TensorBoard event files, live in a local store, copied at the end to any other."""
    if store.is_local:
        with SummaryWriter(store.path(folder)) as writer:
            yield writer
        return
    with tempfile.TemporaryDirectory() as scratch:
        with SummaryWriter(scratch) as writer:
            yield writer
        for file in Path(scratch).iterdir():
            store.write(f"{folder}/{file.name}", file.read_bytes())
