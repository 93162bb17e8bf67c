import errno
import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.engine import examination
from posebridge.engine.artifacts import Store
from posebridge.engine.doctor import (
    OLDEST_CLOCK,
    Finding,
    Gpu,
    State,
    Tried,
    check_address,
    check_auth,
    check_clock,
    check_cluster,
    check_cpus,
    check_disk,
    check_gpu,
    check_guard,
    check_kernels,
    check_library,
    check_memory,
    check_python,
    check_shared_memory,
    check_store,
    check_temporary_disk,
    check_weights,
)
from posebridge.populations import files

BROKEN = Tried(error="ImportError: libcudart.so.12")
GB = 1e9
CARD = Gpu("H200", free=100 * GB, total=140 * GB, has_bf16=True)
NOW = OLDEST_CLOCK + 1e6

ILL = [
    (check_python((3, 10, 4)), State.FAIL, "3.10.4", "install Python 3.11"),
    (check_library("torch", BROKEN, wanted="2.13"), State.FAIL, "libcudart", "torch==2.13.*"),
    (check_library("ray", Tried("2.61.0"), wanted="2.60"), State.WARN, "2.61.0, tested", "ray=="),
    (check_library("ray", Tried("2.6.1"), wanted="2.60"), State.WARN, "2.6.1, tested", "ray=="),
    (check_guard(BROKEN), State.FAIL, "libcudart", "--force-reinstall 'torchvision"),
    (check_address({"RAY_ADDRESS": "auto"}), State.WARN, "auto: ambiguous", "unset RAY_ADDRESS"),
    (
        check_auth({"RAY_AUTH_MODE": "token"}, has_token=False),
        State.FAIL,
        "there is none",
        "RAY_AUTH_TOKEN_PATH",
    ),
    (
        check_auth({"RAY_AUTH_MODE": "kerberos"}, has_token=False),
        State.WARN,
        "kerberos: unknown",
        "set it to disabled",
    ),
    (check_cluster(Tried(error="no port")), State.FAIL, "no port", "--debug"),
    (
        check_cpus(usable=1, counted=2, threads=2, claimed=2),
        State.WARN,
        "they share cores",
        "threads=1",
    ),
    (
        check_cpus(usable=2.5, counted=64, threads=2, claimed=2),
        State.WARN,
        "2.5 may be used, but Ray counts 64",
        "--num-cpus=2,",
    ),
    (
        check_cpus(usable=2, counted=2, threads=4, claimed=4),
        State.FAIL,
        "claim 4: they would starve",
        "threads=1",
    ),
    (check_memory(3 * GB), State.WARN, "3.0 GB available", "end other programs"),
    (check_memory(1 * GB), State.FAIL, "1.0 GB available", "end other programs"),
    (
        check_shared_memory(0.064 * GB, memory=10 * GB),
        State.WARN,
        "0.1 GB free, of 3 GB that Ray wants",
        "--shm-size=3g",
    ),
    (check_disk("/data", 4 * GB), State.WARN, "4.0 GB free at /data", "another --store"),
    (check_disk("/data", 0.5 * GB), State.FAIL, "0.5 GB free at /data", "another --store"),
    (check_temporary_disk("/tmp", 0.96), State.WARN, "96 % of the disk at /tmp", "RAY_TMPDIR"),
    (check_store("s3://x", BROKEN), State.FAIL, "libcudart", "conditional writes"),
    (check_clock(now=1e9, store_now=1e9), State.FAIL, "before the year 2026", "time server"),
    (check_clock(now=NOW, store_now=NOW - 9), State.WARN, "9.0 s apart", "time server"),
    (check_clock(now=NOW, store_now=NOW + 40), State.FAIL, "40.0 s apart", "time server"),
    (check_gpu((), has_driver=True), State.WARN, "torch does not see it", "pytorch.org"),
    (
        check_gpu((CARD, Gpu("T4", 15 * GB, 16 * GB, has_bf16=False)), has_driver=True),
        State.WARN,
        "one is without bf16",
        "CUDA_VISIBLE_DEVICES",
    ),
    (
        check_gpu((Gpu("H200", 1 * GB, 140 * GB, has_bf16=True),), has_driver=True),
        State.WARN,
        "1 of 140 GB free",
        "end what uses it",
    ),
    (check_weights(Tried(error="SHA-256")), State.FAIL, "SHA-256", "install posebridge again"),
    (check_kernels(Tried(error="no locator")), State.FAIL, "no locator", "NUMBA_CACHE_DIR"),
]

WELL = [
    check_python((3, 11, 0)),
    check_library("torch", Tried("2.13.0+cpu"), wanted="2.13"),
    check_guard(Tried("timm 1")),
    check_address({}),
    check_address({"RAY_ADDRESS": ""}),
    check_auth({}, has_token=False),
    check_auth({"RAY_AUTH_MODE": "disabled"}, has_token=False),
    check_auth({"RAY_AUTH_MODE": "token"}, has_token=True),
    check_cluster(Tried("starts")),
    check_cpus(usable=2, counted=2, threads=2, claimed=2),
    check_memory(5 * GB),
    check_shared_memory(4 * GB, memory=10 * GB),
    check_shared_memory(None, memory=10 * GB),
    check_disk("/data", 6 * GB),
    check_disk("s3://x", None),
    check_temporary_disk("/tmp", 0.5),
    check_store("store", Tried("can be written")),
    check_clock(now=NOW, store_now=NOW + 1),
    check_clock(now=NOW, store_now=None),
    check_gpu((), has_driver=False),
    check_gpu((CARD,), has_driver=True),
    check_weights(Tried("movenet")),
    check_kernels(Tried("__pycache__")),
]


@pytest.mark.parametrize(
    ("finding", "state", "found", "cure"), ILL, ids=lambda v: v.name if type(v) is Finding else ""
)
def test_what_is_ill_has_its_state_its_fact_and_a_cure_in_one_line(
    finding: Finding, state: State, found: str, cure: str
) -> None:
    assert finding.state is state
    assert found in finding.found
    assert cure in finding.cure
    assert "\n" not in finding.cure


@pytest.mark.parametrize("finding", WELL, ids=lambda finding: finding.name)
def test_what_is_well_needs_no_cure(finding: Finding) -> None:
    assert (finding.state, finding.cure) == (State.OK, "")
    assert finding.found


def test_a_failed_attempt_tells_its_first_line() -> None:
    def fail() -> str:
        raise OSError("no such library\nmore of it")

    assert examination.attempt(fail) == Tried(error="OSError: no such library")
    assert examination.attempt(lambda: "2.13") == Tried("2.13")


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


def test_a_token_is_found_where_ray_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert not examination.has_token({})
    assert examination.has_token({"RAY_AUTH_TOKEN": "abc"})
    token = tmp_path / "token"
    token.touch()
    assert not examination.has_token({"RAY_AUTH_TOKEN_PATH": str(token)})
    token.write_text("abc")
    assert examination.has_token({"RAY_AUTH_TOKEN_PATH": str(token)})
    (tmp_path / ".ray").mkdir()
    token.rename(tmp_path / ".ray" / "auth_token")
    assert examination.has_token({})


def test_a_cluster_that_does_not_start_tells_why() -> None:
    broken = examination.start_cluster("raise RuntimeError('no port is free')", 30.0)
    assert broken == Tried(error="RuntimeError: no port is free")
    silent = examination.start_cluster("raise SystemExit(7)", 30.0)
    assert silent == Tried(error="ended with status 7")
    slow = examination.start_cluster("import time; time.sleep(30)", 0.2)
    assert slow == Tried(error="did not start and run a task within 0.2 s")


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
    findings = {one.name: one for one in examination.examine(Store(str(tmp_path)))}
    assert findings["torch"].found == "ImportError: no torch"
    assert findings["ray"].state is State.FAIL
    assert findings.keys().isdisjoint({"GPU", "shipped weights", "local cluster"})
    assert findings["store"].state is State.OK


@pytest.mark.slow
def test_this_machine_can_be_examined_whole(tmp_path: Path) -> None:
    findings = {one.name: one for one in examination.examine(Store(str(tmp_path)))}
    for name in ("Python", "torch", "ray", "timm and torchvision", "shipped weights", "store"):
        assert findings[name].state is State.OK, findings[name]
    assert findings["cache of compiled kernels"].state is State.OK
    assert findings["local cluster"].state is State.OK, findings["local cluster"]
