"""Names, endings and errors of jobs; real ones are in tests/integration/test_submit.py."""

import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ray.job_submission import JobStatus

from engine.recorded import Recorded, details
from posebridge.engine import jobs
from posebridge.engine.archive import Archive
from posebridge.engine.cluster import QUIET
from posebridge.engine.jobs import Cluster, Job, environment, stem_of
from posebridge.engine.provenance import COMMIT_VARIABLE

ARCHIVE = Archive(b"zip", {"a.py": 3}, (), (), "0123456789ab+")
WORDS = ("run", "experiments/x.py", "--set", "a.b=two words")
STEM = stem_of(ARCHIVE, WORDS)
ENDED = Job("x-1", "posebridge run x.py", "FAILED", True, 1.0, 2.0, "it is\n gone", None)


def cluster(recorded: Recorded) -> Cluster:
    return Cluster("http://head:8265", recorded)


def test_a_name_comes_from_what_is_asked() -> None:
    assert STEM.startswith("posebridge-run-")
    assert stem_of(ARCHIVE, list(WORDS)) == STEM
    assert stem_of(ARCHIVE, [*WORDS, "--seeds", "1"]) != STEM
    assert stem_of(replace(ARCHIVE, content=b"other"), WORDS) != STEM


def test_a_job_runs_the_submitted_code_quietly_and_knows_its_commit() -> None:
    assert environment(ARCHIVE) == {
        "PYTHONPATH": "platform",
        COMMIT_VARIABLE: "0123456789ab+",
        **QUIET,
    }


def test_what_is_new_is_submitted_as_it_was_asked() -> None:
    recorded = Recorded()
    assert cluster(recorded).submit(ARCHIVE, WORDS) == (f"{STEM}-1", True)
    (asked,) = recorded.submitted
    assert asked["entrypoint"] == "posebridge run experiments/x.py --set 'a.b=two words'"
    assert asked["runtime_env"]["env_vars"] == environment(ARCHIVE)


@pytest.mark.parametrize("state", [JobStatus.PENDING, JobStatus.RUNNING])
def test_what_runs_already_is_not_started_again(state: JobStatus) -> None:
    recorded = Recorded([details(f"{STEM}-4", state)])
    assert cluster(recorded).submit(ARCHIVE, WORDS) == (f"{STEM}-4", False)
    assert recorded.submitted == []


def test_what_has_ended_starts_under_the_next_number() -> None:
    others = [
        details(f"{STEM}-9", JobStatus.STOPPED),
        details(f"{STEM}-10", JobStatus.FAILED),
        details("posebridge-run-other-11", JobStatus.RUNNING),
        details("somebodys", JobStatus.RUNNING),
    ]
    assert cluster(Recorded(others)).submit(ARCHIVE, WORDS) == (f"{STEM}-11", True)


def test_of_two_who_submit_at_once_one_follows_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded()

    def taken(**asked: Any) -> str:
        recorded.jobs.append(details(asked["submission_id"], JobStatus.PENDING))
        raise RuntimeError("Job with submission_id … already exists.")

    monkeypatch.setattr(recorded, "submit_job", taken)
    assert cluster(recorded).submit(ARCHIVE, WORDS) == (f"{STEM}-1", False)


def test_whatever_else_goes_wrong_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> str:
        raise RuntimeError("500: no space")

    recorded = Recorded()
    monkeypatch.setattr(recorded, "submit_job", fail)
    with pytest.raises(RuntimeError, match="no space"):
        cluster(recorded).submit(ARCHIVE, WORDS)


@pytest.mark.parametrize("breaks", [0, 1])
def test_a_log_is_told_once_even_where_it_breaks_off(
    breaks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)
    recorded = Recorded([details("x-1", JobStatus.SUCCEEDED)], ("one\n", "two\n", "three"), breaks)
    told: list[str] = []
    ended = cluster(recorded).follow("x-1", told.append)
    assert "".join(told) == "one\ntwo\nthree"
    assert (ended.state, ended.status) == ("SUCCEEDED", 0)


def test_a_cluster_that_is_lost_is_told_with_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "LOST_SECONDS", 0.0)
    with pytest.raises(ConnectionError, match=r"A job ends with its head: .* the same command"):
        cluster(Recorded(breaks=1)).follow("x-1", lambda _: None)


def test_jobs_are_told_in_the_order_of_their_start() -> None:
    recorded = Recorded(
        [details("late", JobStatus.FAILED, 9), details("early", JobStatus.RUNNING, 3)]
    )
    early, late = cluster(recorded).jobs()
    assert (early.name, early.state, early.has_ended) == ("early", "RUNNING", False)
    assert (late.name, late.started, late.message, late.status) == ("late", 9.0, "it failed", 3)


ENDS = [
    (replace(ENDED, state="SUCCEEDED", exit_status=0), "x-1 succeeded", 0),
    (replace(ENDED, exit_status=3), "x-1 failed with status 3; its log says why", 3),
    (
        replace(ENDED, exit_status=127),
        "Activate the environment that has it before ray start",
        127,
    ),
    (replace(ENDED, message="no zip"), "x-1 failed: no zip", 1),
    (replace(ENDED, state="STOPPED", message="by you"), "x-1 stopped: by you", 1),
]


@pytest.mark.parametrize(("job", "told", "status"), ENDS)
def test_an_end_is_told_with_its_status(job: Job, told: str, status: int) -> None:
    assert told in job.describe_end()
    assert job.status == status


@pytest.mark.parametrize("address", ["head:8265", "10.0.0.1:6379", "auto", "ray://head:10001"])
def test_what_is_no_dashboard_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=f"such as http://head:8265, but got '{address}'"):
        Cluster.at(address)


def test_where_nobody_answers_is_told() -> None:
    with pytest.raises(ConnectionError, match=r"no Ray dashboard answers at http://127.0.0.1:9:"):
        Cluster.at("http://127.0.0.1:9")


@pytest.fixture
def refusing() -> Iterator[http.server.HTTPServer]:
    """A dashboard that lets nobody in: 401 without a token, 403 with a wrong one."""

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            self.send_response(403 if self.headers.get("Authorization") else 401)
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - likewise
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_whoever_is_not_let_in_learns_how(
    refusing: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")
    address = f"http://127.0.0.1:{refusing.server_port}"
    with pytest.raises(ConnectionError, match=r"got none: set RAY_AUTH_MODE=token, and RAY_AUTH"):
        Cluster.at(address)
    assert "RAY_ADDRESS" not in os.environ
