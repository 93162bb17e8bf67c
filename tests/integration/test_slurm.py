"""cluster/slurm.sh, with stand-ins for Slurm's own commands and with the real Ray."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from posebridge.records import read_records

ROOT = Path(__file__).parents[2]
# Runs here what it should run on a node, which it is told last.
SRUN = """#!/usr/bin/env bash
while [[ $1 == --* ]]; do
    [[ $1 == --output=* ]] && exec >"$LOGS/$(basename "${1#--output=}")" 2>&1
    shift
done
exec "$@"
"""
SLEEPING = """#!/usr/bin/env bash
exec sleep 600
"""
# Two names of one machine are two nodes.
SCONTROL = """#!/usr/bin/env bash
if [ "$1" = show ]; then printf 'localhost\\n127.0.0.1\\n'; else echo "scontrol $*"; fi
"""


def _allocation(folder: Path, srun: str) -> dict[str, str]:
    """The environment of a batch script, with these commands of Slurm's."""
    for name, program in (("srun", srun), ("scontrol", SCONTROL)):
        (folder / name).write_text(program)
        (folder / name).chmod(0o700)
    places = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {
        "PATH": os.pathsep.join(places),
        "LOGS": str(folder),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "both",
        "SLURM_CPUS_PER_TASK": "2",
    }


def _of_this_job(process: psutil.Process, job: str) -> bool:
    return any(f"/tmp/ray-{job}/" in word for word in process.info["cmdline"] or ())


@pytest.mark.long
@pytest.mark.slow
def test_an_experiment_runs_inside_an_allocation_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    environment = _allocation(tmp_path, SRUN)
    words = ("experiments/smoke.py", "--scale", "smoke", "--seeds", "0")
    ended = subprocess.run(
        ["bash", "cluster/slurm.sh", *words, "--store", str(tmp_path / "store")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "✓ train" in ended.stdout
    (file,) = (tmp_path / "store" / "records").glob("*.jsonl")
    assert read_records(file)[0]
    assert "Ray runtime started" in (tmp_path / "posebridge-%j-127.0.0.1.log").read_text()
    assert list(ROOT.glob(".posebridge-*.token")) == []
    processes = psutil.process_iter(["cmdline"])
    mine = [one for one in processes if _of_this_job(one, environment["SLURM_JOB_ID"])]
    # Ray's agents notice within a minute that their node is gone.
    assert psutil.wait_procs(mine, timeout=90)[1] == []


def test_when_its_time_is_nearly_over_a_job_goes_back_into_the_queue(tmp_path: Path) -> None:
    environment = _allocation(tmp_path, SLEEPING)
    job = subprocess.Popen(
        ["bash", str(ROOT / "cluster" / "slurm.sh"), "x.py"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    token = tmp_path / f".posebridge-{environment['SLURM_JOB_ID']}.token"
    # Head, worker and command.
    children: list[psutil.Process] = []
    while len(children) < 3:
        assert job.poll() is None
        children = [c for c in psutil.Process(job.pid).children() if c.name() == "sleep"]
    assert token.stat().st_mode & 0o777 == 0o600
    job.send_signal(signal.SIGUSR1)
    told, _ = job.communicate(timeout=60)
    assert job.returncode == 0
    assert told.endswith(f"scontrol requeue {environment['SLURM_JOB_ID']}\n")
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert not token.exists()
