import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from posebridge.engine import holders
from posebridge.engine.holders import LEASE_SECONDS, LONGEST_LOOK, Holder, Watch, parse_holder

ELSEWHERE = replace(Holder.here(), host="elsewhere", machine="elsewhere")


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def child() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield psutil.Process(process.pid)
        process.kill()


def _of(process: psutil.Process) -> Holder:
    started = process.create_time() - psutil.boot_time()
    return replace(Holder.here(), pid=process.pid, started=started)


def _watched(content: bytes, seconds: float, *, every: float = 1.0) -> bool:
    """Whether a lease whose content never changes is gone after so long."""
    clock, end = Clock(), 1000.0 + seconds
    watch = Watch(clock)
    gone = watch.is_gone("lease", content)
    while clock.now < end:
        clock.now += every
        gone = watch.is_gone("lease", content)
    return gone


def test_a_holder_is_read_as_it_was_written() -> None:
    holder = replace(Holder.here(), progress={"step": 3})
    assert parse_holder(holder.content()) == holder
    assert holder.pid == os.getpid()


@pytest.mark.parametrize("content", [b"", b"[1]", b"{}", b'{"pid": 1}'])
def test_what_is_no_holder_is_none_and_gone_at_once(content: bytes) -> None:
    assert parse_holder(content) is None
    assert Watch().is_gone("lease", content)


def test_two_leases_of_one_process_are_told_apart() -> None:
    assert Holder.here().lease != Holder.here().lease


def test_a_process_that_lives_here_is_there(child: psutil.Process) -> None:
    assert not Holder.here().is_gone()
    assert not _of(child).has_ended()


def test_a_process_that_was_killed_here_is_gone_at_once(child: psutil.Process) -> None:
    holder = _of(child)
    child.kill()
    child.wait()
    assert Watch().is_gone("lease", holder.content())
    assert holder.is_gone()


def test_a_process_that_ended_but_was_not_waited_for_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        child = psutil.Process(process.pid)
        holder = _of(child)
        while child.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert holder.has_ended()


def test_another_process_with_the_same_number_is_not_the_holder(child: psutil.Process) -> None:
    assert replace(_of(child), started=0.0).has_ended()


def test_setting_the_clock_does_not_end_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says when the machine was started by the time of day, as it is set now."""
    holder = Holder.here()
    create_time, boot_time = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + 3600.0)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + 3600.0)
    assert not holder.has_ended()


def test_of_a_process_in_another_container_nothing_is_seen() -> None:
    """It may have the same host name, and its number means nothing here."""
    holder = replace(Holder.here(), machine="another namespace", pid=2**22 + 1)
    assert not holder.has_ended()
    assert not Watch().is_gone("lease", holder.content())


def test_a_silent_holder_keeps_its_lease_for_a_minute() -> None:
    content = ELSEWHERE.content()
    assert not _watched(content, LEASE_SECONDS - 1.0)
    assert _watched(content, LEASE_SECONDS)


def test_a_process_that_is_stopped_here_loses_its_lease_as_well(child: psutil.Process) -> None:
    child.suspend()
    assert _watched(_of(child).content(), LEASE_SECONDS)


def test_a_clock_that_is_wrong_makes_nobody_silent() -> None:
    """Neither one that is behind, nor one that is ahead, nor what was said long ago."""
    for seconds in (-86_400.0, 86_400.0):
        holder = replace(ELSEWHERE, beat=time.time() + seconds)
        assert not Watch().is_gone("lease", holder.content())
        assert not _watched(holder.content(), LEASE_SECONDS - 1.0)
        assert _watched(holder.content(), LEASE_SECONDS)


def test_every_sign_of_life_counts() -> None:
    clock = Clock()
    watch = Watch(clock)
    for beat in range(300):
        assert not watch.is_gone("lease", replace(ELSEWHERE, beat=float(beat // 50)).content())
        clock.now += 1.0


def test_a_watcher_that_slept_has_not_seen_a_silence() -> None:
    """Perhaps its whole machine did, and the holder with it."""
    content, pauses = ELSEWHERE.content(), int(LEASE_SECONDS / LONGEST_LOOK)
    assert not _watched(content, 3600.0 * (pauses - 1), every=3600.0)
    assert _watched(content, 3600.0 * pauses, every=3600.0)


def test_two_leases_are_watched_apart() -> None:
    clock = Clock()
    watch = Watch(clock)
    for _ in range(70):
        gone = watch.is_gone("one", ELSEWHERE.content())
        clock.now += 1.0
    assert gone
    assert not watch.is_gone("other", ELSEWHERE.content())


def test_at_one_look_two_clocks_are_compared() -> None:
    for seconds, gone in ((0.0, False), (-2 * LEASE_SECONDS, True), (2 * LEASE_SECONDS, True)):
        assert replace(ELSEWHERE, beat=time.time() + seconds).is_gone() == gone


def test_a_holder_is_told_to_people() -> None:
    told = str(replace(ELSEWHERE, pid=17))
    assert told.startswith("process 17 on elsewhere (since ")


def test_a_machine_is_the_same_for_all_its_processes() -> None:
    code = "from posebridge.engine.holders import machine; print(machine())"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == holders.machine()
