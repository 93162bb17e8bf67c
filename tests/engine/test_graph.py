from pathlib import Path

import pytest

from engine.watching import Witness, marker, note, noting
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import (
    Failure,
    Task,
    execute_here,
    note_failure,
    outstanding,
)


def _log(store: Store) -> list[str]:
    found: list[str] = store.read_json("log")
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_every_task_runs_once_and_after_what_it_needs(store: Store) -> None:
    tasks = [
        noting(store, "roof", ["walls", "beams"]),
        noting(store, "walls", ["ground"]),
        noting(store, "ground"),
        noting(store, "beams", ["ground"]),
        noting(store, "ground"),
    ]
    witness = Witness()
    assert execute_here(tasks, store, witness) == []
    log = _log(store)
    assert sorted(log) == ["beams", "ground", "roof", "walls"]
    assert (log[0], log[-1]) == ("ground", "roof")
    assert witness.starts == witness.ends == log


def test_what_is_done_is_not_run_again(store: Store) -> None:
    note(store.uri, "ground")
    tasks = [noting(store, "ground"), noting(store, "walls", ["ground"])]
    execute_here(tasks, store, Witness())
    assert _log(store) == ["ground", "walls"]


def test_a_need_that_was_done_before_need_not_be_among_the_tasks(store: Store) -> None:
    note(store.uri, "ground")
    execute_here([noting(store, "walls", ["ground"])], store, Witness())
    assert _log(store) == ["ground", "walls"]


def test_a_need_that_nobody_can_meet_is_an_error(store: Store) -> None:
    with pytest.raises(ValueError, match=r"'walls' needs must be done .* but .*ground.* neither"):
        outstanding([noting(store, "walls", ["ground"])], store)


def test_an_error_in_this_process_is_not_caught(store: Store) -> None:
    broken = Task("broken", marker("broken"), _raise, ("no such thing",))
    with pytest.raises(KeyError, match="no such thing"):
        execute_here([broken], store, Witness())


def _raise(what: str) -> None:
    raise KeyError(what)


def test_a_failure_leaves_its_cause_beside_what_was_made(store: Store) -> None:
    note_failure(store, Failure(noting(store, "walls"), "ValueError: crooked"))
    assert store.read_json("made/walls/error.json")["cause"] == "ValueError: crooked"
