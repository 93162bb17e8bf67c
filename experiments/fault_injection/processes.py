"""Processes, however far they are from whoever started them."""

import ctypes
import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36
"""Of Linux's <sys/prctl.h>."""


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that none gets out of sight.

    Raises:
        OSError: if this system cannot; it is Linux's.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"orphans must be adopted, but {os.strerror(number)}: use Linux.")


def bury(own: Collection[int]) -> None:
    """Let adopted processes that have ended disappear: until then others take them for alive.

    Args:
        own: children that somebody here waits for.
    """
    for child in psutil.Process().children():
        if child.pid not in own and has_ended(child.pid):
            with suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)


def descendants() -> list[psutil.Process]:
    """Everything alive that this process has started, or that was started by such."""
    return [p for p in psutil.Process().children(recursive=True) if not has_ended(p.pid)]


def tree(pid: int) -> list[int]:
    """A process and everything that it has started; nothing if it is gone."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def has_ended(pid: int) -> bool:
    """Whether a process does nothing any more."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def kill(pids: Iterable[int]) -> None:
    """End processes as a power cut does, in this order."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def title(pid: int) -> str:
    """How a process calls itself; empty if it is gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def raylet_above(pid: int) -> int | None:
    """The process of Ray that stands for the node of a process; None if it is gone."""
    try:
        above = psutil.Process(pid).parents()
        return next((parent.pid for parent in above if parent.name() == "raylet"), None)
    except psutil.NoSuchProcess:
        return None
