import pytest
from ray.exceptions import (
    NodeDiedError,
    OutOfMemoryError,
    RayTaskError,
    UserCodeException,
    WorkerCrashedError,
)

from posebridge.engine.crashes import explained, given_up, is_crash


def _wrapped(error: Exception) -> RayTaskError:
    return RayTaskError("f", "a traceback", error)  # type: ignore[no-untyped-call]


def test_the_first_cause_is_told_without_what_ray_wraps_around_it() -> None:
    inner = UserCodeException("while reading")
    inner.__cause__ = ValueError("the shard is cut\n")
    wrapped = _wrapped(_wrapped(inner))
    assert explained(wrapped) == "ValueError: the shard is cut"
    assert explained(UserCodeException("alone")) == "UserCodeException: alone"


@pytest.mark.parametrize(
    "error",
    [
        WorkerCrashedError(),
        NodeDiedError("its machine is off"),  # type: ignore[no-untyped-call]
        OutOfMemoryError("95 % used"),  # type: ignore[no-untyped-call]
        _wrapped(NodeDiedError("below a task")),  # type: ignore[no-untyped-call]
    ],
)
def test_a_process_or_node_that_is_lost_is_a_crash_however_it_is_wrapped(error: Exception) -> None:
    assert is_crash(error)


def test_an_error_of_the_task_itself_is_none() -> None:
    assert not is_crash(_wrapped(ValueError("crooked")))
    assert not is_crash(KeyError("box"))


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (OutOfMemoryError("full"), "Lower the stage's per_step"),  # type: ignore[no-untyped-call]
        (NodeDiedError("off"), "See why the node was lost"),  # type: ignore[no-untyped-call]
        (WorkerCrashedError(), "see dmesg of its machine"),
    ],
)
def test_what_is_given_up_says_how_often_it_crashed_and_what_to_do(
    error: Exception, cure: str
) -> None:
    told = given_up(error, 3)
    assert told.startswith(f"{type(error).__name__}: ")
    assert "This was crash 3 without getting any further." in told
    assert cure in told
