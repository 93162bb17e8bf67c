from dataclasses import replace

import pytest

from posebridge.engine.doctor.findings import Finding, State, Tried, attempt
from posebridge.engine.doctor.machine import (
    OLDEST_CLOCK,
    Gpu,
    check_clock,
    check_cpus,
    check_disk,
    check_gpu,
    check_memory,
    check_shared_memory,
    check_store,
    check_temporary_disk,
)
from posebridge.engine.doctor.nodes import (
    Training,
    Visited,
    check_answer,
    check_arithmetic,
    check_clocks,
    check_node_disks,
    check_object_stores,
    check_reach,
    check_state_api,
    check_versions,
)
from posebridge.engine.doctor.rays import (
    Instance,
    Session,
    check_address,
    check_auth,
    check_cluster,
    check_instances,
    check_leftovers,
    check_open,
    check_switches,
)
from posebridge.engine.doctor.software import (
    check_extras,
    check_guard,
    check_kernels,
    check_library,
    check_python,
    check_weights,
)

BROKEN = Tried(error="ImportError: libcudart.so.12")
GB = 1e9
CARD = Gpu("H200", free=100 * GB, total=140 * GB, has_bf16=True)
NOW = OLDEST_CLOCK + 1e6
SOFTWARE = {"python": "3.11.7", "torch": "2.13.0"}
HEAD = Visited("10.0.0.1", 0, 0, 2 * GB, SOFTWARE, ahead_s=0.1, disk_free=50 * GB, store="")
NODE = replace(HEAD, name="10.0.0.2", cpus=8)
MINE = Instance(17, ("127.0.0.1", "::1"), "disabled")
OPEN = Instance(18, ("::",), "disabled")
CLOSED = Instance(19, ("0.0.0.0",), "token")
SOMEBODYS = Instance(20, (), None)
SET = {"RAY_ADDRESS": "10.0.0.1:6379"}

ILL = [
    (check_python((3, 10, 4)), State.FAIL, "3.10.4", "install Python 3.11"),
    (check_library("torch", BROKEN, wanted="2.13"), State.FAIL, "libcudart", "torch==2.13.*"),
    (check_library("ray", Tried("2.61.0"), wanted="2.60"), State.WARN, "2.61.0, tested", "ray=="),
    (check_library("ray", Tried("2.6.1"), wanted="2.60"), State.WARN, "2.6.1, tested", "ray=="),
    (check_guard(BROKEN), State.FAIL, "libcudart", "--force-reinstall 'torchvision"),
    (
        check_address(SET, answers=True, in_job=False),
        State.WARN,
        "10.0.0.1:6379: ambiguous",
        "unset RAY_ADDRESS, and give --address",
    ),
    (
        check_address(SET, answers=False, in_job=False),
        State.WARN,
        "10.0.0.1:6379: nobody answers",
        "unset RAY_ADDRESS",
    ),
    (check_switches({"RAY_TRAIN_V2_ENABLED": "0"}), State.WARN, "does not start", "unset RAY_TR"),
    (
        check_instances([MINE, OPEN]),
        State.WARN,
        "2, of processes 17, 18: --address=auto may mean any",
        "--address=IP:PORT",
    ),
    (check_open([MINE, OPEN, CLOSED]), State.WARN, "process 18 lets in", "RAY_AUTH_MODE=token"),
    (
        check_leftovers([Session("/tmp/ray/session_1", 0.4 * GB), Session("/tmp/ray/s2", 3 * GB)]),
        State.WARN,
        "2 hold 3.4 GB",
        "rm -r /tmp/ray/s2 /tmp/ray/session_1",
    ),
    (check_extras(BROKEN), State.FAIL, "libcudart", "pip install 'ray[default]==2.60.*'"),
    (check_answer("10.0.0.1:6379", BROKEN), State.FAIL, "libcudart", "RAY_AUTH_TOKEN_PATH"),
    (check_state_api(BROKEN), State.FAIL, "libcudart", "--include-dashboard=true"),
    (
        check_versions(
            [NODE, replace(NODE, name="b", versions={"python": "3.11.7"})], here=SOFTWARE
        ),
        State.FAIL,
        "b has torch nowhere, not 2.13.0",
        "one image",
    ),
    (
        check_clocks([HEAD, replace(NODE, ahead_s=-9.0)]),
        State.WARN,
        "at most 9.0 s apart: a living worker",
        "let 10.0.0.2 follow a time server",
    ),
    (check_clocks([HEAD, replace(NODE, ahead_s=31.0)]), State.FAIL, "31.0 s", "time server"),
    (
        check_object_stores([HEAD, replace(NODE, object_store=0.1 * GB)]),
        State.WARN,
        "at least 0.1 GB, on 10.0.0.2",
        "--object-store-memory",
    ),
    (
        check_node_disks([HEAD, replace(NODE, disk_free=2 * GB)]),
        State.WARN,
        "at least 2.0 GB free, on 10.0.0.2",
        "--temp-dir",
    ),
    (check_node_disks([replace(NODE, disk_free=0.0)]), State.FAIL, "0.0 GB", "free some space"),
    (
        check_reach([HEAD, replace(NODE, store="FileNotFoundError: x")]),
        State.FAIL,
        "10.0.0.2: FileNotFoundError: x",
        "a folder that all mount",
    ),
    (
        check_arithmetic([Training(1, 2), Training(1, 2), Training(3, 4)], [8, 3]),
        State.FAIL,
        "2 trainings × 1 workers × 2 threads + 1 trainings × 3 workers × 4 threads + 0 for "
        "reading = 16 of 11 CPUs: there is no place for 3 workers of 4 threads",
        "more nodes",
    ),
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
    check_address({}, answers=False, in_job=False),
    check_address({"RAY_ADDRESS": ""}, answers=False, in_job=False),
    check_address(SET, answers=True, in_job=True),
    check_switches({}),
    check_switches({"RAY_TRAIN_V2_ENABLED": "1"}),
    check_instances([]),
    check_instances([MINE]),
    check_open([MINE, CLOSED, SOMEBODYS]),
    check_leftovers([]),
    check_leftovers([Session("/tmp/ray/session_1", 0.4 * GB)]),
    check_extras(Tried("all of it")),
    check_answer("10.0.0.1:6379", Tried("2 nodes answer")),
    check_state_api(Tried("knows 2 nodes")),
    check_versions([HEAD, NODE], here=SOFTWARE),
    check_clocks([HEAD, NODE]),
    check_object_stores([HEAD, NODE]),
    check_node_disks([HEAD, NODE]),
    check_reach([HEAD, NODE]),
    check_arithmetic([], [2]),
    check_arithmetic([Training(1, 2)] * 3, [4]),
    check_arithmetic([Training(3, 4)], [8, 4]),
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


def test_trainings_that_do_not_fit_at_once_take_turns() -> None:
    """3 × 1 × 2 = 6 CPUs, of which there are 4: two run, the third waits."""
    found = check_arithmetic([Training(1, 2)] * 3, [4]).found
    assert found == (
        "3 trainings × 1 workers × 2 threads + 0 for reading = 6 of 4 CPUs: they take turns"
    )


def test_a_worker_does_not_spread_over_nodes() -> None:
    """Three nodes of 3 CPUs have 9, but only one place of 2 threads each."""
    assert check_arithmetic([Training(3, 2)], [3, 3, 3]).state is State.OK
    assert check_arithmetic([Training(4, 2)], [3, 3, 3]).state is State.FAIL


def test_a_failed_attempt_tells_its_first_line() -> None:
    def fail() -> str:
        raise OSError("no such library\nmore of it")

    assert attempt(fail) == Tried(error="OSError: no such library")
    assert attempt(lambda: "2.13") == Tried("2.13")
