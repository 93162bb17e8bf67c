"""What is the gap between adults and everybody else made of, for networks nobody has adapted?

Run:     python experiments/gap.py [--store STORE]        (posebridge run experiments/gap.py, then
         the shares, their picture and their JSON; again: in seconds)
Cost:    about 25 minutes on 2 cores: 300 people of every population, two published networks
Expect:  adults above 95; wheelchair users lose 15 points or more on their ankles; infants at home
         fall to between 25 and 60, rotation taking the largest share of it, at most 60 %

The share of a factor is (PCK without it − PCK with all) / (PCK with none − PCK with all), for the
same infants in the same poses: leave-one-out. Beside it, one at a time: (PCK with none − PCK with
it alone) / the same gap. Factors meet, so neither sums to 1. Intervals are 95 %, bootstrap over
people.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib.figure
from rich.console import Console
from rich.table import Table

from posebridge.cli import main as posebridge
from posebridge.engine.provenance import versions
from posebridge.estimators.movenet import Lightning, Thunder
from posebridge.experiment import Experiment
from posebridge.leaderboard.people import people_reader
from posebridge.leaderboard.runs import Runs, arrange
from posebridge.leaderboard.statistics import Interval, Tally, people_interval, share_of_gap
from posebridge.leaderboard.tallies import tally_of
from posebridge.populations import all_populations
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.populations.crowd import Crowd
from posebridge.populations.infant_clips import InfantClips
from posebridge.populations.infant_real import FACTORS, RUNGS, InfantReal
from posebridge.populations.low_light import LowLight
from posebridge.records import read_records
from posebridge.selection import Fixed
from posebridge.stages import System
from posebridge.systems import baselines

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
PICTURE = ROOT / "results" / "pictures" / f"{Path(__file__).stem}.png"
METRIC = "pck_box"
PEOPLE = 300
ANKLES = (15, 16)

HARD = InfantReal(train=0, validation=0, test=PEOPLE)
PLAIN = replace(HARD, factors=())
WITHOUT = {
    factor: replace(HARD, factors=tuple(f for f in FACTORS if f != factor)) for factor in FACTORS
}
ALONE = {factor: replace(HARD, factors=(factor,)) for factor in FACTORS}
# C2 is C3 without its sensor, and C3 upright is C3 without its rotation: the very same pictures.
LADDER = {
    "C0, upright": replace(HARD, rung="C0", rotation_deg=0.0),
    "C1, any way up": replace(HARD, rung="C1"),
    "C2, any way up": WITHOUT["sensor"],
    "C3, any way up": HARD,
    **{f"{rung}, ±45°": replace(HARD, rung=rung, rotation_deg=45.0) for rung in RUNGS[1:]},
    "C3, upright": WITHOUT["rotation"],
}
# Frames of a clip show one infant: an interval over them would be far too narrow.
OTHERS = tuple(
    kind(train=0, validation=0, test=PEOPLE)
    for kind in all_populations()
    if issubclass(kind, RenderedPopulation) and kind not in (InfantReal, InfantClips)
)
DARK = LowLight(train=0, validation=0, test=PEOPLE)
CELLS = (replace(DARK, light="bright"), replace(DARK, age="elder", light="bright"))
CROWDS = tuple(
    Crowd(train=0, validation=0, test=PEOPLE // 3, level=level)
    for level in ("easy", "medium", "hard")
)
MORE = (replace(HARD, bags=True), *CELLS, replace(DARK, age="elder"), *CROWDS)

EXPERIMENT = Experiment(
    name="gap",
    question="What is the gap made of, for networks nobody has adapted?",
    systems=(
        replace(baselines.published(Lightning()), name="Lightning"),
        replace(baselines.published(Thunder()), name="Thunder"),
    ),
    targets=tuple(
        # Once each, though rungs and factors share some.
        dict.fromkeys(
            (HARD, PLAIN, *WITHOUT.values(), *ALONE.values(), *LADDER.values(), *OTHERS, *MORE)
        )
    ),
    selection=Fixed(),
)


@dataclass(frozen=True)
class Factor:
    """What one factor does to one network."""

    system: str
    factor: str
    left_out: Interval
    alone: Interval


def main() -> None:
    """Run what is not done yet, and say what it shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--store", default="store", help="folder of all artifacts")
    store = Path(parser.parse_args().store).resolve()
    status = posebridge(["run", __file__, "--store", str(store)])
    if status:
        raise SystemExit(status)
    records = store / "records" / f"{EXPERIMENT.name}.jsonl"
    measured = Measured.of(records)
    factors = [share for system in EXPERIMENT.systems for share in measured.factors(system)]
    print_tables(measured, factors)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    draw(factors).savefig(PICTURE, dpi=150)
    result = report(measured, factors)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k.startswith("largest")}))


@dataclass(frozen=True)
class Measured:
    """The records of this experiment, and the people's errors beside them."""

    runs: Runs
    records: Path

    @classmethod
    def of(cls, records: Path) -> "Measured":
        """Those that a file holds, of the populations as they are declared now."""
        declared = {target.fingerprint() for target in EXPERIMENT.targets}
        found = [r for r in read_records(records)[0] if r.population_fingerprint in declared]
        names = [target.label for target in EXPERIMENT.targets]
        systems = {system.name: system.role for system in EXPERIMENT.systems}
        return cls(arrange(found, systems=systems, populations=names), records)

    def tally(
        self, system: System, population: Population, keypoints: Sequence[int] | None = None
    ) -> Tally:
        """Correct keypoints of every person."""
        (column,) = (c for c in self.runs.columns if c.population == population.label)
        cell = self.runs.cells[system.name, column]
        found = tally_of(cell, people_reader(self.records), METRIC, keypoints)
        assert found is not None, f"{self.records} lacks the errors of {system.name} on {column}"
        return found

    def factors(self, system: System) -> list[Factor]:
        """The share of each factor."""
        plain, hard = self.tally(system, PLAIN), self.tally(system, HARD)
        return [
            Factor(
                system.name,
                factor,
                left_out=share_of_gap(self.tally(system, WITHOUT[factor]), hard, plain, hard),
                alone=share_of_gap(plain, self.tally(system, ALONE[factor]), plain, hard),
            )
            for factor in FACTORS
        ]


def print_tables(measured: Measured, factors: Sequence[Factor]) -> None:
    """PCK of every population and of every rung, and the share of every factor."""
    console = Console()
    rows = {target.label: target for target in EXPERIMENT.targets}
    title = f"published networks, {PEOPLE} images each: PCK@0.05 of the box, ± 95 %"
    console.print(scores(measured, "population", rows, title=title))
    title = "the same, rung by rung, for infants at home"
    console.print(scores(measured, "rung", LADDER, title=title))
    shares = Table(title="share of the infants' gap, in per cent [95 %]")
    for column in ("factor", "network", "left out", "alone"):
        shares.add_column(column, justify="right" if column in ("left out", "alone") else "left")
    for one in factors:
        shares.add_row(one.factor, one.system, percent(one.left_out), percent(one.alone))
    console.print(shares)


def scores(measured: Measured, of: str, rows: Mapping[str, Population], *, title: str) -> Table:
    """A row each: PCK of every network, and the first one's of the ankles."""
    shown = Table(title=title)
    shown.add_column(of)
    for column in (*(s.name for s in EXPERIMENT.systems), "ankles, Lightning"):
        shown.add_column(column, justify="right")
    for name, target in rows.items():
        tallies = [measured.tally(system, target) for system in EXPERIMENT.systems]
        tallies.append(measured.tally(EXPERIMENT.systems[0], target, ANKLES))
        shown.add_row(name, *(points(people_interval(tally)) for tally in tallies))
    return shown


def points(interval: Interval) -> str:
    """Such as 51.3 ± 2.5."""
    return f"{100 * interval.estimate:.1f} ± {100 * interval.half_width:.1f}"


def percent(interval: Interval) -> str:
    """Such as 36 [31, 41]."""
    return f"{100 * interval.estimate:.0f} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def draw(factors: Sequence[Factor]) -> matplotlib.figure.Figure:
    """The shares as bars with intervals, one panel a network."""
    systems = list(dict.fromkeys(one.system for one in factors))
    figure = matplotlib.figure.Figure(figsize=(7.5, 3.0), layout="constrained")
    panels = figure.subplots(1, len(systems), sharex=True, sharey=True, squeeze=False)[0]
    for axis, system in zip(panels, systems, strict=True):
        own = [one for one in factors if one.system == system]
        looks = (("left_out", "#0072b2", "left out", 0.18), ("alone", "#e69f00", "alone", -0.18))
        for kind, color, label, offset in looks:
            shares = [getattr(one, kind) for one in own]
            middle = [100 * s.estimate for s in shares]
            reach = [
                [100 * (s.estimate - s.low) for s in shares],
                [100 * (s.high - s.estimate) for s in shares],
            ]
            places = [-number + offset for number in range(len(own))]
            axis.barh(places, middle, 0.34, xerr=reach, color=color, label=label, capsize=2)
        axis.set_yticks([-number for number in range(len(own))], [one.factor for one in own])
        axis.set_title(system, fontsize=9)
        axis.axvline(0, color="black", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("share of the gap, per cent")
    panels[-1].legend(frameon=False, fontsize=8)
    return figure


def report(measured: Measured, factors: Sequence[Factor]) -> dict[str, Any]:
    """What is kept: the largest share by leaving out, and everything behind it."""
    largest = max(factors, key=lambda one: one.left_out.estimate)
    lightning = EXPERIMENT.systems[0]
    return {
        "benchmark": Path(__file__).stem,
        "largest_single_factor_share": largest.left_out.estimate,
        "largest_single_factor": f"{largest.factor}, {largest.system}",
        "largest_share_alone": max(one.alone.estimate for one in factors),
        "factors": [asdict(one) for one in factors],
        "pck": {
            system.name: {
                target.label: asdict(people_interval(measured.tally(system, target)))
                for target in EXPERIMENT.targets
            }
            for system in EXPERIMENT.systems
        },
        "pck_of_ankles": {
            target.label: people_interval(measured.tally(lightning, target, ANKLES)).estimate
            for target in EXPERIMENT.targets
        },
        "ladder": {rung: target.label for rung, target in LADDER.items()},
        "people": PEOPLE,
        "machine": {"cores": os.cpu_count(), **versions()},
    }


if __name__ == "__main__":
    main()
