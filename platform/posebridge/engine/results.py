"""From artifacts to records: what was asked, what came out, what it cost."""

import json
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.evaluate import Scores, evaluation_marker, floor_marker, read_scores
from posebridge.engine.provenance import commit, versions
from posebridge.engine.records_folder import PEOPLE, RecordsFolder
from posebridge.engine.run import FLOORS, Choice, Plan
from posebridge.engine.work import stage_path
from posebridge.experiment import Experiment, testing
from posebridge.identity import describe, digest
from posebridge.populations.base import Population
from posebridge.records import RECORD_VERSION, Record, same_result
from posebridge.stages import Stage


class RecordConflictError(ValueError):
    """The same work gave another result than the one on record."""


def records_of(plan: Plan, choices: Sequence[Choice], scale: str) -> Iterator[tuple[Record, str]]:
    """Every record of a finished experiment, and where the store has its people's errors."""
    yield from _floors(plan, scale)
    experiment = plan.experiment
    for choice in choices:
        for seed in experiment.seeds:
            stage = choice.system.seeded(seed).stage
            for target in experiment.targets:
                marker = evaluation_marker(stage, target, "test", choice.system.flip_test)
                asked = _asked(experiment, choice, stage, target)
                yield _record(plan, asked | {"scale": scale, "seed": seed}, marker, stage)


def _asked(
    experiment: Experiment, choice: Choice, stage: Stage, target: Population
) -> dict[str, Any]:
    system = choice.system
    chosen = choice.scores != ()
    given = "published weights" if stage.budget.steps == 0 else "fixed beforehand"
    return {
        "experiment": experiment.name,
        "system": system.name,
        "role": system.role,
        "stage_key": stage.key(),
        "selection": experiment.chosen_by if chosen else given,
        "selected": choice.selected,
        "uses_target_labels": system.reads_labels_of(target)
        or (chosen and experiment.selection.uses_target_labels),
        "method": describe(stage.method),
        "estimator": describe(stage.architecture) | testing(system),
        "population": target.label,
        "population_fingerprint": target.fingerprint(),
    }


def _floors(plan: Plan, scale: str) -> Iterator[tuple[Record, str]]:
    experiment = plan.experiment
    feed = experiment.floor_feed
    for floor in FLOORS:
        for target in experiment.targets:
            asked = {
                "experiment": experiment.name,
                "scale": scale,
                "system": floor.value,
                "role": "floor",
                "seed": experiment.seeds[0],
                "stage_key": "",
                "selection": "nothing to choose",
                "selected": {},
                "uses_target_labels": floor.reads_target_labels or feed.split == "test",
                "method": {"floor": floor.value, "from": feed.description()["name"]},
                "estimator": {},
                "population": target.label,
                "population_fingerprint": target.fingerprint(),
            }
            yield _record(plan, asked, floor_marker(floor, feed, target), None)


def _record(
    plan: Plan, asked: dict[str, Any], marker: str, stage: Stage | None
) -> tuple[Record, str]:
    measured: Scores = read_scores(plan.store, marker)
    made = _made(plan.store, stage)
    trained = made.get("made")
    key = digest([asked, marker])
    record = Record(
        key=key,
        version=RECORD_VERSION,
        split="test",
        scores=measured.scores,
        skipped=dict(Counter(measured.skipped) + Counter(made.get("skipped", {}))),
        people=f"{PEOPLE}/{key}.parquet",
        cost=made.get("cost", {}) | measured.cost,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        host=socket.gethostname(),
        commit=trained["commit"] if trained else commit(),
        versions=trained["versions"] if trained else versions(),
        **asked,
    )
    return record, f"{marker.rpartition('/')[0]}/people.parquet"


def _made(store: Store, stage: Stage | None) -> dict[str, Any]:
    """Manifests of a chain of stages: the last one's, with what all cost and left out."""
    if stage is None:
        return {}
    manifests = [store.read_json(f"{stage_path(s)}/manifest.json") for s in stage.chain()]
    cost = dict(manifests[-1]["cost"])
    for manifest in manifests[:-1]:
        for unit in ("steps", "seconds", "images"):
            cost[unit] += manifest["cost"][unit]
    skipped = sum((Counter(manifest["skipped"]) for manifest in manifests), Counter[str]())
    return {**manifests[-1], "cost": cost, "skipped": skipped}


def write_records(
    store: Store, records: Iterator[tuple[Record, str]], folder: RecordsFolder
) -> list[Record]:
    """Add the records that are not there yet, and put the people's errors beside them.

    Args:
        store: that has the evaluations.
        records: of one experiment.
        folder: where records are kept.

    Returns:
        All of them.

    Raises:
        RecordConflictError: if one is on record with another result.
    """
    everything = list(records)
    experiment = everything[0][0].experiment
    known, has_people = folder.by_key(experiment), folder.has_people()
    for record, _ in everything:
        _check_same(known.get(record.key, record), record, folder.place(experiment))
    for record, people in everything:
        if record.key not in known or record.people not in has_people:
            folder.write_people(record.people, store.read(people))
    folder.add(experiment, [record for record, _ in everything])
    return [record for record, _ in everything]


def _check_same(known: Record, record: Record, place: str) -> None:
    different = same_result(known, record)
    # Other libraries are no other result, but may be why there is one.
    if set(different) - {"versions"}:
        raise RecordConflictError(
            f"record {record.key} of {record.system!r} must be what it was, but "
            f"{', '.join(different)} differ: see {place}, and what changed on this machine."
        )


def note_experiment(store: Store, experiment: Experiment, scale: str) -> None:
    """Keep the resolved experiment beside its results."""
    content = experiment.description() | {"scale": scale}
    store.write(f"experiments/{experiment.name}.json", json.dumps(content, indent=1).encode())
