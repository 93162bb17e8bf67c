"""Starting Ray: a private cluster on this machine, or the one an address names."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

# Ray reads these when it is imported.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_ENVIRONMENT: "Mapping[str, str]" = {
    # A private cluster on the loopback interface, gone with this process.
    "RAY_AUTH_MODE": "disabled",
}


def gpus_per_task() -> float:
    """GPUs that a training takes: one, if the cluster that runs has any."""
    return 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0  # type: ignore[no-untyped-call]


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Ray for as long as a command runs.

    Args:
        address: of a running cluster; None starts one on this machine that nobody else joins.

    Raises:
        ConnectionError: if there is no cluster at the address, or none can be started here.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is None:
        for name, value in LOCAL_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        # Two, even on one core: a stage of two threads must find its place.
        num_cpus = max(os.cpu_count() or 1, 2)
        _start(address="local", num_cpus=num_cpus, include_dashboard=False)
    else:
        _start(address=address)
    try:
        yield
    finally:
        ray.shutdown()


def _start(**options: Any) -> None:  # noqa: ANN401 - as `ray.init` takes them
    try:
        ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    except ConnectionError:
        raise
    except Exception as error:  # Ray raises bare ones, of a machine that is too slow among others
        raise ConnectionError(
            f"Ray must start or be reached, but did not: {' '.join(str(error).split())} If this "
            "machine is busy, try again when it is not; posebridge doctor says what it lacks."
        ) from error
