import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from posebridge.engine import artifacts
from posebridge.engine.artifacts import Lease, LeaseTakenError, Store, StoreError, read_holder
from posebridge.populations import files

CURES = {
    errno.ENOSPC: "the disk is full. Free some space or give another --store",
    errno.EACCES: "there is no permission to write. Give a --store of your own",
    errno.EROFS: "the file system is read-only. Give another --store",
    errno.EIO: os.strerror(errno.EIO),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def _refuse_to_write(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The device refuses when part of a file has been handed to it."""

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)


def _holder(**changes: Any) -> bytes:
    """A lease of this process, changed."""
    mine = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "beat": time.time(),
        "progress": {},
    }
    return json.dumps(mine | changes).encode()


def _dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def _at_once(number: int, function: Callable[[], bool]) -> list[bool]:
    """What some threads get that start together."""
    barrier = threading.Barrier(number)

    def run(_: int) -> bool:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.fixture(params=["a folder", "another file system"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path) if request.param == "a folder" else f"memory://{tmp_path}")


def test_a_store_gives_back_what_was_put_into_it(any_store: Store) -> None:
    any_store.write("stages/abc/weights", b"123")
    any_store.write_json("stages/abc/manifest.json", {"b": [1, 2.5], "a": None})
    assert any_store.read("stages/abc/weights") == b"123"
    assert any_store.read_json("stages/abc/manifest.json") == {"a": None, "b": [1, 2.5]}
    assert any_store.exists("stages/abc/weights")
    assert not any_store.exists("stages/abc/done")
    assert any_store.children("stages/abc") == ["manifest.json", "weights"]
    assert any_store.children("stages/nothing") == []


def test_deleting_what_is_not_there_is_no_error(any_store: Store) -> None:
    any_store.write("file", b"1")
    any_store.delete("file")
    any_store.delete("file")
    assert not any_store.exists("file")


def test_what_is_there_is_not_created_again(any_store: Store) -> None:
    assert any_store.create("file", b"first")
    assert not any_store.create("file", b"second")
    assert any_store.read("file") == b"first"


def test_of_eight_that_create_the_same_file_one_succeeds(store: Store) -> None:
    names = iter(range(8))
    won = _at_once(8, lambda: store.create("lease", str(next(names)).encode()))
    assert sum(won) == 1
    assert store.children("") == ["lease"]


def test_a_reader_never_sees_half_a_file(store: Store) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"abc"]
    store.write("file", contents[0])
    ended = threading.Event()

    def write() -> None:
        for content in contents * 10:
            store.write("file", content)
        ended.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not ended.is_set():
            assert store.read("file") in contents
        writing.result()


@pytest.mark.parametrize("number", CURES)
@pytest.mark.parametrize("way", ["write", "create"])
def test_a_refused_file_leaves_nothing_and_says_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int, way: str
) -> None:
    _refuse_to_write(monkeypatch, number)
    with pytest.raises(StoreError) as caught:
        getattr(store, way)("stages/abc/done", b"content")
    assert CURES[number] in str(caught.value)
    assert f"cannot write stages/abc/done in the store {store.uri}" in str(caught.value)
    assert list(Path(store.uri, "stages/abc").iterdir()) == []


def test_a_refused_replacement_leaves_what_was_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("checkpoint", b"old")
    _refuse_to_write(monkeypatch, errno.ENOSPC)
    with pytest.raises(StoreError, match="the disk is full"):
        store.write("checkpoint", b"new")
    assert os.listdir(store.uri) == ["checkpoint"]
    assert store.read("checkpoint") == b"old"


def test_a_folder_that_may_not_be_made_says_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(StoreError, match=r"no permission to write\. Give a --store of your own"):
        store.write("stages/abc/done", b"")


def test_a_file_system_without_exclusive_creation_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(files, "create", refuse)
    with pytest.raises(StoreError, match="cannot create a file exclusively.* use a local folder"):
        Store("memory://somewhere").create("lease", b"")


def test_files_that_are_being_written_are_not_listed(store: Store) -> None:
    store.write("stages/done", b"")
    Path(store.uri, "stages", f".checkpoint.0123{files.TEMPORARY}").write_bytes(b"half")
    assert store.children("stages") == ["done"]


def test_a_new_holder_removes_what_a_killed_one_left_half_written(store: Store) -> None:
    store.write("stages/checkpoint", b"whole")
    left = Path(store.uri, "stages", f".checkpoint.0123{files.TEMPORARY}")
    trying = Path(store.uri, "stages", f".lease.0123{files.TEMPORARY}")
    for file in (left, trying):
        file.write_bytes(b"half")
    with store.lease("stages"):
        assert not left.exists()
        assert trying.exists(), "another process is just trying to take the lease"
    assert store.read("stages/checkpoint") == b"whole"


def test_a_lease_is_held_by_one_and_freed_at_the_end(any_store: Store) -> None:
    with (
        any_store.lease("stages/abc"),
        pytest.raises(LeaseTakenError, match=f"process {os.getpid()} on .* is making it"),
        any_store.lease("stages/abc"),
    ):
        pytest.fail("two held it")
    with any_store.lease("stages/abc"):
        pass
    assert not any_store.exists("stages/abc/lease")


def test_a_lease_is_freed_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("stages"):
        raise ZeroDivisionError
    assert store.children("stages") == []


def test_the_holder_says_how_far_it_is(store: Store) -> None:
    with store.lease("stages") as lease:
        lease.beat({"step": 3})
        holder = read_holder(store, "stages/lease")
    assert holder is not None
    assert holder.pid == os.getpid()
    assert holder.progress == {"step": 3}
    assert not holder.is_gone()
    assert read_holder(store, "stages/lease") is None


@pytest.mark.parametrize(
    "content",
    [
        _holder(pid=_dead_pid()),
        _holder(started=0.0),
        _holder(host="elsewhere", beat=time.time() - 2 * artifacts.LEASE_SECONDS),
        b"",
        b"[1]",
    ],
    ids=["died", "its number has another process", "silent elsewhere", "empty", "no lease"],
)
def test_of_several_takers_one_follows_a_holder_that_is_gone(
    any_store: Store, content: bytes
) -> None:
    any_store.write("stages/lease", content)

    def take() -> bool:
        try:
            Lease(any_store, "stages/lease").take()
        except LeaseTakenError:
            return False
        return True

    assert sum(_at_once(4, take)) == 1
    holder = read_holder(any_store, "stages/lease")
    assert holder is not None
    assert holder.pid == os.getpid()


def test_a_silent_holder_elsewhere_keeps_its_lease_for_a_minute(store: Store) -> None:
    store.write("stages/lease", _holder(host="elsewhere", pid=1, beat=time.time() - 50.0))
    with pytest.raises(LeaseTakenError, match="process 1 on elsewhere"), store.lease("stages"):
        pytest.fail("it was taken")


def test_a_process_that_has_ended_but_was_not_waited_for_is_gone(store: Store) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        child = psutil.Process(process.pid)
        while child.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        store.write("stages/lease", _holder(pid=child.pid, started=child.create_time()))
        with store.lease("stages"):
            pass


def test_a_successor_that_died_before_it_took_the_lease_is_followed_too(store: Store) -> None:
    """`kill -9` between the file that decides who follows and the lease itself."""
    first, second = _holder(pid=_dead_pid(), started=1.0), _holder(pid=_dead_pid(), started=2.0)
    store.write("stages/lease", first)
    store.write(f"stages/lease-after-{_token(first)}", second)
    with store.lease("stages"):
        holder = read_holder(store, "stages/lease")
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_living_successor_keeps_the_lease(store: Store) -> None:
    first = _holder(pid=_dead_pid(), started=1.0)
    store.write("stages/lease", first)
    store.write(f"stages/lease-after-{_token(first)}", _holder())
    with pytest.raises(LeaseTakenError, match="is making it"), store.lease("stages"):
        pytest.fail("it was taken")


def _token(content: bytes) -> str:
    holder = artifacts.parse_holder(content)
    assert holder is not None
    return holder.token
