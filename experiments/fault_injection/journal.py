"""Rounds that are done, kept so that a run goes on, and summed up."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fault_injection.kinds import Kind
from fault_injection.rounds import WRONG, Undisturbed, run_round
from fault_injection.scene import HangError

ROUNDS_PER_FAULT = 3


class Journal:
    """Rounds that are done, one line each in a file."""

    def __init__(self, folder: Path) -> None:
        """Start with those that were done before."""
        self.folder = folder
        self._file = folder / "rounds.jsonl"
        lines = self._file.read_text().splitlines() if self._file.is_file() else []
        self._rounds: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Rounds of a kind."""
        return [one for one in self._rounds if one["kind"] == kind]

    def add(self, one: dict[str, Any]) -> None:
        """Keep a round."""
        with self._file.open("a") as file:
            file.write(f"{json.dumps(one)}\n")
        self._rounds.append(one)

    def summed(self, kinds: Sequence[str]) -> dict[str, Any]:
        """Every count over the rounds of some kinds, and the faults of each kind."""
        rounds = [one for kind in kinds for one in self.of(kind)]
        counts = Counter[str](dict.fromkeys(("faults", "inside_writes"), 0))
        by_kind = {}
        for one in rounds:
            counts.update({k: v for k, v in one.items() if isinstance(v, int) and k != "number"})
        for kind in kinds:
            faults = [fault for one in self.of(kind) for fault in one["faults"]]
            inside = sum(fault["inside"] for fault in faults)
            counts.update({"faults": len(faults), "inside_writes": inside})
            by_kind[kind] = {"faults": len(faults), "inside_writes": inside}
        minutes = round(sum(one["seconds"] for one in rounds) / 60, 1)
        return {**counts, "by_kind": by_kind, "rounds": len(rounds), "minutes": minutes}


def disturb_until(kind: Kind, each: int, seed: int, journal: Journal, usual: Undisturbed) -> None:
    """Do rounds of a kind until there were so many faults.

    Raises:
        HangError: if they do not come.
    """
    while (missing := each - sum(len(one["faults"]) for one in journal.of(kind.name))) > 0:
        number = len(journal.of(kind.name))
        if number >= ROUNDS_PER_FAULT * each:
            raise HangError(f"{each} faults must come of {number} rounds, but {missing} did not.")
        name = f"{kind.name} {number}"
        print(f"{name}, seed '{seed} {name}'", flush=True)
        folder = journal.folder / name.replace(" ", "-")
        wanted = min(missing, kind.in_a_round)
        found = run_round(kind, number, wanted, f"{seed} {name}", folder, usual)
        print(f"  {_told(found)}", flush=True)
        journal.add(found)


def _told(found: Mapping[str, Any]) -> str:
    wrong = {name: found[name] for name in WRONG if found[name]}
    endings = f"{found['commands']} commands, {found['gave_up']} gave up"
    return f"{wrong or 'as undisturbed'}; {endings}; {found['seconds']:.0f} s"
