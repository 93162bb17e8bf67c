import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.watching import marker
from posebridge.engine.artifacts import Store

TESTS = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.long
def test_a_task_whose_node_is_lost_goes_on_elsewhere_or_says_that_there_is_no_room(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path))
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "integration.lost_node", store.uri]
    ended = subprocess.run(command, env=environment, timeout=600, check=False)
    assert ended.returncode == 0
    assert store.exists(marker("a"))
    assert store.read("a-tried/0") != store.read("a-tried/1")
    (cause,) = store.read_json("failures")
    assert cause.startswith("its node was lost: task 'b' needs 2 CPUs on one node, but there is 1")
    assert "Lower the stage's threads" in cause
