import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands.question import write_question

TESTS = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threads", "status", "told"),
    [
        (
            3,
            0,
            ("Room: 1 × 7 CPUs, 1 × 3 CPUs", "│ 4         │ 1 CPU      │ 10", "│ 3 CPUs     │ 3 "),
        ),
        (8, 1, ("'train adapt (adapted seed 0)' needs 8 CPUs on one node", "largest has 7 CPUs.")),
    ],
)
def test_a_plan_for_a_cluster_counts_on_its_nodes(
    tmp_path: Path, threads: int, status: int, told: tuple[str, ...]
) -> None:
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    file, store = write_question(tmp_path), tmp_path / "store"
    command = [sys.executable, "-m", "integration.plan_there", str(threads), str(file), str(store)]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == status, ended.stderr
    printed = ended.stdout + ended.stderr
    assert [words for words in told if words not in printed] == []
    assert not store.exists()
