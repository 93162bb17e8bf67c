"""Who gets into the cluster that a command starts for itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

OWNER = """
import os, subprocess, sys
import ray
from posebridge.engine.cluster import cluster

JOIN = "import sys, ray; ray.init(address=sys.argv[1]); print('joined')"
STRANGER = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}

def join(environment):
    words = [sys.executable, "-c", JOIN, ray.get_runtime_context().gcs_address]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True)
    return ended.stdout.strip() or ended.stderr.strip().splitlines()[-1]

with cluster(None):
    assert ray.get(ray.remote(lambda: 3).remote()) == 3
    print(join(dict(os.environ)))
    for mode in ("disabled", "token"):
        token = {"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": "guessed"}
        print(join(STRANGER | token))
"""


def test_only_what_a_command_starts_itself_gets_into_its_cluster(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    told = subprocess.run(
        [sys.executable, "-c", OWNER],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    child, *strangers = told.stdout.splitlines()
    assert child == "joined"
    assert len(strangers) == 2
    assert all("Failed to connect to Ray cluster" in one for one in strangers)
    # Nor is a token left in the home of whoever ran it.
    assert list(tmp_path.rglob("auth_token")) == []
