"""How long until every rendered population is there?

Run:     python experiments/benchmark_generation.py       (--quick: 16 images of each split)
Cost:    about 6 minutes on 2 cores, --quick one; with the machine to itself
Expect:  less than 15 minutes for all of them, by default some 10,000 images at 256×192, four clips
         of 250 frames among them

All populations at their default sizes are rendered into an empty store as `posebridge data make`
does it, shard by shard in tasks of Ray on this machine. The clock starts when Ray has.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.provenance import versions
from posebridge.engine.rendering import RenderWatcher
from posebridge.engine.run import population_tasks
from posebridge.engine.work import open_in
from posebridge.populations import all_populations
from posebridge.populations.base import RenderedPopulation

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
QUICK_IMAGES = 16


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few images; writes no file")
    quick = parser.parse_args().quick
    result = measure(populations(quick=quick)) | {"quick": quick}
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


def populations(*, quick: bool) -> list[RenderedPopulation]:
    """All that are rendered, at their default sizes."""
    kinds = [kind for kind in all_populations() if issubclass(kind, RenderedPopulation)]
    if not quick:
        return [kind() for kind in kinds]
    return [replace(kind(), **dict.fromkeys(kind().splits(), QUICK_IMAGES)) for kind in kinds]


def measure(wanted: list[RenderedPopulation]) -> dict[str, Any]:
    """Render all into an empty store, and count what is there."""
    with tempfile.TemporaryDirectory() as folder, cluster(None):
        store = Store(folder)
        tasks = [task for population in wanted for task in population_tasks(store, population)]
        since = time.perf_counter()
        with RenderWatcher(Console(stderr=True), tasks) as watcher:
            failures = execute_on_ray(tasks, store, watcher)
        seconds = time.perf_counter() - since
        if failures:
            raise RuntimeError(f"every shard must be made, but {failures[0]} was not.")
        manifests = {p.name: open_in(store, p).manifest for p in wanted}
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    images = {
        name: sum(split.images for split in manifest.splits.values())
        for name, manifest in manifests.items()
    }
    return {
        "benchmark": Path(__file__).stem,
        "minutes": seconds / 60,
        "images_per_s": sum(images.values()) / seconds,
        "images": sum(images.values()),
        "people": sum(s.people for m in manifests.values() for s in m.splits.values()),
        "images_of": images,
        "left_out": {name: dict(m.rejected) for name, m in manifests.items() if m.rejected},
        "bytes": size,
        "load_average": os.getloadavg()[0],
        "machine": {"cores": os.cpu_count(), **versions()},
    }


if __name__ == "__main__":
    main()
