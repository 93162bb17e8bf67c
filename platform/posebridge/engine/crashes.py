"""What went wrong in a task: an error of its own, or a process or node that was lost under it."""

import torch
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    UserCodeException,
    WorkerCrashedError,
)

from posebridge.engine.leases import LeaseLostError

CRASHES = (
    LeaseLostError,
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    WorkerCrashedError,
)
DIVERGED = (FloatingPointError, torch.OutOfMemoryError)
_CURES = (
    (OutOfMemoryError, "Lower the stage's per_step, or use nodes with more memory."),
    (NodeDiedError, "See why the node was lost, then run the same command again."),
    (
        WorkerCrashedError,
        "Most often memory ran out, or somebody killed it: see dmesg of its machine.",
    ),
)


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first, without what Ray wraps around it."""
    while isinstance(error, RayTaskError | UserCodeException):
        inner = error.cause if isinstance(error, RayTaskError) else error.__cause__
        if inner is None:
            break
        error = inner
    return error


def explained(error: BaseException) -> str:
    """What went wrong first, in one line."""
    cause = first_cause(error)
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


def is_crash(error: BaseException) -> bool:
    """Whether the machinery under a task gave way, so that the same task may well succeed."""
    return isinstance(first_cause(error), CRASHES)


def has_diverged(error: BaseException) -> bool:
    """Whether a training went wrong by what it was asked to do: not finite, or too large."""
    return isinstance(first_cause(error), DIVERGED)


def given_up(error: BaseException, crashes: int) -> str:
    """Why a task that crashed again and again is not tried once more, and what to do."""
    cause = first_cause(error)
    cure = next((f" {cure}" for kind, cure in _CURES if isinstance(cause, kind)), "")
    return f"{explained(error)} This was crash {crashes} without getting any further.{cure}"
