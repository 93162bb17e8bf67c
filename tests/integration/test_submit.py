"""Submitting to the two nodes of cluster/local.sh, as a user does."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from posebridge.records import read_records

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from posebridge.cli import main; sys.exit(main())"
# Other than those that a user's own would have.
PORT, DASHBOARD_PORT = "27400", "29280"
ADDRESS = f"http://127.0.0.1:{DASHBOARD_PORT}"
RUN = ("run", "experiments/where.py", "--scale", "smoke", "--seeds", "0")
TOKEN = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@dataclass(frozen=True)
class Nodes:
    """A running cluster: the process that holds it, and the file of its token."""

    process: subprocess.Popen[str]
    token: Path


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes; every process of theirs has ended after the tests."""
    # Sockets have short names, so not in pytest's deep folder.
    folder = Path("/tmp", f"posebridge-{os.getpid()}")
    environment = {name: value for name, value in os.environ.items() if name not in TOKEN}
    environment |= {
        "PORT": PORT,
        "DASHBOARD_PORT": DASHBOARD_PORT,
        "CPUS": "2",
        "FOLDER": str(folder),
        # Of the environment that runs the tests, wherever that is.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    started = subprocess.Popen(
        ["bash", str(ROOT / "cluster" / "local.sh")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a script has put in the background is deaf to it, and so is all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert started.stdout is not None
        told = []
        while (line := started.stdout.readline()) and "Ctrl-C here ends them" not in line:
            told.append(line)
        assert line, "".join(told)
        assert f"submit --address {ADDRESS} " in "".join(told)
        yield Nodes(started, folder / "token")
    finally:
        started.send_signal(signal.SIGINT)
        rest, _ = started.communicate(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
    assert "The cluster is down." in rest
    mine = [one for one in psutil.process_iter(["cmdline"]) if _names(one, str(folder))]
    # Ray's agents notice within a minute that their node is gone.
    assert psutil.wait_procs(mine, timeout=90)[1] == []


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this code, and an experiment that says where it comes from."""
    folder = tmp_path_factory.mktemp("repository")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "platform", folder / "platform", ignore=ignored)
    (folder / "experiments").mkdir()
    smoke = (ROOT / "experiments" / "smoke.py").read_text()
    where = "import posebridge\nprint('the code is', posebridge.__file__, flush=True)\n"
    (folder / "experiments" / "where.py").write_text(smoke + where)
    for words in (["init"], ["add", "."], ["commit", "-m", "First"]):
        named = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)
    return folder


def _names(process: psutil.Process, text: str) -> bool:
    return any(text in word for word in process.info["cmdline"] or ())


def _posebridge(folder: Path, token: Path | None, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in TOKEN}
    # Whoever forgot this would be led elsewhere; --address counts.
    environment |= {"RAY_ADDRESS": "127.0.0.1:9"}
    if token is not None:
        environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_token_nobody_gets_in(nodes: Nodes, repository: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("another")
    for token, got in ((None, "none"), (wrong, "another")):
        ended = _posebridge(repository, token, "jobs", "--address", ADDRESS)
        assert ended.returncode == 1
        assert f"error: {ADDRESS} asks for its token, but got {got}: set RAY_AUTH" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_submitted_experiment_runs_there_and_goes_on_where_it_is_submitted_again(
    nodes: Nodes, repository: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    asked = ("submit", "--address", ADDRESS, "--store", str(store), "--wait", "--", *RUN)
    first = _posebridge(repository, nodes.token, *asked)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "-1 is submitted" in first.stdout
    # On the cluster's copy, not where this is installed; with the trainings' lines, live.
    (where,) = [line for line in first.stdout.splitlines() if line.startswith("the code is")]
    assert "/working_dir_files/" in where
    assert "✓ train" in first.stdout
    (file,) = (store / "records").glob("*.jsonl")
    records, _ = read_records(file)
    assert records
    assert {len(record.commit) for record in records} == {12}

    again = _posebridge(repository, nodes.token, *asked)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "-2 is submitted" in again.stdout
    assert "✓ train" not in again.stdout

    listed = _posebridge(repository, nodes.token, "jobs", "--address", ADDRESS)
    assert listed.stdout.count("succeeded") == 2


def test_a_job_that_fails_fails_here_with_its_reason(
    nodes: Nodes, repository: Path, tmp_path: Path
) -> None:
    asked = ("submit", "--address", ADDRESS, "--store", str(tmp_path), "--wait", "--")
    words = ("plan", "experiments/where.py", "--set", "nosuch.steps=3")
    ended = _posebridge(repository, nodes.token, *asked, *words)
    assert ended.returncode == 1
    assert "no stage is called 'nosuch'" in ended.stdout
    assert "failed with status 1; its log says why" in ended.stdout


@pytest.mark.long
def test_a_doctor_looks_at_every_node_from_a_job(
    nodes: Nodes, repository: Path, tmp_path: Path
) -> None:
    asked = ("submit", "--address", ADDRESS, "--store", str(tmp_path), "--wait", "--", "doctor")
    printed = _posebridge(repository, nodes.token, *asked).stdout
    assert "2 nodes answer" in printed
    for name in ("State API", "software of the nodes", "clocks of the nodes", "store on the"):
        assert f"✓ ok   │ {name}" in printed, printed
