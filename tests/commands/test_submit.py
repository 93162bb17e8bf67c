import io
import shlex
import subprocess
from pathlib import Path

import pytest
from ray.job_submission import JobStatus
from rich.console import Console

from engine.recorded import Recorded, details
from posebridge import cli
from posebridge.engine.jobs import Cluster


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorded:
    """A cluster, and a repository with x.py to submit from."""
    (tmp_path / "x.py").write_text("EXPERIMENT = 1\n")
    for words in (["init"], ["add", "."], ["commit", "-m", "First"]):
        named = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    recorded = Recorded(log=("the log\n",))
    monkeypatch.setattr(Cluster, "at", lambda address: Cluster(address, recorded))
    return recorded


def sent(there: Recorded) -> list[str]:
    """The commands that were submitted."""
    return [asked["entrypoint"] for asked in there.submitted]


def ask(*words: str) -> tuple[int, str]:
    asked = cli.parser().parse_args([*words])
    printed = io.StringIO()
    status: int = asked.verb(asked, Console(file=printed, width=200))
    return status, printed.getvalue()


SUBMIT = ("submit", "--address", "http://head:8265")
RUN = ("run", "x.py", "--set", "a.b=1")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("--store", "/shared", "--", *RUN), (*RUN, "--store", "/shared")),
        (("--store", "/shared", *RUN), (*RUN, "--store", "/shared")),
        ((*RUN, "--store", "s3://b/f"), (*RUN, "--store", "s3://b/f")),
        ((*RUN, "--store=s3://b/f"), (*RUN, "--store=s3://b/f")),
        (
            ("--store", "/shared", "data", "make", "adult"),
            ("data", "make", "adult", "--store", "/shared"),
        ),
    ],
)
def test_any_verb_is_sent_with_a_store_that_the_cluster_reaches(
    there: Recorded, words: tuple[str, ...], command: tuple[str, ...]
) -> None:
    status, printed = ask(*SUBMIT, *words)
    assert status == 0
    assert sent(there) == [shlex.join(("posebridge", *command))]
    assert "archive: 0.0 MB, 1 tracked files of commit" in printed
    assert f"posebridge-{command[0]}-" in printed
    assert "-1 is submitted" in printed
    assert "posebridge jobs --address http://head:8265" in printed


def test_what_runs_already_is_said_to_and_what_has_ended_starts_again(there: Recorded) -> None:
    there.end = JobStatus.RUNNING
    asked = (*SUBMIT, "--store", "/shared", *RUN)
    assert "-1 is submitted" in ask(*asked)[1]
    assert "-1 runs already" in ask(*asked)[1]
    there.jobs[0].status = JobStatus.STOPPED
    assert "-2 is submitted" in ask(*asked)[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "submit takes another verb, such as"),
        (("--",), "submit takes another verb"),
        (("jobs", "--address", "x"), "submit takes another verb"),
        (RUN, "a job's own folder is gone when it ends"),
        ((*RUN, "--store", "../store"), "every node reaches, such as s3://"),
        (("--store", "/shared", "run", "y.py"), "y.py is not tracked by git"),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(
    there: Recorded, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        ask(*SUBMIT, *words)
    assert sent(there) == []


def test_a_verb_that_cannot_be_understood_is_told_here_not_on_the_cluster(
    there: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        ask(*SUBMIT, "--store", "/shared", "--", "run", "x.py", "--rate=3")
    assert ended.value.code == 2
    assert "unrecognized arguments: --rate=3" in capsys.readouterr().err
    assert sent(there) == []


@pytest.mark.parametrize(
    ("state", "told", "status"),
    [(JobStatus.SUCCEEDED, "-1 succeeded", 0), (JobStatus.FAILED, "-1 failed with status 3", 3)],
)
def test_whoever_waits_sees_the_log_and_gets_the_status(
    there: Recorded,
    capsys: pytest.CaptureFixture[str],
    state: JobStatus,
    told: str,
    status: int,
) -> None:
    there.end = state
    ended, printed = ask(*SUBMIT, "--wait", "--store", "/shared", *RUN)
    assert ended == status
    assert capsys.readouterr().out == "the log\n"
    assert told in printed


def test_whoever_stops_waiting_does_not_stop_the_job(
    there: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(there, "tail_job_logs", interrupted)
    status, printed = ask(*SUBMIT, "--wait", "--store", "/shared", *RUN)
    name = there.jobs[0].submission_id
    assert status == 130
    assert f"{name} goes on. The same command follows it again" in printed
    assert f"ray job stop --address http://head:8265 {name}" in printed


def test_jobs_are_listed_with_their_state_and_command(there: Recorded) -> None:
    assert "nothing was submitted" in ask("jobs", "--address", "http://head:8265")[1]
    there.jobs = [details("one", JobStatus.RUNNING, 60), details("two", JobStatus.FAILED, 60)]
    there.jobs[1].end_time = 150_000
    _, printed = ask("jobs", "--address", "http://head:8265")
    assert "│ two │ failed  │ 1.5" in printed
    assert "│ one │ running │" in printed
    assert printed.count("│ posebridge run x.py") == 2


def test_an_address_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["submit", "run", "x.py"])
    assert "the following arguments are required: --address" in capsys.readouterr().err
