"""Requests of the tests, and what executes them in this process."""

import dataclasses
from pathlib import Path
from typing import Any

from engine.watching import Witness
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import execute_here
from posebridge.engine.importing.outcome import Outcome, outcome
from posebridge.engine.importing.tasks import index_tasks, shard_tasks
from posebridge.populations.importers.base import Importer
from posebridge.populations.importers.coco import CocoKeypoints
from posebridge.populations.importers.index import Request
from posebridge.populations.importers.source import Source


def asked(folder: Path, importer: Importer | None = None, **changes: Any) -> Request:
    """A data set as it lies there."""
    importer = importer or CocoKeypoints()
    source = Source(str(folder))
    request = Request(
        importer=importer,
        folder=str(folder),
        name=importer.name,
        splits=tuple(importer.splits(source).items()),
        skeleton=importer.skeleton(source),
        state=source.state(),
    )
    return dataclasses.replace(request, **changes)


def bring(store: Store, request: Request) -> Outcome:
    """Import it; it must come to an end."""
    execute_here(index_tasks(store, request), store, Witness())
    execute_here(shard_tasks(store, request), store, Witness())
    done = outcome(store, request)
    assert done is not None
    return done
