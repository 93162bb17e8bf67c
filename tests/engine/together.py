"""Groups of processes on this machine without Ray: forked, and connected as Ray Train would."""

import multiprocessing
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from posebridge.engine.group import Group

PATIENCE_SECONDS = 120


def together(size: int, member: Callable[[Group], Any]) -> list[Any]:
    """What each process of a group gives; the first error of any is raised here."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            fork.Process(target=_be_member, args=(member, Group(rank, size), Path(folder)))
            for rank in range(size)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(PATIENCE_SECONDS)
            process.kill()
        results = [pickle.loads(Path(folder, str(rank)).read_bytes()) for rank in range(size)]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _be_member(member: Callable[[Group], Any], group: Group, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/met", rank=group.rank, world_size=group.size
    )
    try:
        result = member(group)
    except BaseException as error:  # noqa: BLE001 - told to the test
        result = error
    Path(folder, str(group.rank)).write_bytes(pickle.dumps(result))
