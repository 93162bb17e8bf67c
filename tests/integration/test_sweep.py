"""A sweep as a user runs it, and killed, and run again."""

import signal
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from commands.searching import SEARCH, WARM_RATES, found, write_searching
from integration.running import PATIENCE_SECONDS, sweep
from posebridge.cli import main
from posebridge.engine.artifacts import Store
from posebridge.engine.tune.storage import JOURNAL
from posebridge.records import read_records, same_result

pytestmark = pytest.mark.slow


def finish(folder: Path) -> str:
    """Run the command to its end, and give what it says."""
    with sweep(folder) as process:
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    said = finish(folder)
    assert "adapted: proposal" in said
    return folder


def test_every_proposal_has_an_outcome_and_one_wins(undisturbed: Path) -> None:
    result, outcomes = found(Store(str(undisturbed / "store")))
    assert [outcome["proposal"]["number"] for outcome in outcomes] == list(range(SEARCH.trials))
    complete = [outcome for outcome in outcomes if outcome["state"] == "complete"]
    assert result["winners"]["adapted"]["number"] in [o["proposal"]["number"] for o in complete]
    rules = {"source_validation", "prediction_entropy", "target_oracle"}
    assert all(rules <= set(outcome["criteria"]) for outcome in complete)


def test_a_stage_that_proposals_share_is_trained_once(undisturbed: Path) -> None:
    """One warm-up for each of its rates, and for the winner and the tied under a second seed."""
    store = Store(str(undisturbed / "store"))
    manifests = [
        store.read_json(f"stages/{key}/manifest.json")
        for key in store.children("stages")
        if store.exists(f"stages/{key}/done")
    ]
    first = [m for m in manifests if m["name"] == "warm" and m["stage"]["seed"] == 0]
    assert len(first) == len(
        {o["proposal"]["values"]["warm.learning_rate"] for o in found(store)[1]}
    )
    assert len(first) <= len(WARM_RATES)


def test_people_can_look_at_it_with_the_tools_they_know(undisturbed: Path) -> None:
    store = Store(str(undisturbed / "store"))
    (name,) = store.children("sweeps")
    folder = Path(store.path(f"sweeps/{name}"))
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    (study,) = optuna.get_all_study_summaries(storage)
    assert (study.study_name, study.n_trials) == (name, SEARCH.trials)
    states = {t.state.name for t in optuna.load_study(study_name=name, storage=storage).trials}
    assert states <= {"COMPLETE", "PRUNED", "FAIL"}
    assert len(list((folder / "tensorboard").rglob("events*"))) == SEARCH.trials
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_its_picture_is_published_with_its_tables(undisturbed: Path, tmp_path: Path) -> None:
    file = write_searching(undisturbed, "SEARCHING")
    words = ["leaderboard", str(file), "--store", str(undisturbed / "store")]
    assert main([*words, "--publish", str(tmp_path)]) == 0
    (drawn,) = (tmp_path / "pictures").iterdir()
    (name,) = Store(str(undisturbed / "store")).children("sweeps")
    picture = undisturbed / "store" / "sweeps" / name / "sweep.png"
    assert drawn.read_bytes() == picture.read_bytes()
    assert drawn.stem in {path.stem for path in (tmp_path / "leaderboards").iterdir()}


@pytest.mark.parametrize(
    "sent",
    [
        signal.SIGKILL,
        # An interrupt, which Tune takes for a wish to end well if it may.
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        # What batch systems send before a job's time is up; Tune does the same.
        pytest.param(signal.SIGUSR1, marks=pytest.mark.long),
    ],
)
def test_after_the_command_was_ended_the_same_command_finds_the_same(
    undisturbed: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    store = Store(str(tmp_path / "store"))
    with sweep(tmp_path) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _ended(store) < 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(sent)
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0, said
    assert 3 <= _ended(store) < SEARCH.trials
    assert not list((tmp_path / "store/sweeps").rglob("result.json"))
    finish(tmp_path)
    theirs = Store(str(undisturbed / "store"))
    assert found(store) == found(theirs)
    ours, others = (
        {record.key: record for record in read_records(file)[0]}
        for file in (
            tmp_path / "store/records/searching.jsonl",
            undisturbed / "store/records/searching.jsonl",
        )
    )
    assert set(ours) == set(others)
    assert all(same_result(record, others[key]) == [] for key, record in ours.items())


def test_a_finished_sweep_is_not_run_again(undisturbed: Path) -> None:
    store = Store(str(undisturbed / "store"))
    (name,) = store.children("sweeps")
    trials = Path(store.path(f"sweeps/{name}/trials"))
    before = {file: file.stat().st_mtime_ns for file in trials.iterdir()}
    finish(undisturbed)
    assert {file: file.stat().st_mtime_ns for file in trials.iterdir()} == before


def _ended(store: Store) -> int:
    return sum(len(store.children(f"sweeps/{name}/trials")) for name in store.children("sweeps"))
