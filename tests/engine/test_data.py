import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from engine.people import ADULTS, INFANTS, Torn, make, mean_teacher, supervised
from engine.together import together
from posebridge.engine import data
from posebridge.engine.artifacts import Store
from posebridge.engine.data import Batch, tickets, to_images
from posebridge.engine.group import Group
from posebridge.engine.reading import Reader, read_directly, reader
from posebridge.engine.work import open_in, stage_loader
from posebridge.methods.supervised import Supervised
from posebridge.populations.crops import UndecodableImageError
from posebridge.populations.manifest import OpenPopulation
from posebridge.populations.views import ViewPolicy
from posebridge.stages import Feed, Stage

CPU = torch.device("cpu")
PEOPLE = 131


def _batches(store: Store, stage: Stage, *, start: int = 0) -> list[Batch]:
    loader = stage_loader(store, stage, CPU, read_directly)
    return list(loader.batches(start))


def _tensors(batch: Batch) -> list[Tensor]:
    source, target = batch
    found = [source.images, source.keypoints, source.visible]
    if target is not None:
        for view in (target.strong, target.weak):
            found += [view.images, view.canonical_from_view]
    return found


def _same(some: Sequence[Batch], others: Sequence[Batch]) -> bool:
    return len(some) == len(others) and all(
        torch.equal(one, other)
        for mine, theirs in zip(some, others, strict=True)
        for one, other in zip(_tensors(mine), _tensors(theirs), strict=True)
    )


def _adults(store: Store, read: list[int] | None = None) -> Reader:
    """A reader of the adults that notes which shards it reads."""

    def noting(of: OpenPopulation, split: str, indices: Sequence[int]) -> Iterator[pa.Table]:
        if read is not None:
            read.extend(indices)
        return read_directly(of, split, indices)

    opened = open_in(store, ADULTS)
    return reader(opened, "train", labelled=True, read_tables=noting)


def _epoch(stream: Iterator[data.Ticket], count: int = PEOPLE) -> list[str]:
    drawn = itertools.islice(stream, count)
    return [ticket.people.people[ticket.row].person_id for ticket in drawn]


@pytest.mark.parametrize("start", [1, 5, 7])
def test_a_run_that_starts_later_sees_what_it_would_have_seen(made: Store, start: int) -> None:
    """Steps of 3 adults and 2 infants; 8 steps of 20 adults cross the end of an epoch."""
    for stage in (mean_teacher(8), supervised(8, per_step=20)):
        assert _same(_batches(made, stage)[start:], _batches(made, stage, start=start))


def test_the_number_of_threads_does_not_change_a_batch(made: Store) -> None:
    stage = mean_teacher(4)
    threaded = dataclasses.replace(stage, budget=dataclasses.replace(stage.budget, threads=3))
    assert _same(_batches(made, stage), _batches(made, threaded))


def test_every_worker_of_a_group_gets_the_batches_of_one(made: Store) -> None:
    """Three adults and two infants a step: the shares of two workers differ."""
    stage = mean_teacher(4)

    def member(group: Group) -> list[Batch]:
        return list(stage_loader(made, stage, CPU, read_directly, group).batches(1))

    for batches in together(2, member):
        assert _same(batches, _batches(made, stage, start=1))


def test_another_seed_gives_other_batches(made: Store) -> None:
    stage = supervised(2)
    other = dataclasses.replace(stage, seed=1)
    assert not _same(_batches(made, stage), _batches(made, other))


def test_a_batch_has_all_feeds_and_channels_last_images(made: Store) -> None:
    (batch,) = _batches(made, mean_teacher(1))
    source, target = batch
    assert source.images.shape == (3, 3, 32, 32)
    assert source.images.is_contiguous(memory_format=torch.channels_last)
    assert target is not None
    assert target.strong.images.shape == target.weak.images.shape == (2, 3, 32, 32)
    two = supervised(1, source=(Feed(ADULTS, "train", 3), Feed(INFANTS, "train", 2)))
    ((source, target),) = _batches(made, two)
    assert target is None
    assert source.keypoints.shape == (5, 17, 2)


def test_two_sources_are_seen_in_two_orders(made: Store) -> None:
    feed = Feed(ADULTS, "train", 4)
    stage = supervised(1, source=(feed, feed), method=Supervised(source_view=ViewPolicy()))
    ((source, _),) = _batches(made, stage)
    assert not torch.equal(source.images[:4], source.images[4:])


def test_an_upright_view_is_the_crop_with_its_keypoints(made: Store) -> None:
    """The box 40 × 35 px, padded by 1.25 to the square of 50 px, fills 32 px."""
    stage = supervised(1, method=Supervised(source_view=ViewPolicy()))
    ((source, _),) = _batches(made, stage)
    stream = tickets(_adults(made), (0, 0))
    drawn = [ticket.people.people[ticket.row] for ticket in itertools.islice(stream, 3)]
    expected = np.stack([(p.keypoints - (30.0, 22.5)) * 32 / 50 + 16 for p in drawn])
    visible = np.stack([p.visibility > 0 for p in drawn])
    assert np.array_equal(source.visible.numpy(), visible)
    np.testing.assert_allclose(source.keypoints.numpy()[visible], expected[visible], atol=1e-3)


def test_from_a_change_on_people_are_looked_at_in_another_way(made: Store) -> None:
    plain = mean_teacher(steps=6)
    turned = ViewPolicy(rotation_deg=90.0)
    other = dataclasses.replace(plain.method, source_view=turned)  # type: ignore[call-arg]
    changed = dataclasses.replace(plain, changes=((4, "source_view", turned),))
    before, after = _batches(made, plain), _batches(made, dataclasses.replace(plain, method=other))
    found = _batches(made, changed)
    assert _same(found[:4], before[:4])
    assert _same(found[4:], after[4:])
    assert not _same(found[4:], before[4:])


def test_bytes_become_shares_of_white() -> None:
    pixels = np.array([[[[0, 51, 255]]]], np.uint8)
    assert torch.equal(to_images(pixels, CPU).ravel(), torch.tensor([0.0, 51 / 255, 1.0]))


@pytest.mark.parametrize("window_bytes", [1 << 30, 1], ids=["one window", "a window a shard"])
def test_an_epoch_sees_everybody_once_in_an_order_of_its_own(
    made: Store, monkeypatch: pytest.MonkeyPatch, window_bytes: int
) -> None:
    monkeypatch.setattr(data, "WINDOW_BYTES", window_bytes)
    stream = tickets(_adults(made), (0, 0))
    epochs = [_epoch(stream) for _ in range(3)]
    assert all(len(set(epoch)) == PEOPLE for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_single_window_is_read_once(made: Store) -> None:
    read: list[int] = []
    _epoch(tickets(_adults(made, read), (0, 0)), 3 * PEOPLE)
    assert sorted(read) == [0, 1, 2]


def test_windows_that_are_skipped_are_not_read(
    made: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 + 64 + 3 people: whatever the order, 130 tickets leave the last window at the most."""
    monkeypatch.setattr(data, "WINDOW_BYTES", 1)
    skipped, undisturbed = PEOPLE - 1, tickets(_adults(made), (0, 0))
    read: list[int] = []
    late = tickets(_adults(made, read), (0, 0), skip=skipped)
    assert _epoch(late, 1) == _epoch(undisturbed, PEOPLE)[skipped:]
    assert len(read) == 1


@pytest.mark.parametrize("skip", [1, 63, 64, 65, PEOPLE, PEOPLE + 70])
def test_skipping_tickets_gives_the_same_people_and_views(
    made: Store, monkeypatch: pytest.MonkeyPatch, skip: int
) -> None:
    monkeypatch.setattr(data, "WINDOW_BYTES", 1)

    def drawn(skip: int, count: int) -> list[tuple[str, tuple[int, ...]]]:
        stream = itertools.islice(tickets(_adults(made), (0, 0), skip=skip), count)
        return [(t.people.people[t.row].person_id, t.seed) for t in stream]

    assert drawn(skip, 5) == drawn(0, skip + 5)[skip:]


def test_no_two_tickets_have_the_same_seed(made: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "WINDOW_BYTES", 1)
    stream = tickets(_adults(made), (0, 0))
    seeds = [ticket.seed for ticket in itertools.islice(stream, 2 * PEOPLE)]
    assert len(set(seeds)) == 2 * PEOPLE


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Stage]:
    """13 people in 12 images; images 0, 3, 6 and 9 are cut, and the first has two people."""
    store, population = Store(str(tmp_path_factory.mktemp("torn"))), Torn()
    make(store, [population])
    return store, supervised(13, per_step=5, source=(Feed(population, "train", 5),))


def test_an_image_that_does_not_decode_is_replaced_alike_every_time_and_counted_once(
    torn: tuple[Store, Stage],
) -> None:
    store, stage = torn
    loaders = [stage_loader(store, stage, CPU, read_directly) for _ in range(2)]
    first, second = (list(loader.batches(0)) for loader in loaders)
    assert _same(first, second)
    assert {len(source.images) for source, _ in first} == {5}
    assert loaders[0].left_out.counts() == {"undecodable image": 5}
    assert loaders[0].left_out.content() == loaders[1].left_out.content()


def test_what_was_left_out_survives_a_checkpoint(torn: tuple[Store, Stage]) -> None:
    store, stage = torn
    whole = stage_loader(store, stage, CPU, read_directly)
    list(whole.batches(0))
    resumed = stage_loader(store, stage, CPU, read_directly)
    resumed.left_out.add(whole.left_out.content())
    list(resumed.batches(12))
    assert resumed.left_out.counts() == whole.left_out.counts()


def test_a_population_of_which_no_image_decodes_is_an_error(
    torn: tuple[Store, Stage],
) -> None:
    """The first two people are in one image, which is cut."""
    store, stage = torn
    (feed,) = stage.source
    only = dataclasses.replace(stage, source=(dataclasses.replace(feed, people=2),))
    with pytest.raises(
        UndecodableImageError, match="one of 2 images must decode.* Make or import"
    ):
        _batches(store, only)


def test_everybody_of_a_feed_is_seen_equally_often(made: Store) -> None:
    (feed,) = supervised().source
    first = dataclasses.replace(feed, people=10)
    opened = open_in(made, ADULTS)
    ten = reader(opened, "train", labelled=True, read_tables=read_directly, people=first.people)
    counts = Counter(_epoch(tickets(ten, (0, 0)), 30))
    assert set(counts.values()) == {3}
    assert len(counts) == 10
