"""A population that trains side by side, as a user runs it, and killed, and run again."""

import signal
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from commands.searching import EVOLVING, found
from integration.running import PATIENCE_SECONDS, sweep
from posebridge.engine.artifacts import Store
from posebridge.engine.tune.storage import JOURNAL
from posebridge.engine.work import stage_path, train_stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    with sweep(folder, "EVOLVING") as process:
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert "the worst going on from the best after 2, 4 steps" in said
    return folder


def test_every_member_ends_and_some_have_learnt_from_others(undisturbed: Path) -> None:
    result, outcomes = found(Store(str(undisturbed / "store")))
    assert [o["state"] for o in outcomes] == ["complete"] * 4
    assert [sorted(o["rungs"]) for o in outcomes] == [["2", "4"]] * 4
    changes = [o["proposal"]["values"].get("adapt.changes", []) for o in outcomes]
    steps = {step for one in changes for step, _, _ in one}
    assert steps
    assert steps <= {2, 4}
    assert result["winners"]["adapted"]["number"] in range(4)


def test_what_a_member_became_gives_the_same_bits_when_it_is_trained_from_its_beginning(
    undisturbed: Path, tmp_path: Path
) -> None:
    """So a schedule that was found can be published as a stage."""
    theirs = Store(str(undisturbed / "store"))
    _, outcomes = found(theirs)
    (system,) = (s for s in EVOLVING.systems if s.name == "adapted")
    tried = [o["proposal"]["values"] for o in outcomes]
    values = max(tried, key=lambda one: len(one.get("adapt.changes", ())))
    ours = Store(str(tmp_path))
    (tmp_path / "populations").symlink_to(undisturbed / "store/populations")
    stage = system.with_fields(values).seeded(0).stage
    assert stage.changes
    for one in stage.chain():
        train_stage(ours.uri, one, True)
    for name in ("weights.safetensors", "metrics.jsonl"):
        path = f"{stage_path(stage)}/{name}"
        assert ours.read(path) == theirs.read(path)


def test_no_checkpoint_is_left(undisturbed: Path) -> None:
    assert not list((undisturbed / "store/sweeps").rglob("checkpoint-*"))


def test_people_can_look_at_it_with_the_tools_they_know(undisturbed: Path) -> None:
    store = Store(str(undisturbed / "store"))
    (name,) = store.children("sweeps")
    folder = Path(store.path(f"sweeps/{name}"))
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    trials = optuna.load_study(study_name=name, storage=storage).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 4
    assert all(set(trial.intermediate_values) == {2, 4} for trial in trials)
    assert len(list((folder / "tensorboard").rglob("events*"))) == 4
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_after_the_command_was_killed_the_same_command_finds_the_same(
    undisturbed: Path, tmp_path: Path
) -> None:
    store = Store(str(tmp_path / "store"))
    with sweep(tmp_path, "EVOLVING") as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _passed(store) < 5 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert _passed(store) >= 5
    with sweep(tmp_path, "EVOLVING") as process:
        assert process.wait(PATIENCE_SECONDS) == 0
    assert found(store) == found(Store(str(undisturbed / "store")))


def _passed(store: Store) -> int:
    """How many parts have a score."""
    return len(list(Path(store.uri).glob("sweeps/*/parts/*/score.json")))
