"""Several processes on a cluster that do one thing together.

Ray Train finds room for them, connects them and notices when one dies. It keeps nothing that
matters: what must last, the processes leave in the store themselves, and the folder that Ray Train
asks for is removed at the end. A group that lost a process starts again, as often as it gets
further; an error of its own ends it at once.
"""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow.fs
import ray
import ray.train
import torch.distributed as dist
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError
from ray.train.v2.api.exceptions import ControllerError, WorkerGroupError

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import gpus_per_task
from posebridge.engine.crashes import given_up, is_crash
from posebridge.engine.group import Group, GroupBrokenError
from posebridge.engine.leases import LeaseLostError
from posebridge.populations import files

Member = Callable[[Group], None]
"""What each process does, given who it is; it can be sent to another process."""

CRASHES_WITHOUT_PROGRESS = 2
WAIT_SECONDS = 24 * 3600
"""So long a group waits for room, as any task does."""
ELASTIC_WAIT_SECONDS = 15
"""So long one that may shrink waits before it counts again what room there is."""
FOLDER = "ray-train"
_SETTINGS = {
    # How often Ray Train looks whether a process died, or all have ended.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # The store may be named by a relative path.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


@dataclass(frozen=True)
class Workers:
    """What a group is made of.

    Attributes:
        fewest: processes.
        most: likewise; with more than the fewest the group shrinks and grows with the cluster.
        cpus: of each. Each also takes a GPU, if the cluster has any.
    """

    fewest: int
    most: int
    cpus: int

    @property
    def is_elastic(self) -> bool:
        """Whether their number may change."""
        return self.most > self.fewest

    def scaling(self, gpus: float) -> ScalingConfig:
        """The same in the words of Ray Train; `gpus` are those of each."""
        return ScalingConfig(
            num_workers=(self.fewest, self.most) if self.is_elastic else self.most,  # type: ignore[arg-type]
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": self.cpus} | ({"GPU": gpus} if gpus else {}),
        )


def run_together(
    member: Member, workers: Workers, store: Store, name: str, step: Callable[[], float]
) -> None:
    """Let a group do something, until it is done.

    Args:
        member: what each process does; it must go on where an earlier group was ended.
        workers: of the group.
        store: that all of them reach.
        name: of what is done, for people.
        step: tells how far it is.

    Raises:
        Exception: what a process raised; or, if they die again and again, a RuntimeError.
    """
    if not ray.is_initialized():
        raise ValueError(
            f"{name} must have Ray for its {workers.most} workers, but there is none in this "
            "process. Leave out --debug, or set the stage's workers to 1."
        )
    crashes, reached = 0, 0.0
    while (error := _attempt(member, workers, store, name)) is not None:
        if not _is_crash(error):
            raise error
        now = step()
        crashes, reached = 1 if now > reached else crashes + 1, now
        if crashes > CRASHES_WITHOUT_PROGRESS:
            raise RuntimeError(f"{name}: {given_up(error, crashes)}") from error


def _attempt(member: Member, workers: Workers, store: Store, name: str) -> Exception | None:
    """Run one group to its end; what ended it, if it was not done."""
    gpus = gpus_per_task()
    fs, root = files.locate(store.uri)
    folder = f"{root.rstrip('/')}/{FOLDER}"
    # Ray Train takes up an older run of the same name, with its old results.
    run = f"{name}-{uuid.uuid4().hex[:8]}"
    wait = ELASTIC_WAIT_SECONDS if workers.is_elastic else WAIT_SECONDS
    os.environ.update(_SETTINGS | {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(wait)})
    trainer = TorchTrainer(
        _be_member,
        train_loop_config={"member": member},
        scaling_config=workers.scaling(gpus),
        torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
        run_config=RunConfig(
            name=run,
            storage_path=folder,
            storage_filesystem=pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs)),
            # Which failures are worth another attempt is decided here. Time-outs are waits.
            failure_config=FailureConfig(  # type: ignore[call-arg]  # mypy sees the older one
                max_failures=0, controller_failure_limit=WAIT_SECONDS // wait - 1
            ),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        return _cause(error)
    except ray.exceptions.RayError as error:
        return error
    finally:
        _clear(fs, folder, name)
    return None


def _clear(fs: fsspec.AbstractFileSystem, folder: str, name: str) -> None:
    """Remove what this group, or one that was killed, has left there: its lease is held."""
    for left in fs.glob(f"{folder}/{name}-*"):
        fs.rm(left, recursive=True)


def _be_member(config: dict[str, Any]) -> None:
    context = ray.train.get_context()
    config["member"](Group(context.get_world_rank(), context.get_world_size()))


def _cause(error: TrainingFailedError) -> Exception:
    """What ended a group: the death of a process before what the others said of it."""
    if isinstance(error, ControllerError):
        return error
    assert isinstance(error, WorkerGroupError)
    failures = [
        failure.health_check_failure
        if isinstance(failure, WorkerHealthCheckFailedError)
        else failure
        for _, failure in sorted(error.worker_failures.items())
    ]
    own = [failure for failure in failures if not _is_crash(failure)]
    return next(iter([*own, *failures]), error)


def _is_crash(error: Exception) -> bool:
    """Whether another group may succeed; one that lost its lease must leave it to the other."""
    broken = isinstance(error, GroupBrokenError | dist.DistError | ControllerError)
    return broken or (is_crash(error) and not isinstance(error, LeaseLostError))
