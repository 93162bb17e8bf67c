import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from posebridge.engine import leases
from posebridge.engine.artifacts import Store
from posebridge.engine.holders import LEASE_SECONDS, Holder, Watch
from posebridge.engine.leases import (
    Lease,
    LeaseLostError,
    LeaseTakenError,
    clear,
    hold,
    read_holder,
)
from posebridge.populations import files

PATHS = [str(Path(__file__).parents[2] / "platform"), str(Path(__file__).parents[1])]
GONE = replace(Holder.here(), started=-1000.0)
"""Its process number belongs to another by now."""
SILENT = replace(Holder.here(), host="elsewhere", machine="elsewhere")


@pytest.fixture(params=["a folder", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return Store(f"{request.getfixturevalue('bucket')}/folder")
    return Store(str(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.fixture(autouse=True)
def _no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 3600.0)


def _patient(store: Store) -> Watch:
    """A watch that has looked for a minute at what is there now."""
    now = [0.0]
    watch = Watch(lambda: now[0])
    for name in store.children("stages"):
        for second in range(int(LEASE_SECONDS) + 1):
            now[0] = float(second)
            watch.is_gone(f"stages/{name}", store.read(f"stages/{name}"))
    return watch


def _takes(store: Store, watch: Watch | None = None) -> bool:
    try:
        Lease(store, "stages/lease").take(watch or Watch())
    except LeaseTakenError:
        return False
    return True


def _overtake(store: Store) -> Lease:
    """Somebody else takes a lease whose holder has been silent for a minute."""
    lease = Lease(store, "stages/lease")
    lease.take(_patient(store))
    return lease


def test_a_lease_is_held_by_one_and_freed_at_the_end(any_store: Store) -> None:
    with (
        hold(any_store, "stages/abc"),
        pytest.raises(LeaseTakenError, match=f"process {os.getpid()} on .* is making it"),
        hold(any_store, "stages/abc"),
    ):
        pytest.fail("two held it")
    with hold(any_store, "stages/abc"):
        pass
    assert any_store.children("stages/abc") == []


def test_a_lease_is_freed_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), hold(store, "stages"):
        raise ZeroDivisionError
    assert store.children("stages") == []


def test_two_artifacts_of_one_folder_have_leases_of_their_own(store: Store) -> None:
    with hold(store, "stages", "lease-1"), hold(store, "stages", "lease-2"):
        assert store.children("stages") == ["lease-1", "lease-2"]


def test_a_new_holder_removes_what_a_killed_one_left_half_written(store: Store) -> None:
    store.write("stages/checkpoint", b"whole")
    left = Path(store.uri, "stages", f".checkpoint.0123{files.TEMPORARY}")
    trying = Path(store.uri, "stages", f".lease.0123{files.TEMPORARY}")
    for file in (left, trying):
        file.write_bytes(b"half")
    with hold(store, "stages"):
        assert not left.exists()
        assert trying.exists(), "another process is just trying to take the lease"
    assert store.read("stages/checkpoint") == b"whole"


def test_the_holder_shows_signs_of_life_while_it_is_busy(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    with hold(any_store, "stages") as lease:
        first = read_holder(any_store, lease.path)
        assert first is not None
        lease.tell({"step": 3})
        found: Holder | None = first
        while not (found and found.progress):
            found = read_holder(any_store, lease.path)
        assert found.progress == {"step": 3}
        assert found.beat > first.beat
        assert found.lease == first.lease
    assert read_holder(any_store, "stages/lease") is None
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("beat of") for name in names)


def test_a_sign_of_life_that_cannot_be_given_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    write, refused = Store.write, threading.Event()

    def refuse_once(self: Store, path: str, content: bytes, **how: Any) -> None:
        if not refused.is_set():
            refused.set()
            raise OSError("the network is down")
        write(self, path, content, **how)

    with hold(store, "stages") as lease:
        monkeypatch.setattr(Store, "write", refuse_once)
        assert refused.wait(60)
        last = read_holder(store, lease.path)
        while read_holder(store, lease.path) == last:
            time.sleep(0.001)
    assert "no sign of life could be given: the network is down" in caplog.text


def test_another_process_of_the_same_training_may_say_how_far_it_is(store: Store) -> None:
    with hold(store, "stages") as lease:
        copy: Lease = pickle.loads(pickle.dumps(lease))
        copy.tell({"step": 5})
        copy.beat()
        copy.write("stages/checkpoint", b"5")
        lease.beat()
        found = read_holder(store, lease.path)
        assert found is not None
        assert found.progress == {"step": 5}


@pytest.mark.parametrize(
    "content", [GONE.content(), b"", b"[1]"], ids=["ended here", "empty", "no lease"]
)
def test_of_several_takers_one_follows_a_holder_that_is_gone(
    any_store: Store, content: bytes
) -> None:
    any_store.write("stages/lease", content)
    barrier = threading.Barrier(4)

    def take(_: int) -> bool:
        barrier.wait()
        return _takes(any_store)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1
    holder = read_holder(any_store, "stages/lease")
    assert holder is not None
    assert holder.pid == os.getpid()
    assert any_store.children("stages") == ["lease"]


def test_a_holder_that_was_silent_for_a_minute_is_followed(store: Store) -> None:
    store.write("stages/lease", SILENT.content())
    assert not _takes(store)
    assert _takes(store, _patient(store))


def test_who_is_found_gone_is_cleared_for_one_who_has_not_watched(store: Store) -> None:
    store.write("stages/lease", SILENT.content())
    clear(store, "stages/lease", Watch())
    assert store.children("stages") == ["lease"]
    clear(store, "stages/lease", _patient(store))
    assert store.children("stages") == []
    clear(store, "stages/lease", Watch())
    assert store.children("stages") == []


def test_a_successor_that_died_before_it_took_the_lease_is_followed_too(store: Store) -> None:
    """`kill -9` between the claim that decides who follows and the lease itself."""
    store.write("stages/lease", GONE.content())
    store.write(f"stages/lease-after-{GONE.lease}", replace(GONE, lease="second").content())
    assert _takes(store)
    assert store.children("stages") == ["lease"]


def test_a_living_successor_keeps_the_lease(store: Store) -> None:
    store.write("stages/lease", GONE.content())
    store.write(f"stages/lease-after-{GONE.lease}", replace(SILENT, lease="second").content())
    with pytest.raises(LeaseTakenError, match="elsewhere .* is making it"):
        Lease(store, "stages/lease").take(Watch())


def _meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], None]) -> None:
    """Let something happen just before the next file of a name is created."""
    create, done = Store.create, [False]

    def create_later(self: Store, path: str, content: bytes) -> bool:
        if name in path and not done[0]:
            done[0] = True
            happens()
        return create(self, path, content)

    monkeypatch.setattr(Store, "create", create_later)


def test_who_is_slow_does_not_follow_a_holder_that_was_followed_long_ago(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another took over, and its claim is gone, while this one was about to make its own."""
    store.write("stages/lease", GONE.content())
    other = Lease(store, "stages/lease")
    _meanwhile(monkeypatch, "-after-", lambda: other.take(Watch()))
    with pytest.raises(LeaseTakenError, match="another process has just taken it over"):
        Lease(store, "stages/lease").take(Watch())
    assert store.children("stages") == ["lease"]
    other.confirm()


def test_who_is_slow_does_not_follow_one_that_has_finished_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("stages/lease", GONE.content())
    _meanwhile(monkeypatch, "-after-", lambda: store.delete("stages/lease"))
    with pytest.raises(LeaseTakenError, match="another process has just .*finished"):
        Lease(store, "stages/lease").take(Watch())
    assert store.children("stages") == []


def test_a_lease_that_was_created_though_the_answer_was_lost_is_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library of an object store asks again, and is told that there is such a file."""
    create = Store.create

    def create_twice(self: Store, path: str, content: bytes) -> bool:
        create(self, path, content)
        return create(self, path, content)

    monkeypatch.setattr(Store, "create", create_twice)
    assert _takes(store)


@contextmanager
def _overtaken(store: Store, match: str = "must be held by") -> Iterator[tuple[Lease, Lease]]:
    """A lease that was held here, and that of who has taken it over."""
    with pytest.raises(LeaseLostError, match=match), hold(store, "stages") as lease:
        yield lease, _overtake(store)


def test_who_has_lost_its_lease_writes_nothing_and_leaves_the_others_alone(
    any_store: Store,
) -> None:
    message = r"stages/lease must be held by process .* but is by process .* without writing any"
    with _overtaken(any_store, message) as (lease, other):
        lease.write("stages/checkpoint", b"")
    other.confirm()
    assert any_store.children("stages") == ["lease"]


def test_who_has_lost_its_lease_deletes_nothing(store: Store) -> None:
    store.write("stages/checkpoint", b"")
    with _overtaken(store) as (lease, _):
        lease.delete("stages/checkpoint")
    assert store.exists("stages/checkpoint")


def test_an_error_under_a_lost_lease_is_told_as_the_loss_that_caused_it(store: Store) -> None:
    """Such as a checkpoint that the other has removed."""
    with _overtaken(store):
        store.read("stages/checkpoint")


def test_a_lease_that_somebody_removed_is_lost(store: Store) -> None:
    with _overtaken(store, "but is by nobody") as (lease, _):
        store.delete("stages/lease")
        lease.write("stages/done", b"")
    assert store.children("stages") == []


def test_training_under_a_lost_lease_ends_at_its_next_step(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    other = Lease(store, "stages/lease")

    def train(lease: Lease) -> None:
        while True:
            store.write(other.path, other.holder.content())
            lease.tell({"step": 1})

    with pytest.raises(LeaseLostError), hold(store, "stages") as lease:
        train(lease)
    other.confirm()


def test_a_loss_can_be_sent_to_the_driver() -> None:
    loss = LeaseLostError("it is gone")
    assert str(pickle.loads(pickle.dumps(loss))) == "it is gone"


@pytest.mark.slow
def test_a_process_that_was_stopped_for_a_minute_writes_nothing_when_it_goes_on(
    store: Store,
) -> None:
    """As on a laptop that slept while another machine worked."""
    with subprocess.Popen(
        [sys.executable, "-m", "engine.stopped", store.uri],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(PATHS)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
            psutil.Process(process.pid).suspend()
            other = _overtake(store)
            other.write("stages/checkpoint", b"of the other")
            psutil.Process(process.pid).resume()
            assert process.stdout.read().splitlines()[-1] == "lost"
            assert process.wait() == 0
        finally:
            process.kill()
    other.confirm()
    assert store.read("stages/checkpoint") == b"of the other"
    assert store.children("stages") == ["checkpoint", "lease"]
