import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from posebridge.engine.artifacts import Store, StoreError
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


def _at_once(number: int, function: Callable[[], bool]) -> list[bool]:
    """What some threads get that start together."""
    barrier = threading.Barrier(number)

    def run(_: int) -> bool:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.fixture(params=["a folder", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return Store(f"{request.getfixturevalue('bucket')}/folder")
    return Store(str(tmp_path))


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


def test_of_eight_that_create_the_same_file_one_succeeds(any_store: Store) -> None:
    names = iter(range(8))
    won = _at_once(8, lambda: any_store.create("lease", str(next(names)).encode()))
    assert sum(won) == 1
    assert any_store.children("") == ["lease"]


def test_what_another_process_writes_is_seen_at_once(any_store: Store) -> None:
    """A file system that remembers listings would not ask again."""
    any_store.write("stages/a/done", b"")
    assert any_store.children("stages") == ["a"]
    other = fsspec.core.url_to_fs(any_store.uri, skip_instance_cache=True)
    other[0].pipe_file(f"{other[1]}/stages/a/weights", b"")
    assert any_store.children("stages/a") == ["done", "weights"]
    assert any_store.exists("stages/a/weights")
    assert set(files.file_sizes(any_store.path("stages"))) == {"a/done", "a/weights"}


def test_many_files_are_read_at_once(any_store: Store) -> None:
    any_store.write("a", b"1")
    any_store.write("b", b"2")
    assert any_store.read_many(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    assert any_store.read_many([]) == {}


def test_a_store_that_can_be_used_is_left_as_it_was(any_store: Store) -> None:
    any_store.require_exclusive_creation()
    assert any_store.children("") == []


def test_the_object_that_stands_for_a_folder_is_not_in_it(bucket: str) -> None:
    """Consoles of object stores make one."""
    store = Store(bucket)
    filesystem, root = files.locate(bucket)
    filesystem.pipe_file(f"{root}/stages/", b"")
    store.write("stages/a/done", b"")
    assert store.children("stages") == ["a"]


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


class _LooksFirst(MemoryFileSystem):  # type: ignore[misc]
    """Creates a file as fsspec does it for all that have no way of their own."""

    protocol = "looks-first"
    pipe_file = fsspec.AbstractFileSystem.pipe_file


class _Overwrites(MemoryFileSystem):  # type: ignore[misc]
    """A server that takes no notice of the condition."""

    protocol = "overwrites"

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        super().pipe_file(path, value)


@pytest.mark.parametrize("kind", [_LooksFirst, _Overwrites])
def test_a_store_without_exclusive_creation_is_refused_before_any_work(
    kind: type[MemoryFileSystem], tmp_path: Path
) -> None:
    fsspec.register_implementation(kind.protocol, kind, clobber=True)
    store = Store(f"{kind.protocol}://{tmp_path}")
    with pytest.raises(
        StoreError,
        match="cannot create a file exclusively, so two workers could do the same work: "
        "use a local folder or an object store with conditional writes",
    ):
        store.require_exclusive_creation()
    assert store.children("") == []


def test_a_folder_without_links_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT has none, and says that it is not permitted."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError, match="cannot create a file exclusively"):
        store.require_exclusive_creation()
    assert os.listdir(store.uri) == []


def test_an_object_store_without_the_bucket_says_so(s3: None) -> None:
    with pytest.raises(StoreError, match="s3://no-such-bucket: The specified bucket does not"):
        Store("s3://no-such-bucket").require_exclusive_creation()


def test_an_object_store_that_does_not_answer_says_what_to_look_at(
    monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Unable to locate credentials")

    filesystem, _ = files.locate(bucket)
    monkeypatch.setattr(filesystem, "pipe_file", refuse)
    with pytest.raises(
        StoreError, match=r"Unable to locate credentials\. See that its address .*AWS_ENDPOINT_URL"
    ):
        Store(bucket).require_exclusive_creation()


def test_a_library_that_is_not_installed_is_named_with_its_cure() -> None:
    code = """
import sys
sys.modules["s3fs"] = None
from posebridge.engine.artifacts import Store
Store("s3://bucket").children("")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "StoreError: the store s3://bucket needs a library" in ran.stderr
    assert "Install s3fs" in ran.stderr
    assert "run: pip install 'posebridge[s3]'" in ran.stderr


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(StoreError, match="a folder or a URI such as s3://.*got floppy://a "):
        Store("floppy://a").children("")


def test_files_that_are_being_written_are_not_listed(store: Store) -> None:
    store.write("stages/done", b"")
    Path(store.uri, "stages", f".checkpoint.0123{files.TEMPORARY}").write_bytes(b"half")
    assert store.children("stages") == ["done"]
