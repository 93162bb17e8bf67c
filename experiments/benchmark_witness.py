"""Do published networks that never saw these renders find the joints where the labels say?

Run:     python experiments/benchmark_witness.py       (--quick: few people, no file)
         with BlazePose as a second witness after pip install 'posebridge[witness]' and
         python -m posebridge.networks.blazepose
Cost:    about 5 minutes on 2 cores, --quick under one
Expect:  of adults, head up, both find at least 98 % of the visible joints within 0.05 of the box,
         and under 40 % with left and right exchanged; both find the populations hard in much the
         same order

MoveNet Thunder and BlazePose were trained by other people on other photographs, so where both
agree with a label, joint, side and projection are right. Everybody is looked at as they lie and
with the crop turned by the truth until the shoulders are above the hips: BlazePose knows people
head up only, and its own detector would turn them. Shares are of visible joints nearer than 0.05
of the box's longer side; intervals are 95 %, bootstrap over people (pictures, of a crowd).
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from rich.console import Console
from rich.table import Table
from scipy import stats

from posebridge.engine.provenance import versions
from posebridge.estimators.base import Estimator
from posebridge.estimators.movenet import Thunder
from posebridge.leaderboard.statistics import Interval, Tally, people_interval
from posebridge.networks.blazepose import INPUT_PX, BlazePose, weights_path
from posebridge.populations import all_populations
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.crops import (
    apply_affine,
    compose,
    crop_from_image,
    decode_image,
    invert,
    look,
)
from posebridge.populations.crowd import Crowd
from posebridge.populations.infant_clips import InfantClips
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.people import Person
from posebridge.skeletons import BLAZEPOSE33, COCO17, keypoint_map

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
IMAGES, QUICK_IMAGES, IN_A_CROWD = 100, 4, 5
SPLIT = "test"
WITHIN = 0.05
SEEN = 2
SHOULDERS, HIPS = [5, 6], [11, 12]
WAYS = ("as they lie", "head up")
TO_COCO = keypoint_map(BLAZEPOSE33, COCO17)

Look = Callable[[UInt8[np.ndarray, "height width 3"]], Float[np.ndarray, "17 2"]]


@dataclass(frozen=True)
class Witness:
    """A network that is asked.

    Attributes:
        name: as it is published.
        side_px: of the square crop that it takes.
        look: from such a crop to COCO's keypoints in it.
    """

    name: str
    side_px: int
    look: Look


@dataclass(frozen=True)
class Testimony:
    """What one witness says of one population, looked at in one way.

    Attributes:
        visible: share of the visible joints that it finds.
        exchanged: the same, had left and right of the labels been exchanged.
        sides_agree: share of people whom the labels fit better than the exchanged ones.
    """

    visible: Interval
    exchanged: float
    sides_agree: float


def main() -> None:
    """Ask, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few people; writes no file")
    quick = parser.parse_args().quick
    witnesses, absent = called()
    asked = populations(QUICK_IMAGES if quick else IMAGES)
    found = {population.label: questioned(population, witnesses) for population in asked}
    show(found, absent)
    result = report(found, absent) | {"images": asked[0].test, "quick": quick}
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


def called() -> tuple[list[Witness], dict[str, str]]:
    """The witnesses that are here, and why others are not."""
    estimator = Thunder().build().eval()
    thunder = Witness("Thunder", estimator.input_width, partial(decoded, estimator))
    try:
        network = BlazePose(weights_path(os.environ))
    except ValueError as reason:
        return [thunder], {"BlazePose": str(reason)}
    return [thunder, Witness("BlazePose", INPUT_PX, partial(as_coco, network))], {}


@torch.no_grad()
def decoded(
    estimator: Estimator, crop: UInt8[np.ndarray, "height width 3"]
) -> Float[np.ndarray, "17 2"]:
    """What an estimator sees in a crop."""
    pixels = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    return np.asarray(estimator.decode(estimator(pixels)).keypoints[0].numpy())


def as_coco(
    network: BlazePose, crop: UInt8[np.ndarray, "height width 3"]
) -> Float[np.ndarray, "17 2"]:
    """What BlazePose sees in a crop, its 33 landmarks as COCO's 17."""
    landmarks = network(crop)
    return TO_COCO(landmarks.keypoints, landmarks.visibility > 0)[0]


def populations(images: int) -> list[RenderedPopulation]:
    """Everybody, and the infants without what makes them hard."""
    # Frames of a clip show one infant: an interval over them would be far too narrow.
    kinds = [kind for kind in all_populations() if kind is not InfantClips]
    counts = {kind: -(-images // IN_A_CROWD) if kind is Crowd else images for kind in kinds}
    everybody = [kind(train=0, validation=0, test=count) for kind, count in counts.items()]
    return [*everybody, InfantReal(train=0, validation=0, test=images, factors=())]


def questioned(
    population: RenderedPopulation, witnesses: Sequence[Witness]
) -> dict[str, dict[str, Testimony]]:
    """Testimonies by witness and by way of looking."""
    shown = [population.render(SPLIT, index) for index in range(population.test)]
    errors: dict[tuple[str, str], list[tuple[str, np.ndarray, np.ndarray]]] = {}
    for sample in shown:
        image = decode_image(sample.image.encoded)
        for person, witness, way in every(sample.people, witnesses):
            guess = seen_by(witness, image, person, upright=way == "head up")
            both = (away(guess, person), away(guess[list(COCO17.flip_order)], person))
            visible = person.visibility == SEEN
            straight, crossed = (np.where(visible, error, np.nan) for error in both)
            errors.setdefault((witness.name, way), []).append((person.image_id, straight, crossed))
    return {
        witness.name: {way: testimony(errors[witness.name, way]) for way in WAYS}
        for witness in witnesses
    }


def every(
    people: Sequence[Person], witnesses: Sequence[Witness]
) -> Iterator[tuple[Person, Witness, str]]:
    """Each person before each witness, in each way."""
    return ((person, witness, way) for person in people for witness in witnesses for way in WAYS)


def seen_by(
    witness: Witness,
    image: UInt8[np.ndarray, "height width 3"],
    person: Person,
    *,
    upright: bool,
) -> Float[np.ndarray, "17 2"]:
    """Where a witness sees a person's joints, in px of the image."""
    crop_from = crop_from_image(person.box, witness.side_px, witness.side_px)
    if upright:
        middle = np.full(2, witness.side_px / 2)
        turn = rotation(-lean(person))
        crop_from = compose(np.column_stack([turn, middle - turn @ middle]), crop_from)
    crop = look(image, crop_from, witness.side_px, witness.side_px)
    return apply_affine(invert(crop_from), witness.look(crop))


def lean(person: Person) -> float:
    """Radians, clockwise, from straight up to the way from the hips to the shoulders."""
    across, down = person.keypoints[SHOULDERS].mean(0) - person.keypoints[HIPS].mean(0)
    return float(np.arctan2(across, -down))


def rotation(radians: float) -> Float[np.ndarray, "2 2"]:
    """The clockwise turn of a picture, whose y points down."""
    cosine, sine = np.cos(radians), np.sin(radians)
    return np.array([[cosine, -sine], [sine, cosine]])


def away(guess: Float[np.ndarray, "17 2"], person: Person) -> Float[np.ndarray, "17"]:
    """Distances from the labels, as shares of the box's longer side."""
    return np.asarray(np.linalg.norm(guess - person.keypoints, axis=1) / person.box[2:].max())


def testimony(errors: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Testimony:
    """Sum up the errors of all people: picture, straight and exchanged, NaN where not seen."""
    images = [image for image, _, _ in errors]
    straight, crossed = (np.array([row[part] for row in errors]) for part in (1, 2))
    told = ~np.isnan(straight).all(axis=1)
    closer = np.nansum(straight[told], axis=1) < np.nansum(crossed[told], axis=1)
    visible = ~np.isnan(straight)
    return Testimony(
        visible=people_interval(tally(images, straight < WITHIN, visible)),
        exchanged=float((crossed[visible] < WITHIN).mean()),
        sides_agree=float(closer.mean()),
    )


def tally(
    images: Sequence[str],
    found: Bool[np.ndarray, "person 17"],
    asked: Bool[np.ndarray, "person 17"],
) -> Tally:
    """Joints of every picture; those of one crowd stand or fall together."""
    names = tuple(dict.fromkeys(images))
    rows = np.array([names.index(image) for image in images])
    correct, labelled = (
        np.bincount(rows, weights=joints.sum(axis=1), minlength=len(names))[None]
        for joints in (found & asked, asked)
    )
    return Tally(names, (0,), correct, labelled, is_fixed=True)


def show(
    found: Mapping[str, Mapping[str, Mapping[str, Testimony]]], absent: Mapping[str, str]
) -> None:
    """A row for each population, and why a witness did not come."""
    witnesses = list(next(iter(found.values())))
    shown = Table(title=f"visible joints within {WITHIN:g} of the box, per cent ± 95 %")
    shown.add_column("population")
    for column in (f"{witness}, {way}" for witness in witnesses for way in WAYS):
        shown.add_column(column, justify="right")
    shown.add_column("exchanged, head up", justify="right")
    for label, by_witness in found.items():
        rows = [by_witness[witness][way] for witness in witnesses for way in WAYS]
        crossed = max(by_witness[witness][WAYS[1]].exchanged for witness in witnesses)
        shown.add_row(label, *(points(row.visible) for row in rows), f"{100 * crossed:.0f}")
    console = Console()
    console.print(shown)
    for witness, reason in absent.items():
        console.print(f"{witness} was not asked: {reason}", highlight=False, markup=False)


def points(interval: Interval) -> str:
    """Such as 51.3 ± 2.5."""
    return f"{100 * interval.estimate:.1f} ± {100 * interval.half_width:.1f}"


def report(
    found: Mapping[str, Mapping[str, Mapping[str, Testimony]]], absent: Mapping[str, str]
) -> dict[str, Any]:
    """What is kept: the adults' joints, whether the witnesses rank alike, and everything."""
    upright = [
        [by_witness[witness][WAYS[1]].visible.estimate for by_witness in found.values()]
        for witness in next(iter(found.values()))
    ]
    agreement = float(stats.spearmanr(*upright).statistic) if len(upright) > 1 else None
    return {
        "benchmark": Path(__file__).stem,
        "adult_visible_joints": {
            witness: {way: told.visible.estimate for way, told in ways.items()}
            for witness, ways in found["adult"].items()
        },
        "rank_correlation_of_difficulty": agreement,
        "absent": dict(absent),
        "populations": {
            label: {
                witness: {way: asdict(told) for way, told in ways.items()}
                for witness, ways in by_witness.items()
            }
            for label, by_witness in found.items()
        },
        "machine": {"cores": os.cpu_count(), **versions()},
    }


if __name__ == "__main__":
    main()
