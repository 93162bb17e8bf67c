import errno
import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.engine import examination
from posebridge.engine.artifacts import Store
from posebridge.engine.doctor.findings import State, Tried
from posebridge.engine.examination import Subject
from posebridge.populations import files


def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    probed = examination.probe(Store(str(tmp_path / "new")))
    assert probed.tried == Tried("can be written, creates a file once only")
    assert probed.store_now == pytest.approx(probed.now, abs=2.0)
    assert list(tmp_path.iterdir()) == []


def test_a_probe_works_on_a_store_that_is_no_folder() -> None:
    probed = examination.probe(Store("memory://doctor"))
    assert probed.tried.error == ""
    assert Store("memory://doctor").children("") == []


def test_a_full_disk_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "create", full)
    assert "the disk is full" in examination.probe(Store(str(tmp_path))).tried.error


def test_a_store_that_creates_a_file_twice_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(self: Store, path: str, content: bytes) -> bool:
        self.write(path, content)
        return True

    monkeypatch.setattr(Store, "create", always)
    assert "two workers could do the same" in examination.probe(Store(str(tmp_path))).tried.error


def test_a_store_of_an_unknown_kind_is_found_out() -> None:
    (finding,) = examination.storage(Store("nosuch://x"))
    assert (finding.name, finding.state) == ("store", State.FAIL)
    assert "nosuch" in finding.found


QUOTAS = [("50000 100000", 0.5), ("max 100000", 1e9), ("", 1e9)]


@pytest.mark.parametrize(("quota", "share"), QUOTAS)
def test_cores_are_limited_by_the_quota(quota: str, share: float) -> None:
    assert examination.usable_cores(quota) == min(share, examination.usable_cores(""))


def test_a_doctor_is_reached_without_torch_or_ray() -> None:
    code = (
        "import sys, posebridge.commands.doctor; "
        "print([n for n in ('torch', 'ray', 'numba') if n in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_what_needs_a_broken_library_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(library: str) -> str:
        raise ImportError(f"no {library}")

    monkeypatch.setattr(examination, "_version", version)
    findings = {one.name: one for one in examination.examine(Subject(Store(str(tmp_path))))}
    assert findings["torch"].found == "ImportError: no torch"
    assert findings["ray"].state is State.FAIL
    assert findings.keys().isdisjoint({"GPU", "shipped weights", "local cluster"})
    assert findings["store"].state is State.OK


@pytest.mark.slow
def test_this_machine_can_be_examined_whole(tmp_path: Path) -> None:
    findings = {one.name: one for one in examination.examine(Subject(Store(str(tmp_path))))}
    for name in ("Python", "torch", "ray", "timm and torchvision", "shipped weights", "store"):
        assert findings[name].state is State.OK, findings[name]
    assert findings["cache of compiled kernels"].state is State.OK
    assert findings["local cluster"].state is State.OK, findings["local cluster"]
