"""Batches of a stage: a pure function of its seed and the step.

So a resumed stage sees what it would have seen. The rows of a population arrive still encoded
(`engine/reading.py`); decoding, cropping and the views happen in the threads of the training
process. A population is read in windows of whole shards: one that fits into a single window is
read once and stays, each epoch a new permutation of all its people; a larger one is shuffled shard
by shard and then within each window.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from posebridge.batch import LabeledBatch, UnlabeledBatch, View
from posebridge.engine.reading import EncodedPeople, LeftOut, Reader, Shard, windows
from posebridge.populations.crops import (
    CropSize,
    PersonView,
    UndecodableImageError,
    decode_image,
    person_view,
)
from posebridge.populations.people import Person
from posebridge.populations.views import ViewPolicy
from posebridge.skeletons import Skeleton
from posebridge.stages import Stage

WINDOW_BYTES = 1 << 30
"""Encoded bytes of a feed that are held at once."""
PREFETCH_STEPS = 3


@dataclass(frozen=True)
class Ticket:
    """A row to be looked at, and the seed of how."""

    people: EncodedPeople
    row: int
    seed: tuple[int, ...]


def tickets(reader: Reader, seed: Sequence[int], *, skip: int = 0) -> Iterator[Ticket]:
    """The people of a feed for ever, each epoch in a new order.

    Args:
        reader: of the feed.
        seed: of the order and of the views.
        skip: tickets to leave out at the start, without reading them.
    """
    held: tuple[tuple[Shard, ...], EncodedPeople] | None = None
    for epoch in itertools.count():
        shuffled = np.random.default_rng([*seed, epoch]).permutation(len(reader.shards))
        parts = windows(reader.shards, WINDOW_BYTES)
        if len(parts) > 1:
            parts = windows([reader.shards[i] for i in shuffled], WINDOW_BYTES)
        for number, window in enumerate(parts):
            size = sum(shard.people for shard in window)
            if skip >= size:
                skip -= size
                continue
            if held is None or held[0] != window:
                held = window, reader.read(window)
            order = np.random.default_rng([*seed, epoch, number]).permutation(size)
            for position in range(skip, size):
                row = int(order[position]) % len(held[1])
                yield Ticket(held[1], row, (*seed, epoch, number, position))
            skip = 0


@dataclass(frozen=True)
class Looker:
    """Turns tickets into views of one size."""

    size: CropSize
    skeleton: Skeleton
    left_out: LeftOut

    def views(self, ticket: Ticket, policies: Sequence[ViewPolicy]) -> tuple[PersonView, ...]:
        """One view per policy of the ticket's person, or of the next one whose image decodes.

        Raises:
            UndecodableImageError: if no image of the window decodes.
        """
        count = len(ticket.people)
        for row in ((ticket.row + further) % count for further in range(count)):
            person = ticket.people.people[row]
            try:
                image = decode_image(ticket.people.encoded(row))
            except UndecodableImageError:
                self.left_out.undecodable.add(person.person_id)
                continue
            return tuple(
                self._view(image, person, policy, (*ticket.seed, number))
                for number, policy in enumerate(policies)
            )
        raise UndecodableImageError(
            f"one of {count} images must decode, but none does. "
            "Make or import the population again."
        )

    def _view(
        self, image: np.ndarray, person: Person, policy: ViewPolicy, seed: tuple[int, ...]
    ) -> PersonView:
        return person_view(
            image,
            person,
            policy=policy,
            rng=np.random.default_rng(seed),
            size=self.size,
            skeleton=self.skeleton,
        )


Looks = list[tuple[PersonView, ...]]
Batch = tuple[LabeledBatch, UnlabeledBatch | None]


@dataclass(frozen=True)
class Loader:
    """The batches of a stage.

    Attributes:
        stage: what to load for.
        sources: a reader per source feed.
        target: a reader of the target feed, which gives no labels.
        looker: makes the views.
        workers: threads that decode.
        device: where the batches go.
    """

    stage: Stage
    sources: tuple[Reader, ...]
    target: Reader | None
    looker: Looker
    workers: int
    device: torch.device

    @property
    def left_out(self) -> LeftOut:
        """Who could not be used so far."""
        return self.looker.left_out

    def batches(self, start: int) -> Iterator[Batch]:
        """The batches of steps `start` to the stage's last, a few in preparation at any time."""
        cv2.setNumThreads(0)
        streams = [
            self._stream(reader, number, start) for number, reader in enumerate(self._readers())
        ]
        with ThreadPoolExecutor(self.workers, thread_name_prefix="views") as pool:
            ahead: deque[list[list[Future[Looks]]]] = deque()
            for _ in range(start, self.stage.budget.steps):
                ahead.append([self._submit(pool, *stream) for stream in streams])
                if len(ahead) > PREFETCH_STEPS:
                    yield self._collect(ahead.popleft())
            while ahead:
                yield self._collect(ahead.popleft())

    def _readers(self) -> tuple[Reader, ...]:
        return (*self.sources, *((self.target,) if self.target else ()))

    def _stream(
        self, reader: Reader, number: int, start: int
    ) -> tuple[Iterator[Ticket], int, tuple[ViewPolicy, ...]]:
        feed, views = self.stage.feeds()[number], self.stage.method.views
        is_source = number < len(self.sources)
        policies = (views.source,) if is_source else views.target
        assert policies is not None
        seed = (self.stage.seed, number)
        return tickets(reader, seed, skip=start * feed.per_step), feed.per_step, policies

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        stream: Iterator[Ticket],
        count: int,
        policies: tuple[ViewPolicy, ...],
    ) -> list[Future[Looks]]:
        drawn = list(itertools.islice(stream, count))
        size = -(-count // self.workers)
        return [
            pool.submit(self._look, drawn[i : i + size], policies) for i in range(0, count, size)
        ]

    def _look(self, drawn: list[Ticket], policies: tuple[ViewPolicy, ...]) -> Looks:
        return [self.looker.views(ticket, policies) for ticket in drawn]

    def _collect(self, futures: list[list[Future[Looks]]]) -> Batch:
        feeds = [[look for part in feed for look in part.result()] for feed in futures]
        labeled = [look[0] for feed in feeds[: len(self.sources)] for look in feed]
        source = LabeledBatch(
            images=self._images(labeled),
            keypoints=self._stack([look.keypoints for look in labeled]),
            visible=self._stack([look.visible for look in labeled]),
        )
        if self.target is None:
            return source, None
        strong, weak = ([look[i] for look in feeds[-1]] for i in range(2))
        return source, UnlabeledBatch(strong=self._view(strong), weak=self._view(weak))

    def _view(self, looks: list[PersonView]) -> View:
        matrices = self._stack([look.canonical_from_view for look in looks])
        return View(images=self._images(looks), canonical_from_view=matrices)

    def _images(self, looks: list[PersonView]) -> Tensor:
        return to_images(np.stack([look.image for look in looks]), self.device)

    def _stack(self, arrays: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self.device, non_blocking=True)


def to_images(pixels: np.ndarray, device: torch.device) -> Tensor:
    """RGB bytes [batch, height, width, 3] as a channels-last batch in [0, 1]."""
    if device.type == "cpu":
        # A third of the time torch takes, and no threads that those which decode must wait for.
        scaled = np.divide(pixels, np.float32(255), dtype=np.float32)
        return torch.from_numpy(scaled).permute(0, 3, 1, 2)
    stacked = torch.from_numpy(pixels).to(device, non_blocking=True)
    return stacked.permute(0, 3, 1, 2).to(torch.float32).div_(255)
