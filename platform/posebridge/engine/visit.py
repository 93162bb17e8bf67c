"""Asks every node of a cluster about itself: `python -m posebridge.engine.visit ADDRESS STORE`.

A process of its own, since Ray can wait for ever. The last line that it prints is JSON.
"""

import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.doctor.findings import attempt
from posebridge.engine.doctor.nodes import Visited
from posebridge.engine.provenance import versions

import ray  # isort: skip - after what `cluster` sets
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # isort: skip
from ray.util.state import list_nodes  # isort: skip

VISIT_SECONDS = 60.0


class Witness:
    """Lives on one node, and tells what is seen from there."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def look(self, uri: str, name: str, folder: str) -> dict[str, Any]:
        """What does not need to be told at once.

        Args:
            uri: of the store.
            name: of a file that was put there.
            folder: where Ray keeps its files.
        """
        place = folder if os.path.isdir(folder) else "/"
        return {
            "versions": versions(),
            "disk_free": float(shutil.disk_usage(place).free),
            "store": _missing(Store(uri), name),
        }


def visit(uri: str) -> list[Visited]:
    """Ask every living node of the cluster that runs.

    Args:
        uri: of the store that they should share.
    """
    store, name = Store(uri), f"doctor-{uuid.uuid4().hex[:12]}"
    folder: str = ray.get_runtime_context().get_temp_dir()
    store.create(name, name.encode())
    try:
        alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        return [_ask(node, uri, name, folder) for node in alive]
    finally:
        store.delete(name)


def _ask(node: Mapping[str, Any], uri: str, name: str, folder: str) -> Visited:
    place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    witness: Any = ray.remote(Witness).options(num_cpus=0, scheduling_strategy=place).remote()
    seen: Any = ray.get(witness.look.remote(uri, name, folder), timeout=VISIT_SECONDS)
    # Only now, when it has started: half of the way there and back is the error.
    before = time.time()
    there: Any = ray.get(witness.now.remote(), timeout=VISIT_SECONDS)
    has = node["Resources"]
    return Visited(
        name=node["NodeManagerAddress"],
        cpus=has.get("CPU", 0.0),
        gpus=has.get("GPU", 0.0),
        object_store=has.get("object_store_memory", 0.0),
        ahead_s=there - (before + time.time()) / 2,
        **seen,
    )


def _missing(store: Store, name: str) -> str:
    """Why a file cannot be read here; empty if it can."""
    tried = attempt(lambda: store.read(name).decode())
    return tried.error or ("" if tried.found == name else "it reads otherwise there")


def main(address: str, uri: str) -> None:
    """Print what the nodes say, and how many of them the State API knows."""
    with cluster(address or None):
        nodes = [asdict(one) for one in visit(uri)]
        state = attempt(lambda: f"knows {len(list_nodes())} nodes")
    print(json.dumps({"nodes": nodes, "here": versions(), "state": asdict(state)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
