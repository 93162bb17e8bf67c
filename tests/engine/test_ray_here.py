import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.engine.doctor.rays import Instance
from posebridge.engine.ray_here import (
    answers,
    dead_sessions,
    has_token,
    instances,
    temporary_folder,
)

SLEEP = "import sys, time; print('up', flush=True); time.sleep(600)"


def test_a_token_is_found_where_ray_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert not has_token({})
    assert has_token({"RAY_AUTH_TOKEN": "abc"})
    token = tmp_path / "token"
    token.touch()
    assert not has_token({"RAY_AUTH_TOKEN_PATH": str(token)})
    token.write_text("abc")
    assert has_token({"RAY_AUTH_TOKEN_PATH": str(token)})
    (tmp_path / ".ray").mkdir()
    token.rename(tmp_path / ".ray" / "auth_token")
    assert has_token({})


def test_somebody_who_listens_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert answers(address)
        assert answers(f"http://{address}/")
    assert not answers(address)
    assert not answers("127.0.0.1")
    assert not answers("nosuch.invalid:6379")


def test_ray_keeps_its_sessions_where_it_is_told(tmp_path: Path) -> None:
    assert temporary_folder({"RAY_TMPDIR": str(tmp_path)}) == tmp_path / "ray"
    assert temporary_folder({}).name == "ray"


def test_only_sessions_that_no_process_names_are_dead(tmp_path: Path) -> None:
    for name in ("session_2026-01-01_1", "session_2026-01-01_12", "other"):
        (tmp_path / name / "logs").mkdir(parents=True)
    (tmp_path / "session_2026-01-01_1" / "logs" / "out").write_bytes(b"x" * 10_000)
    (tmp_path / "session_latest").symlink_to(tmp_path / "session_2026-01-01_12")
    living = f"--session-dir={tmp_path}/session_2026-01-01_12"
    with subprocess.Popen(
        [sys.executable, "-c", SLEEP, living], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (dead,) = dead_sessions(tmp_path)
        process.kill()
    assert dead.path == str(tmp_path / "session_2026-01-01_1")
    assert 10_000 <= dead.size < 100_000
    assert len(dead_sessions(tmp_path)) == 2
    assert dead_sessions(tmp_path / "nowhere") == []


def test_a_head_is_seen_with_where_it_listens_and_whether_it_asks_for_a_token(
    tmp_path: Path,
) -> None:
    """A process of the name that a head has, which opens a port and does nothing else."""
    program = (
        "import socket, time; one = socket.create_server(('127.0.0.1', 0)); "
        "print('up', flush=True); time.sleep(600)"
    )
    head = tmp_path / "gcs_server"
    # A copy, since the name of a process is that of its file.
    head.write_bytes(Path(os.path.realpath(sys.executable)).read_bytes())
    head.chmod(0o700)
    environment = dict(os.environ) | {"RAY_AUTH_MODE": "token", "PYTHONHOME": sys.base_prefix}
    with subprocess.Popen(
        [head, "-c", program], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        found = {one.pid: one for one in instances()}
        process.kill()
    assert found[process.pid] == Instance(process.pid, ("127.0.0.1",), "token")
    assert not found[process.pid].is_open
    assert process.pid not in {one.pid for one in instances()}
