"""How many people a second does one core render?

Run:     python experiments/benchmark_rendering.py       (--quick: few images)
Cost:    about 5 minutes on 2 cores, --quick under one
Expect:  at least 25 images/s a core at 256×192, at least 3 at 1024×1024; crowds slower by their
         people; a minute to compile on the first call, and a second from then on

At 256×192 an image is a finished scene rasterized, shaded and photographed with four samples a
pixel and with its maps: depth, normals, parts and people. What a population stores takes more:
somebody has to be posed, dressed and put into a place first, and all is encoded in the end;
`stored_per_s_per_core_256` says how much. Each population renders the same number of images of
its train split, in turns, 5 rounds. Speed is by the processor's time on one thread, which a busy
machine stretches little; the number of all is that of the same number of images of each population
that shows one person. At 1024×1024 it is the whole way, scene and encoding too, of adults and of
infants at home through a larger camera, one sample a pixel.

Intervals are 95 %, Student's t over rounds. Compiling is measured in processes of their own, by
the clock: one finds an empty cache, the next a full one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from scipy import stats

from posebridge.engine.provenance import versions
from posebridge.populations import all_populations
from posebridge.populations.adult import Adult
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.embedded import SinglePerson
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.photographs import photograph, sample
from posebridge.synthesis.adult_scenes import adult_scene
from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene
from posebridge.synthesis.scenes import Scene

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
ROUNDS = 5
LARGE_PX = 1024
THREADS = "OMP_NUM_THREADS"
FIRST = "from posebridge.populations.adult import Adult; Adult(train=1).render('train', 0)"


Item = TypeVar("Item")


@dataclass(frozen=True)
class Size:
    """How much is rendered of each population in a round."""

    rounds: int
    images: int
    large: int


FULL, QUICK = Size(ROUNDS, 20, 3), Size(2, 3, 1)


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few images; writes no file")
    quick = parser.parse_args().quick
    if os.environ.get(THREADS) != "1":  # NumPy's and OpenCV's libraries read it when they load
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, THREADS: "1"})
    cv2.setNumThreads(1)
    result = measure(QUICK if quick else FULL) | {"quick": quick}
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


def measure(size: Size) -> dict[str, Any]:
    """Seconds per image of every population, round by round."""
    populations = [
        kind(train=size.rounds * size.images)
        for kind in all_populations()
        if issubclass(kind, RenderedPopulation)
    ]
    alone = [population for population in populations if isinstance(population, SinglePerson)]
    large = {"adult": large_adult, "infant-real": large_infant}
    for population in populations:  # the first compiles
        population.render("train", 0)
    for draw in large.values():
        draw(0)
    stored: dict[str, list[float]] = {population.name: [] for population in populations}
    drawn: dict[str, list[float]] = {population.name: [] for population in alone}
    big: dict[str, list[float]] = {name: [] for name in large}
    for number in range(size.rounds):
        indices = range(number * size.images, (number + 1) * size.images)
        for whole in populations:
            stored[whole.name].append(seconds_each(partial(whole.render, "train"), indices))
            print(f"round {number + 1}: {whole.name} {1 / stored[whole.name][-1]:.1f} stored/s")
        for single in alone:
            scenes = [single.photo("train", index).scene for index in indices]
            drawn[single.name].append(seconds_each(drawing, scenes))
            print(f"round {number + 1}: {single.name} {1 / drawn[single.name][-1]:.1f} images/s")
        for name, draw in large.items():
            few = range(number * size.large, (number + 1) * size.large)
            big[name].append(seconds_each(draw, few))
            print(f"round {number + 1}: {name} {LARGE_PX}² {1 / big[name][-1]:.2f} images/s")
    return {
        "benchmark": Path(__file__).stem,
        **speed("images_per_s_per_core_256", list(drawn.values())),
        **speed("stored_per_s_per_core_256", [stored[name] for name in drawn]),
        **speed("images_per_s_per_core_1024", list(big.values())),
        "per_population": {name: size_of(times) for name, times in drawn.items()},
        "per_population_stored": {name: size_of(times) for name, times in stored.items()},
        "per_population_1024": {name: size_of(times) for name, times in big.items()},
        "seconds_to_first_image": compile_seconds(),
        "rounds": size.rounds,
        "images": size.images,
        "images_1024": size.large,
        "load_average": os.getloadavg()[0],
        "machine": {"cores": os.cpu_count(), **versions()},
    }


def seconds_each(draw: Callable[[Item], object], items: Sequence[Item]) -> float:
    """Seconds of the processor for an image."""
    since = time.process_time()
    for item in items:
        draw(item)
    return (time.process_time() - since) / len(items)


def drawing(scene: Scene) -> object:
    """The picture of a scene, with its maps and through its sensor."""
    photo = photograph(scene, supersample=2)
    return scene.sensor.apply(photo.frame.image, np.random.default_rng(0))


def speed(name: str, times: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Images a second over several populations with the same number of images each."""
    per_round = 1 / np.mean(times, axis=0)
    reach = stats.t.ppf(0.975, len(per_round) - 1) * stats.sem(per_round)
    mean = float(per_round.mean())
    return {name: mean, f"{name}_interval": [mean - float(reach), mean + float(reach)]}


def size_of(times: Sequence[float]) -> float:
    """Images a second of one population."""
    return float(1 / np.mean(times))


def large_adult(index: int) -> None:
    """An adult through a larger camera, encoded."""
    adult = Adult(train=1)
    _draw_large(adult_scene(adult.streams("train", index), roll_deg=adult.roll_deg), adult, index)


def large_infant(index: int) -> None:
    """An infant at home with everything in its way, likewise."""
    infant = InfantReal(train=1)
    knobs = InfantKnobs(
        infant.rotation_deg, clothes=True, clutter=True, occluders=True, flaws=True
    )
    _draw_large(infant_scene(infant.streams("train", index), knobs), infant, index)


def _draw_large(scene: Scene, population: RenderedPopulation, index: int) -> None:
    camera = replace(scene.camera, height=LARGE_PX, width=LARGE_PX)
    photo = photograph(replace(scene, camera=camera), supersample=1)
    grain = population.generator("train", index, "grain")
    sample(photo, grain, image_id="large", subjects=("large-0",))


def compile_seconds() -> dict[str, float]:
    """Seconds until a new process has its first image, without and with compiled kernels."""
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for state in ("compiling", "compiled"):
            since = time.perf_counter()
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            subprocess.run([sys.executable, "-c", FIRST], env=environment, check=True)
            found[state] = time.perf_counter() - since
    return found


if __name__ == "__main__":
    main()
