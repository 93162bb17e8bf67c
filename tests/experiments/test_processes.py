import os
import subprocess
import sys
from pathlib import Path

import pytest

from fault_injection.disk import INSIDE, begin_again_with_own_mounts

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
LOSES_ITS_PARENT = """
import subprocess, time
from fault_injection.processes import adopt_orphans, bury, descendants, has_ended, kill, title

adopt_orphans()
start = ["sh", "-c", "sleep 600 >/dev/null & echo $!"]
shell = subprocess.run(start, stdout=subprocess.PIPE, text=True)
orphan = int(shell.stdout)
assert [process.pid for process in descendants()] == [orphan]
assert title(orphan) == "sleep 600"
kill([orphan, orphan])
while not has_ended(orphan):
    time.sleep(0.01)
assert descendants() == []
assert title(orphan) == ""
bury([orphan])
subprocess.run(["kill", "-0", str(orphan)], check=True)
bury([])
assert subprocess.run(["kill", "-0", str(orphan)], stderr=subprocess.DEVNULL).returncode
"""

FILLS_ITS_DISK = """
import errno, shutil, sys
from pathlib import Path
from fault_injection.disk import begin_again_with_own_mounts, filled, small_disk

begin_again_with_own_mounts()
folder = Path(sys.argv[1])
with small_disk(folder, 2**20):
    with filled(folder, 4096):
        assert shutil.disk_usage(folder).free == 4096
        try:
            (folder / "more").write_bytes(bytes(5000))
        except OSError as error:
            print(error.errno == errno.ENOSPC)
    (folder / "more").write_bytes(bytes(5000))
assert list(folder.iterdir()) == []
"""


def python(*words: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own, since what it does to itself lasts."""
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": str(EXPERIMENTS)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_orphan_is_not_out_of_sight_and_can_be_buried() -> None:
    told = python("-c", LOSES_ITS_PARENT)
    assert told.returncode == 0, told.stderr


def test_a_disk_of_ones_own_can_be_full(tmp_path: Path) -> None:
    script = tmp_path / "fills.py"
    script.write_text(FILLS_ITS_DISK)
    told = python(str(script), str(tmp_path / "mount"))
    if "must be mounted" in told.stderr:
        pytest.skip("users have no namespaces here")
    assert (told.returncode, told.stdout) == (0, "True\n"), told.stderr


def test_without_namespaces_it_is_said_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INSIDE, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        OSError, match=r"a small disk must be mounted, but .* or leave the disk out"
    ):
        begin_again_with_own_mounts()
