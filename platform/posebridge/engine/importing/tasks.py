"""An import as tasks of the graph: first what there is to be read, then its shards."""

from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Task
from posebridge.engine.importing.places import (
    done_marker,
    index_marker,
    lease_path,
    read_index,
    shard_marker,
)
from posebridge.engine.importing.work import finish_import, make_imported_shard, make_index
from posebridge.populations.importers.index import Request


def index_tasks(store: Store, request: Request) -> list[Task]:
    """List what there is: a task for each split."""
    return [
        Task(
            name=f"list {request.name} {split}",
            marker=index_marker(request, split),
            function=make_index,
            arguments=(store.uri, request, split),
            lease=lease_path(request, f"index-{split}"),
        )
        for split, _ in request.splits
    ]


def shard_tasks(store: Store, request: Request) -> list[Task]:
    """Read the images, a task for each shard, and then finish; the index is done."""
    shards = [
        Task(
            name=f"import {request.name} {split} {number + 1}",
            marker=shard_marker(request, split, number),
            function=make_imported_shard,
            arguments=(store.uri, request, split, number),
            lease=lease_path(request, f"{split}-{number:05d}"),
            people=people,
        )
        for split, _ in request.splits
        for number, people in enumerate(read_index(store, request, split)["people"])
    ]
    finish = Task(
        name=f"finish {request.name}",
        marker=done_marker(request),
        function=finish_import,
        arguments=(store.uri, request),
        needs=tuple(task.marker for task in shards),
        lease=lease_path(request, "finish"),
    )
    return [*shards, finish]
