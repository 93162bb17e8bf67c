"""Starting Ray: a private cluster on this machine, or the one an address names."""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

QUIET: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""What keeps Ray from printing what nobody asked for."""
# Ray reads these when it is imported.
for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402 - see above

from posebridge.engine.addresses import address_of_job  # noqa: E402

LOCAL_ENVIRONMENT: Mapping[str, str] = {"RAY_AUTH_MODE": "disabled"}
"""For several nodes in one process (`ray.cluster_utils`): needed before Ray is imported."""


def local_cpus() -> int:
    """CPUs that Ray is given on this machine: two even on one core, for stages of two threads."""
    return max(os.cpu_count() or 1, 2)


def gpus_per_task() -> float:
    """GPUs that a training takes: one, if the cluster that runs has any."""
    return 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0  # type: ignore[no-untyped-call]


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Ray for as long as a command runs.

    Args:
        address: of a running cluster. With None, the command of a job joins the cluster that runs
            it; any other starts one on this machine that nobody else joins.

    Raises:
        ConnectionError: if there is no cluster at the address, or none can be started here.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    # Tune would show a traceback of every try that failed, also of one that is tried again.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    address = address or address_of_job(os.environ)
    if address is None:
        _keep_private()
        _start(address="local", num_cpus=local_cpus(), include_dashboard=False)
    else:
        _start(address=address)
    try:
        yield
    finally:
        ray.shutdown()


def _keep_private() -> None:
    """Let in only this process and those that it starts.

    Ray listens to the whole network, and whoever reaches it can run code. Where nobody has set
    RAY_AUTH_MODE, it asks for a token by itself: this one, rather than one that it would leave in
    the user's home.
    """
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


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
