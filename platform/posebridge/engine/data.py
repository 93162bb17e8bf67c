"""Batches of a stage: a pure function of its seed and the step.

So a resumed stage sees what it would have seen. The rows of a population arrive still encoded
(`engine/reading.py`); decoding, cropping and the views happen in the threads of the training
process. A population is read in windows of whole shards: one that fits into a single window is
read once and stays, each epoch a new permutation of all its people; a larger one is shuffled shard
by shard and then within each window.

Several workers see the same batches as one would: each decodes its share of a step's people, and
then they exchange the views. So each reads every window, for anybody in it may fall to anybody.
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
from posebridge.engine.group import ALONE, Group
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
        group: of processes that share the work; every one of them gets the whole batch.
    """

    stage: Stage
    sources: tuple[Reader, ...]
    target: Reader | None
    looker: Looker
    workers: int
    device: torch.device
    group: Group = ALONE

    @property
    def left_out(self) -> LeftOut:
        """Who could not be used so far."""
        return self.looker.left_out

    def batches(self, start: int, end: int | None = None) -> Iterator[Batch]:
        """The batches of some steps, a few in preparation at any time.

        Args:
            start: the first step.
            end: the step after the last; None for the end of the stage.
        """
        cv2.setNumThreads(0)
        sides = self._sides(start)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="views") as pool:
            ahead: deque[list[list[Future[Looks]]]] = deque()
            for step in range(start, self.stage.budget.steps if end is None else end):
                policies = self._policies(step)
                ahead.append(
                    [self._submit(pool, *side) for side in zip(sides, policies, strict=True)]
                )
                if len(ahead) > PREFETCH_STEPS:
                    yield self._collect(ahead.popleft())
            while ahead:
                yield self._collect(ahead.popleft())

    def _sides(self, start: int) -> list[Iterator[list[Ticket]]]:
        """Who is in each step: labelled people, and those of the target if there is one."""
        source = self._steps(self.sources, 0, start)
        if self.target is None:
            return [source]
        return [source, self._steps((self.target,), len(self.sources), start)]

    def _policies(self, step: int) -> list[tuple[ViewPolicy, ...]]:
        """How a step looks at them."""
        views = self.stage.method_at(step).views
        return [(views.source,), *([] if views.target is None else [views.target])]

    def _steps(self, readers: Sequence[Reader], first: int, start: int) -> Iterator[list[Ticket]]:
        """The people of each step, of feeds that are numbered from `first` on."""
        feeds = list(enumerate(self.stage.feeds()))[first : first + len(readers)]
        streams = [
            (tickets(reader, (self.stage.seed, number), skip=start * feed.per_step), feed.per_step)
            for reader, (number, feed) in zip(readers, feeds, strict=True)
        ]
        while True:
            yield [t for stream, count in streams for t in itertools.islice(stream, count)]

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        side: Iterator[list[Ticket]],
        policies: tuple[ViewPolicy, ...],
    ) -> list[Future[Looks]]:
        drawn = next(side)
        first, last = self.group.share(len(drawn))
        size = -(-(last - first) // self.workers)
        return [
            pool.submit(self._look, drawn[i : min(i + size, last)], policies)
            for i in range(first, last, size)
        ]

    def _look(self, drawn: list[Ticket], policies: tuple[ViewPolicy, ...]) -> Looks:
        return [self.looker.views(ticket, policies) for ticket in drawn]

    def _collect(self, futures: list[list[Future[Looks]]]) -> Batch:
        looks = [[look for part in side for look in part.result()] for side in futures]
        source = self._labeled([look for (look,) in looks[0]])
        if self.target is None:
            return source, None
        strong, weak = (self._view([look[i] for look in looks[1]]) for i in range(2))
        return source, UnlabeledBatch(strong=strong, weak=weak)

    def _labeled(self, looks: list[PersonView]) -> LabeledBatch:
        count = sum(feed.per_step for feed in self.stage.source)
        pixels, keypoints, visible = self._everybodys(
            count,
            [look.image for look in looks],
            [look.keypoints for look in looks],
            [look.visible for look in looks],
        )
        return LabeledBatch(images=_scaled(pixels), keypoints=keypoints, visible=visible)

    def _view(self, looks: list[PersonView]) -> View:
        assert self.stage.target is not None
        pixels, matrices = self._everybodys(
            self.stage.target.per_step,
            [look.image for look in looks],
            [look.canonical_from_view for look in looks],
        )
        return View(images=_scaled(pixels), canonical_from_view=matrices)

    def _everybodys(self, count: int, *own: list[np.ndarray]) -> list[Tensor]:
        """What all `count` people of the step have, of whom this process has looked at its own."""
        return self.group.gather([_moved(np.stack(rows), self.device) for rows in own], count)


def to_images(pixels: np.ndarray, device: torch.device) -> Tensor:
    """RGB bytes [batch, height, width, 3] as a channels-last batch in [0, 1]."""
    return _scaled(_moved(pixels, device))


def _moved(rows: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(rows)
    if device.type == "cpu":
        return tensor
    # From pinned memory a GPU copies while it computes.
    return tensor.pin_memory().to(device, non_blocking=True)


def _scaled(pixels: Tensor) -> Tensor:
    if pixels.device.type == "cpu":
        # A third of the time torch takes, and no threads that those which decode must wait for.
        scaled = np.divide(pixels.numpy(), np.float32(255), dtype=np.float32)
        return torch.from_numpy(scaled).permute(0, 3, 1, 2)
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255)
