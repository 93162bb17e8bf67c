"""Where the work on an import lies until it is done.

All of it is under the key of what is asked: the hash of the content, under which experiments look,
is known when the last shard is done.
"""

import json
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.leases import LEASE
from posebridge.populations.importers.index import Request
from posebridge.populations.manifest import MANIFEST_FILE

POPULATIONS = "populations"


def population_path(name: str, content: str) -> str:
    """Where a population of some content lies."""
    return f"{POPULATIONS}/{name}-{content}"


def work_path(request: Request) -> str:
    """Where the work on a request lies until it is done."""
    return f"imports/{request.name}-{request.key()}"


def done_marker(request: Request) -> str:
    """The file that says what a request became."""
    return f"{work_path(request)}/done.json"


def index_marker(request: Request, split: str) -> str:
    """The file that says what a split lists."""
    return f"{work_path(request)}/index/{split}.json"


def listed_path(request: Request, split: str, index: int) -> str:
    """The file with the images and people of a shard, as they are listed."""
    return f"{work_path(request)}/index/{split}-{index:05d}.json"


def shard_marker(request: Request, split: str, index: int) -> str:
    """The file that says a shard was made, and what of."""
    return f"{work_path(request)}/made/{split}-{index:05d}.json"


def lease_path(request: Request, what: str) -> str:
    """The file that says who is at something."""
    return f"{work_path(request)}/leases/{LEASE}-{what}"


def read_index(store: Store, request: Request, split: str) -> dict[str, Any]:
    """What a split lists: people of each shard, and who was left out."""
    content: dict[str, Any] = store.read_json(index_marker(request, split))
    return content


def read_told(store: Store, request: Request) -> list[dict[str, Any]]:
    """What is known of every shard, in order."""
    markers = [
        shard_marker(request, split, number)
        for split, _ in request.splits
        for number in range(len(read_index(store, request, split)["people"]))
    ]
    found = store.read_many(markers)
    return [json.loads(found[marker]) for marker in markers]


def forget_lists(store: Store, request: Request) -> None:
    """Remove what was listed of shards that are made; the markers stay, for whoever else asks."""
    folder = f"{work_path(request)}/index"
    markers = {index_marker(request, split) for split, _ in request.splits}
    for name in store.children(folder):
        if f"{folder}/{name}" not in markers:
            store.delete(f"{folder}/{name}")
    store.delete(f"{work_path(request)}/{MANIFEST_FILE}")


def forget_all(store: Store, request: Request) -> None:
    """Remove every marker of an import, so that it begins anew."""
    store.delete(done_marker(request))
    for folder in ("index", "made"):
        for name in store.children(f"{work_path(request)}/{folder}"):
            store.delete(f"{work_path(request)}/{folder}/{name}")
