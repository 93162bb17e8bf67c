"""What do gradient maps cost in training, and all their steps in inference?

Run:     python experiments/benchmark_guidance.py          (--quick: few rounds; writes no file)
Cost:    about a minute on one core, --quick ten seconds
Expect:  the whole sequence of everybody's maps takes at most 3 % of a training step, and at most a
         fifth of the time of a loop; with the five steps of inference, a third to a half of the
         images a second that the estimator alone shows

The setting is that of embedded scale: MoveNet Lightning, frozen, a UNet of width 16, three poses,
batches of 12. A training step draws one map a person and keypoint; `share_of_step` is of the whole
sequence, `drawn_share_of_step` of what is drawn. The loop draws each Gaussian once, from its two
profiles, and fuses those that weigh something; it is also what the maps are tested against. In a
round everything has its turn, in an order that alternates; shares and ratios are of one round.
All in one thread, as experiments train, and in its CPU time: what else the machine does counts
little.

Intervals are 95 %, Student's t over rounds.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from posebridge.batch import LabeledBatch
from posebridge.engine.provenance import versions
from posebridge.estimators.base import Estimator
from posebridge.estimators.movenet import Lightning
from posebridge.leaderboard.statistics import seed_interval
from posebridge.methods.structure_guided import StructureGuided
from posebridge.networks.guides import Ends, PosePath
from posebridge.networks.pose_paths import Grid
from posebridge.networks.unet import UNetShape

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
ROUNDS, QUICK_ROUNDS = 12, 2
REPEATS = {"step": 3, "sequence": 20, "drawn": 40, "loop": 2, "guided": 2, "estimator": 4}
"""Of each in a round of a full run."""
PEOPLE = 12
PAPER_PEOPLE, PAPER_GRID = 48, Grid(64, 48, 4, 2.0)
METHOD = StructureGuided(unet=UNetShape(width=16))
PATH = PosePath()


def drawn_one_by_one(path: PosePath, start: Tensor, ends: Ends, grid: Grid) -> np.ndarray:
    """The maps of every step, [person, step, keypoint, height, width], by a loop over all."""
    people, keypoints = ends.known.shape
    maps = np.zeros((people, path.num_steps, keypoints, grid.height, grid.width), np.float32)
    for person in range(people):
        for keypoint in range(keypoints):
            known = bool(ends.known[person, keypoint])
            drawn = [
                _gaussian(place, path.sigma, grid) if pose == 0 or known else None
                for pose, place in enumerate(
                    _places(path, start[keypoint], ends.keypoints[person, keypoint])
                )
            ]
            for step, row in enumerate(path.weights):
                shown = maps[person, step, keypoint]
                for weight, gaussian in zip(row, drawn, strict=True):
                    if weight and gaussian is not None:
                        np.maximum(shown, np.float32(weight) * gaussian, out=shown)
    return maps


def _places(path: PosePath, start: Tensor, end: Tensor) -> list[np.ndarray]:
    """Where a keypoint is in each pose; on a cosine schedule."""
    assert path.schedule == "cosine"
    u = np.arange(path.poses) / (path.poses - 1)
    first, last = start.numpy(), end.numpy()
    return [first + (1 - np.cos(np.pi * share)) / 2 * (last - first) for share in u]


def _gaussian(place: np.ndarray, sigma: float, grid: Grid) -> np.ndarray:
    x, y = place / grid.stride - 0.5
    width = 2 * (sigma * grid.sigma_cells) ** 2
    across = np.exp(-((np.arange(grid.width, dtype=np.float32) - x) ** 2) / width)
    down = np.exp(-((np.arange(grid.height, dtype=np.float32) - y) ** 2) / width)
    return np.outer(down, across).astype(np.float32)


def people(count: int, grid: Grid) -> tuple[Tensor, Ends]:
    """A canonical pose, and ends of which a tenth were not found."""
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor((grid.width, grid.height)) * float(grid.stride)
    start = torch.rand(17, 2, generator=generator) * size
    known = torch.rand(count, 17, generator=generator) > 0.1
    keypoints = torch.rand(count, 17, 2, generator=generator) * size
    return start, Ends(keypoints, known, torch.zeros(count, 17, grid.height, grid.width))


def drawing(count: int, grid: Grid) -> dict[str, Callable[[], object]]:
    """The maps of some people: the whole sequence, one step of each, and the loop."""
    start, ends = people(count, grid)
    every = torch.arange(PATH.num_steps).expand(count, -1)
    one = torch.randint(PATH.num_steps, (count, 1), generator=torch.Generator().manual_seed(1))
    return {
        "sequence": lambda: PATH.maps(start, ends, every, grid),
        "drawn": lambda: PATH.maps(start, ends, one, grid),
        "loop": lambda: drawn_one_by_one(PATH, start, ends, grid),
    }


def learning() -> dict[str, Callable[[], object]]:
    """A training step, and inference with and without the UNet."""
    torch.manual_seed(0)
    nets = METHOD.setup(Lightning().build())
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    estimator, batch = METHOD.deployed(nets).estimator, labelled(METHOD.deployed(nets))
    optimiser = torch.optim.Adam([p for p in nets.parameters() if p.requires_grad], fused=True)

    def optimize(_: str, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return {
        "step": lambda: METHOD.update(nets, batch, None, optimize),
        "guided": lambda: METHOD.predict(nets, batch.images),
        "estimator": lambda: alone(estimator, batch.images),
    }


def labelled(estimator: Estimator) -> LabeledBatch:
    """Noise: its content does not change the speed."""
    size = (estimator.input_height, estimator.input_width)
    images = torch.rand(PEOPLE, *size, 3).permute(0, 3, 1, 2)
    keypoints = torch.rand(PEOPLE, 17, 2) * size[0]
    return LabeledBatch(images, keypoints, torch.ones(PEOPLE, 17, dtype=torch.bool))


@torch.no_grad()
def alone(estimator: nn.Module, images: Tensor) -> object:
    """What the estimator itself predicts."""
    assert isinstance(estimator, Estimator)
    return estimator.decode(estimator(images))


def timed(
    rounds: int, work: dict[str, Callable[[], object]], repeats: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """CPU seconds of each, round by round, after a round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        names = list(work) if number % 2 else list(reversed(work))
        for name in names:
            since = time.process_time()
            for _ in range(repeats.get(name, 1)):
                work[name]()
            seconds[name].append((time.process_time() - since) / repeats.get(name, 1))
    return {name: np.array(found[1:]) for name, found in seconds.items()}


def ratio(name: str, over: np.ndarray, under: np.ndarray) -> dict[str, Any]:
    """Mean ratio of the rounds, and its interval: of logarithms, so that either side is alike."""
    found = seed_interval(np.log(over / under).tolist())
    low, high = np.exp([found.low, found.high]).tolist()
    return {name: float(np.exp(found.estimate)), f"{name}_interval": [low, high]}


def measure(*, quick: bool) -> dict[str, Any]:
    """Everything, in rounds."""
    torch.set_num_threads(1)
    rounds, repeats = (QUICK_ROUNDS, {}) if quick else (ROUNDS, REPEATS)
    embedded = Grid(48, 48, 4, 1.5)
    found = timed(rounds, learning() | drawing(PEOPLE, embedded), repeats)
    milliseconds = {name: float(1000 * seconds.mean()) for name, seconds in found.items()}
    result = {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "rounds": rounds,
        "people": PEOPLE,
        **ratio("share_of_step", found["sequence"], found["step"]),
        **ratio("drawn_share_of_step", found["drawn"], found["step"]),
        **ratio("speedup_over_loop", found["loop"], found["sequence"]),
        **ratio("guided_over_estimator", found["estimator"], found["guided"]),
        **ratio("estimator_share_of_step", found["estimator"], found["step"]),
        "images_per_s": {
            name: float((PEOPLE / found[name]).mean()) for name in ("estimator", "guided")
        },
        "milliseconds": milliseconds,
        "machine": {"cores": os.cpu_count(), **versions()},
    }
    return result if quick else result | {"paper_size": paper_size()}


def paper_size() -> dict[str, Any]:
    """The maps of the paper's batches of 48 at 64 × 48."""
    found = timed(ROUNDS, drawing(PAPER_PEOPLE, PAPER_GRID), {})
    return {
        **ratio("speedup_over_loop", found["loop"], found["sequence"]),
        "milliseconds": {name: float(1000 * s.mean()) for name, s in found.items()},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few rounds; writes no file")
    result = measure(quick=parser.parse_args(arguments).quick)
    if not result["quick"]:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
