import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import pytest

from commands.question import (
    ADAPT,
    ORACLE,
    PUBLISHED,
    QUESTION,
    RATES,
    RECORDS,
    TRAININGS,
    Face,
    write_question,
)
from leaderboard.regenerated import regenerated
from posebridge import cli
from posebridge.commands import experiments
from posebridge.engine.artifacts import Store
from posebridge.engine.gallery import TILE_WIDTH, TITLE_HEIGHT
from posebridge.engine.graph import Failure, Task
from posebridge.engine.leases import hold
from posebridge.engine.watch import ConsoleWatcher
from posebridge.engine.work import stage_path
from posebridge.records import Record, read_records
from posebridge.stages import reseed, set_field

TESTS = Path(__file__).parents[1]


@pytest.fixture
def face(tmp_path: Path) -> Face:
    """A user who has run nothing yet."""
    return Face(tmp_path / "store", write_question(tmp_path / "experiments"))


@pytest.fixture
def finished(first: tuple[Face, int, str], tmp_path: Path) -> Face:
    """A user whose experiment is done."""
    face, _, _ = first
    shutil.copytree(face.store, tmp_path / "store")
    return Face(tmp_path / "store", write_question(tmp_path / "experiments"))


def _records(face: Face) -> list[Record]:
    records, half_lines = read_records(face.records)
    assert half_lines == 0
    return records


def _stages(face: Face) -> dict[str, int]:
    """When each stage was finished, by its key."""
    return {path.parent.name: path.stat().st_mtime_ns for path in face.store.glob("stages/*/done")}


def test_a_plan_before_the_first_run_lists_the_trainings_and_writes_nothing(face: Face) -> None:
    status, printed = face.ask("plan")
    assert status == 0
    assert "question: still to do" in printed
    assert printed.count("not measured yet") == TRAININGS
    assert f"0 tasks are done; {TRAININGS} trainings and " in printed
    assert "tasks have no price yet." in printed
    assert (
        "control: after the candidates of seed 0, best pck_box on the source's validation split "
        "decides, and the winner runs under every seed, which is not counted here."
    ) in " ".join(printed.split())
    assert not face.store.exists()


def test_a_run_says_what_was_chosen_and_where_the_records_are(
    first: tuple[Face, int, str],
) -> None:
    face, status, printed = first
    assert status == 0
    (selected,) = {
        r.selected["control.learning_rate"] for r in _records(face) if r.system == "control"
    }
    assert selected in RATES
    assert f"control: control.learning_rate = {selected} chosen" in printed
    assert f"done: {RECORDS} records in {face.records}. See them: posebridge leader" in printed
    noted = json.loads((face.store / "experiments" / "question.json").read_text())
    assert (noted["name"], noted["scale"]) == ("question", "embedded")


def test_there_is_a_record_for_every_row_seed_and_population(first: tuple[Face, int, str]) -> None:
    records = _records(first[0])
    rows = [(r.system, r.population, r.seed) for r in records]
    floors = [(name, on, 0) for name in ("mean pose", "shuffled truth") for on in _labels()]
    runs = [(s.name, on, seed) for s in QUESTION.systems for seed in (0, 1) for on in _labels()]
    assert sorted(rows) == sorted([*floors, *runs])
    assert {r.split for r in records} == {"test"}
    assert {r.scores["pck_box"].count for r in records} == {5 * 16}


def _labels() -> list[str]:
    return [target.label for target in QUESTION.targets]


def test_only_records_of_people_whose_labels_were_read_say_so(
    first: tuple[Face, int, str],
) -> None:
    told = {(r.system, r.population) for r in _records(first[0]) if r.uses_target_labels}
    assert told == {
        *(("shuffled truth", population) for population in _labels()),
        *((system, "toy") for system in ("control", "adapted", "oracle")),
        ("oracle", "babies"),
    }


def test_the_second_run_does_nothing_and_appends_nothing(finished: Face) -> None:
    records, stages = finished.records.read_bytes(), _stages(finished)
    status, printed = finished.ask("run", "--debug")
    assert status == 0
    assert "train" not in printed
    assert f"done: {RECORDS} records" in printed
    assert (finished.records.read_bytes(), _stages(finished)) == (records, stages)
    status, printed = finished.ask("plan")
    assert "0 trainings and 0 others" in printed
    assert "Nothing is left that takes time." in printed
    assert "decides" not in printed
    assert "still to do" not in printed


def test_a_setting_changes_the_key_of_its_stage_alone_and_reuses_the_rest(finished: Face) -> None:
    before, records = _stages(finished), finished.records.read_bytes()
    setting = ("--set", "adapt.momentum=0.5")
    status, planned = finished.ask("plan", *setting)
    assert status == 0
    assert "2 trainings and 4 others" in planned
    assert planned.count("train adapt (adapted seed") == 2
    assert "not measured yet" not in planned
    assert "decides" not in planned
    assert "seconds one after the other, and here at least" in planned
    assert "no price" not in planned
    assert finished.ask("run", "--debug", *setting)[0] == 0
    after = _stages(finished)
    changed = set_field(ADAPT, "adapt.momentum", 0.5)
    assert set(after) - set(before) == {reseed(changed, seed).key() for seed in (0, 1)}
    assert {key: after[key] for key in before} == before
    assert finished.records.read_bytes().startswith(records)
    added = _records(finished)[RECORDS:]
    assert [(r.system, r.seed, r.method["momentum"]) for r in added] == [
        ("adapted", seed, 0.5) for seed in (0, 0, 1, 1)
    ]
    for words in ((), setting):
        assert "Older records" not in finished.ask("leaderboard", *words)[1]


def test_fewer_seeds_need_no_new_training(finished: Face) -> None:
    status, printed = finished.ask("plan", "--seeds", "0")
    assert "0 trainings and 0 others" in printed
    status, printed = finished.ask("leaderboard", "--seeds", "0")
    assert status == 0
    assert "(n=2)" not in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "contrl.steps=3"], "--set contrl.steps: no stage is called 'contrl' (known: a"),
        (["--set", "adapt.momentm=0.5"], "no field 'momentm', did you mean 'momentum'? (known: "),
        (["--set", "adapt.momentum=fast"], "adapt.momentum is a float (now 0.999), but got 'fast"),
        (["--set", "momentum=0.5"], "--set takes stage.field=value, but got 'momentum=0.5'."),
        (["--seeds", "1,1"], "seeds must be given and differ, but got [1, 1]."),
        (["--scale", "paper"], "must define PAPER = Experiment(…) for --scale paper, but does"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "run", "status", "leaderboard"])
def test_a_wrong_request_is_explained_by_every_verb(
    face: Face, capsys: pytest.CaptureFixture[str], verb: str, words: list[str], message: str
) -> None:
    asked = [verb, str(face.file), "--store", str(face.store), *words]
    assert cli.main(asked) == 1
    assert message in capsys.readouterr().err
    assert not face.store.exists()


@pytest.mark.parametrize("seeds", ["a", "0,,1", "1.5", "-1", ""])
def test_seeds_are_whole_numbers(
    face: Face, capsys: pytest.CaptureFixture[str], seeds: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["plan", str(face.file), f"--seeds={seeds}"])
    assert ended.value.code == 2
    assert f"seeds are whole numbers such as 0,1,2, but got {seeds!r}" in capsys.readouterr().err


def test_an_experiment_that_is_missing_or_empty_is_explained(
    face: Face, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", str(face.file.with_name("qestion.py"))]) == 1
    told = capsys.readouterr().err
    assert f"no experiment file {face.file.with_name('qestion.py')}; in that folder:" in told
    assert f"{face.file}." in told
    face.file.write_text("")
    assert cli.main(["plan", str(face.file)]) == 1
    assert "must define EXPERIMENT = Experiment(…)" in capsys.readouterr().err


def test_there_is_no_leaderboard_before_the_first_run(
    face: Face, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["leaderboard", str(face.file), "--store", str(face.store)]) == 1
    assert (
        f"no records at {face.records}: run the experiment first (posebridge run)"
        in capsys.readouterr().err
    )


def test_a_status_counts_what_is_done(face: Face, finished: Face) -> None:
    _, before = face.ask("status", "--seeds", "5")
    assert "train control (control candidate)" in before
    assert before.count("waiting") == TRAININGS - 2
    status, printed = finished.ask("status")
    assert status == 0
    (line,) = printed.splitlines()
    done, of, *_ = (word for word in line.split() if word.isdecimal())
    assert done == of


def test_a_status_shows_who_trains_what_and_how_far(face: Face) -> None:
    store, folder = Store(str(face.store)), stage_path(ORACLE)
    with hold(store, folder) as lease:
        lease.tell({"step": 1, "steps": 2, "images_per_s": 30.4})
        lease.beat()
        _, printed = face.ask("status")
    (line,) = (line for line in printed.splitlines() if "(oracle seed 0)" in line)
    assert "running on" in line
    assert f"(process {os.getpid()}) step 1 of 2, 30 images/s" in line


def _failing(tasks: Iterable[Task], store: Store, watcher: ConsoleWatcher) -> list[Failure]:
    """The first shard cannot be rendered, and an oracle not be trained."""
    wanted = list(tasks)
    shard = next(task for task in wanted if task.name.startswith("render"))
    (oracle,) = (task for task in wanted if task.name == "train oracle (oracle seed 0)")
    failures = [Failure(shard, "OSError: full"), Failure(oracle, "ValueError: [nan] at step [/3]")]
    for failure in failures:
        watcher.failed(failure)
    return failures


def test_what_failed_is_told_with_its_cause_now_and_later(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "execute_here", _failing)
    status, printed = face.ask("run", "--debug")
    assert status == 1
    assert "✗ train oracle (oracle seed 0): ValueError: [nan] at step [/3]" in printed
    assert "2 failed. What is done is kept: mend the cause and run the same command" in printed
    assert not face.records.exists()
    lines = face.ask("status")[1].splitlines()
    assert [line.split("failed: ")[1].rstrip(" │") for line in lines if "failed" in line] == [
        "OSError: full",
        "ValueError: [nan] at step [/3]",
    ]


def test_a_result_that_came_out_different_is_refused_and_changes_nothing(
    finished: Face, capsys: pytest.CaptureFixture[str]
) -> None:
    (line, *others) = finished.records.read_text().splitlines(keepends=True)
    content = json.loads(line)
    content["scores"]["pck_box"]["total"] += 1
    finished.records.write_text("".join([json.dumps(content) + "\n", *others[:-1]]))
    before = finished.records.read_bytes()
    asked = ["run", str(finished.file), "--store", str(finished.store), "--debug"]
    assert cli.main(asked) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert (
        f"record {content['key']} of 'mean pose' must be what it was, but scores differ: see "
        f"{finished.records}, and what changed on this machine."
    ) in told
    assert finished.records.read_bytes() == before


def test_a_leaderboard_shows_every_row_and_apart_those_that_were_told(finished: Face) -> None:
    status, printed = finished.ask("leaderboard")
    assert status == 0
    assert "question (embedded scale, test split)" in printed
    rows = ["mean pose", "shuffled truth", *(system.name for system in QUESTION.systems)]
    places = [printed.index(f"│ {name} ") for name in rows]
    assert places == sorted(places)
    assert "Selection: best pck_box on the source's validation split (control)." in printed
    assert "question (embedded scale, test split): groups of keypoints" in printed


def test_a_leaderboard_of_half_an_experiment_shows_what_there_is(finished: Face) -> None:
    shutil.rmtree(finished.store / stage_path(reseed(ORACLE, 1)))
    lines = finished.records.read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"oracle"' not in line]
    finished.records.write_text("".join(kept))
    status, printed = finished.ask("leaderboard")
    assert status == 0
    assert "│ adapted " in printed


def test_records_of_another_scale_are_left_out(finished: Face) -> None:
    lines = finished.records.read_text()
    finished.records.write_text(lines + lines.replace('"scale": "embedded"', '"scale": "paper"'))
    shutil.rmtree(finished.store / "stages")
    status, printed = finished.ask("leaderboard")
    assert status == 0
    assert "embedded scale" in printed


def test_a_metric_that_does_not_exist_is_answered_with_those_that_do(finished: Face) -> None:
    with pytest.raises(ValueError, match="metric must be one of pck_box, .*, but got 'pkc_box'"):
        finished.ask("leaderboard", "--metric", "pkc_box")
    assert "of the head's size" in finished.ask("leaderboard", "--metric", "pck_head")[1]


def test_what_is_published_gives_the_same_page_again(finished: Face, tmp_path: Path) -> None:
    with finished.records.open("a") as file:
        file.write('{"key": "cut off by a cra')
    results = tmp_path / "results"
    status, printed = finished.ask("leaderboard", "--publish", results)
    assert status == 0
    assert f"written to {results}" in printed
    shutil.rmtree(finished.store)
    page = results / "leaderboards" / "question.md"
    assert page.read_text(encoding="utf-8") == regenerated(results, QUESTION)
    assert "Half-written" not in page.read_text(encoding="utf-8")
    assert page.with_suffix(".csv").read_text().startswith("block,system,role,")
    records, half_lines = read_records(results / "records" / "question.jsonl")
    assert (len(records), half_lines) == (RECORDS, 0)
    people = {f"people/{path.name}" for path in (results / "records" / "people").iterdir()}
    assert people == {record.people for record in records}


def test_publishing_again_replaces_what_was_published(finished: Face, tmp_path: Path) -> None:
    results, other = tmp_path / "results", tmp_path / "results" / "records" / "people" / "other"
    finished.ask("leaderboard", "--publish", results)
    other.write_bytes(b"of another experiment")
    before = {path: path.read_bytes() for path in results.rglob("*.*")}
    finished.ask("leaderboard", "--publish", results)
    assert {path: path.read_bytes() for path in results.rglob("*.*")} == before
    finished.ask("leaderboard", "--publish", results, "--seeds", "0")
    records, _ = read_records(results / "records" / "question.jsonl")
    assert {record.seed for record in records} == {0}
    people = {f"people/{path.name}" for path in other.parent.iterdir()}
    assert people == {record.people for record in records} | {"people/other"}


def test_records_that_lie_where_they_are_published_are_not_cut(
    finished: Face, tmp_path: Path
) -> None:
    setting = ("--set", "adapt.momentum=0.5")
    finished.ask("run", "--debug", *setting)
    before = finished.records.read_bytes()
    assert finished.ask("leaderboard", "--publish", finished.store)[0] == 0
    assert finished.records.read_bytes() == before
    page = finished.store / "leaderboards" / "question.md"
    assert page.read_text(encoding="utf-8") == regenerated(finished.store, QUESTION)


def test_a_picture_has_a_row_for_the_truth_and_one_for_each_system(
    finished: Face, tmp_path: Path
) -> None:
    file = tmp_path / "pictures" / "people.png"
    status, printed = finished.ask("leaderboard", "--picture", file)
    assert status == 0
    assert f"drawn in {file}" in printed
    picture = cv2.imread(str(file))
    assert picture is not None
    # Images of 64 × 48, five people in four of them.
    strip = TITLE_HEIGHT + TILE_WIDTH * 48 // 64
    assert picture.shape == ((1 + len(QUESTION.systems)) * strip, 5 * TILE_WIDTH, 3)


def test_a_picture_needs_a_known_format_and_all_of_the_experiment(
    finished: Face, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"--picture takes a file such as people.png, but got"):
        finished.ask("leaderboard", "--picture", tmp_path / "people.txt")
    shutil.rmtree(finished.store / stage_path(PUBLISHED))
    with pytest.raises(ValueError, match=r"--picture draws what is in the store, but .* run the"):
        finished.ask("leaderboard", "--picture", tmp_path / "people.png")
    assert not (tmp_path / "people.png").exists()


def test_a_relative_store_is_the_same_folder_for_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []

    def look(tasks: Iterable[Task], store: Store, watcher: ConsoleWatcher) -> list[Failure]:
        wanted = list(tasks)
        seen.extend({task.arguments[0] for task in wanted})
        return [Failure(wanted[0], "seen enough")]

    monkeypatch.setattr(experiments, "execute_here", look)
    Face(Path("store"), write_question(tmp_path / "experiments")).ask("run", "--debug")
    assert seen == [str(tmp_path / "store")]


def test_the_smoke_scale_has_records_of_its_own(first: tuple[Face, int, str]) -> None:
    with pytest.raises(FileNotFoundError, match=r"no records at .*question-smoke.jsonl"):
        first[0].ask("leaderboard", "--scale", "smoke")


@pytest.mark.slow
def test_a_run_on_ray_leaves_the_records_of_one_in_this_process(
    first: tuple[Face, int, str], face: Face
) -> None:
    command = "import sys; from posebridge.cli import main; sys.exit(main())"
    paths = [str(TESTS), *(p for p in [os.environ.get("PYTHONPATH")] if p)]
    ended = subprocess.run(
        [sys.executable, "-c", command, "run", str(face.file), "--store", str(face.store)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    ours, theirs = _by_key(_records(face)), _by_key(_records(first[0]))
    assert set(ours) == set(theirs)
    for key, record in theirs.items():
        assert ours[key].scores == record.scores
        assert ours[key].stage_key == record.stage_key


def _by_key(records: list[Record]) -> dict[str, Record]:
    return {record.key: record for record in records}
