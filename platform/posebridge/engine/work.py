"""What the tasks of a graph do: make a population, train a stage.

Each may be called again at any time.
"""

import json
import logging
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from posebridge.engine.artifacts import Store
from posebridge.engine.conditions import kind_of
from posebridge.engine.data import Loader, Looker
from posebridge.engine.group import ALONE, Group
from posebridge.engine.holders import Watch
from posebridge.engine.leases import (
    LEASE,
    Lease,
    LeaseTakenError,
    beating,
    hold,
    read_holder,
    sweep,
)
from posebridge.engine.provenance import commit, versions
from posebridge.engine.reading import LeftOut, Read, Reader, read_directly, reader, stream
from posebridge.engine.sharing import share
from posebridge.engine.train import (
    Look,
    Optimisers,
    Part,
    Progress,
    Run,
    dump_weights,
    set_up,
)
from posebridge.engine.workers import Workers, run_together
from posebridge.estimators.released import without_weights
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.populations.crops import CropSize
from posebridge.populations.manifest import MANIFEST_FILE, OpenPopulation, open_population
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


@contextmanager
def alone(store: Store, folder: str, marker: str, name: str = LEASE) -> Iterator[Lease | None]:
    """Hold a folder while making its artifact; None if somebody has finished it meanwhile.

    Args:
        store: where it goes.
        folder: in which the lease lies.
        marker: file that says the artifact is made.
        name: of the lease.

    Raises:
        LeaseLostError: if somebody else has taken the lease over, and is at it now.
    """
    watch = Watch()
    while not store.exists(marker):
        try:
            with hold(store, folder, name, watch) as lease:
                yield None if store.exists(marker) else lease
                return
        except LeaseTakenError as taken:
            log.info("waiting for %s: %s", folder, taken)
            time.sleep(WAIT_SECONDS)
    yield None


def make_shard(uri: str, population: RenderedPopulation, split: str, index: int) -> None:
    """Render one shard of a population, and say in its marker how long that took."""
    store, marker = Store(uri), shard_marker(population, split, index)
    folder, _, name = shard_lease(population, split, index).rpartition("/")
    with alone(store, folder, marker, name) as lease:
        if lease is not None:
            since = time.perf_counter()
            made = store.path(population_path(population))
            population.make_shard(made, split, index, confirm=lease.confirm)
            lease.write_json(marker, {"cost": {"seconds": time.perf_counter() - since}})


def shard_marker(population: Population, split: str, index: int) -> str:
    """The file that says a shard was made."""
    return f"{population_path(population)}/made/{split}-{index:05d}"


def shard_lease(population: Population, split: str, index: int) -> str:
    """The file that says who makes a shard."""
    return f"{_leases(population)}/{LEASE}-{split}-{index:05d}"


def finish_population(uri: str, population: RenderedPopulation) -> None:
    """Write the manifest of a population whose shards were made."""
    store, folder = Store(uri), population_path(population)
    with alone(store, _leases(population), f"{folder}/{MANIFEST_FILE}") as lease:
        if lease is not None:
            for split in population.splits():
                sweep(store, f"{folder}/{split}")
            population.finish(store.path(folder))


def _leases(population: Population) -> str:
    """Where the leases lie of what a population consists of, out of the way of its files."""
    return f"{population_path(population)}/leases"


def train_stage(
    uri: str, stage: Stage, streamed: bool, look: Look | None = None, before: str | None = None
) -> None:
    """Train a stage, or go on with it, and leave its artifact.

    Args:
        uri: of the store.
        stage: what is asked; the stage it starts from is done.
        streamed: read through Ray Data; otherwise directly.
        look: at its networks, after every step.
        before: folder of a part of it that was trained.
    """
    store, folder = Store(uri), stage_path(stage)
    with alone(store, folder, f"{folder}/done") as lease:
        if lease is None:
            return
        whole = Part(stage, stage.budget.steps, before)
        train = partial(_train_whole, lease, whole, streamed, look)
        if not stage.budget.is_shared:
            train(ALONE)
        else:
            workers = Workers(*stage.budget.group, stage.budget.threads)
            run_together(train, workers, store, f"stage-{stage.key()}", partial(_reached, lease))


def _reached(lease: Lease) -> float:
    holder = read_holder(lease.store, lease.path)
    return holder.progress.get("step", 0.0) if holder else 0.0


def train_part(lease: Lease, part: Part, streamed: bool) -> nn.ModuleDict:
    """Train the first steps of a stage, in this process; leaves a checkpoint after the last.

    Args:
        lease: of the folder where the checkpoint goes.
        part: what is asked; the stage it starts from and the part before are done.
        streamed: as for a stage.

    Returns:
        Its networks.
    """
    run, _, _ = _train(lease, part, streamed, None, ALONE)
    return run.nets


def _train_whole(
    lease: Lease, part: Part, streamed: bool, look: Look | None, group: Group
) -> None:
    """Train a stage as one of a group; its leader leaves the artifact."""
    run, progress, left_out = _train(lease, part, streamed, look, group)
    if group.leads:
        _leave(run, progress, left_out.counts())
        run.clear()


def _train(
    lease: Lease, part: Part, streamed: bool, look: Look | None, group: Group
) -> tuple[Run, Progress, LeftOut]:
    """Train as one of a group, under a lease that perhaps another process has taken."""
    store, stage = lease.store, part.stage
    torch.set_num_threads(stage.budget.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    start = (
        None
        if stage.start is None
        else store.read(f"{stage_path(stage.start)}/weights.safetensors")
    )
    nets = set_up(stage, start).to(device)
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    share(nets, group, stage.budget.accumulate)
    optimisers = Optimisers(stage, nets, group)
    loader = stage_loader(store, stage, device, stream if streamed else read_directly, group)
    with _writing(lease, group) as events:
        run = Run(part, nets, optimisers, lease, device, events, group, look)
        progress = run.train(loader) if part.steps else Progress()
    return run, progress, loader.left_out


@contextmanager
def _writing(lease: Lease, group: Group) -> Iterator[SummaryWriter | None]:
    """The leader's event files; one of several also says itself how far they are."""
    if not group.leads:
        yield None
        return
    signs = nullcontext() if group.size == 1 else beating(lease)
    with signs, event_writer(lease.store, f"{lease.folder}/tensorboard") as events:
        yield events


def stage_loader(
    store: Store, stage: Stage, device: torch.device, read: Read, group: Group = ALONE
) -> Loader:
    """The loader of a stage's batches."""
    estimator = without_weights(stage.architecture).build()
    left_out = LeftOut()

    def open_feed(feed: Feed, *, labelled: bool) -> Reader:
        return reader(
            open_in(store, feed.population).read_as(estimator.skeleton),
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
        group=group,
    )


def _leave(run: Run, progress: Progress, left_out: dict[str, int]) -> None:
    """Write the artifact of a finished stage, the `done` marker last."""
    stage, lease, folder = run.stage, run.lease, run.folder
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
            "device": kind_of(run.device),
            "workers": run.group.size,
            "commit": commit(),
            "versions": versions(),
        },
    }
    lease.write(f"{folder}/weights.safetensors", dump_weights(run.nets))
    rows = "".join(f"{json.dumps(row, sort_keys=True)}\n" for row in progress.metrics)
    lease.write(f"{folder}/metrics.jsonl", rows.encode())
    lease.write_json(f"{folder}/manifest.json", manifest)
    lease.write(f"{folder}/done", b"")


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
