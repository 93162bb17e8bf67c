"""Everything that the engine does, on an object store instead of a folder."""

import signal
from pathlib import Path

import pytest

from engine.people import borrow
from integration.running import assert_same_results, command, finish, trainer
from integration.toy_run import ADAPT, WARMUP
from posebridge.engine.artifacts import Store
from posebridge.engine.work import stage_path

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_after_a_kill_the_results_on_s3_are_those_of_an_undisturbed_run_in_a_folder(
    made: Store, bucket: str, tmp_path: Path
) -> None:
    undisturbed, store = borrow(made, tmp_path), Store(f"{bucket}/store")
    finish(undisturbed, tmp_path / "undisturbed")
    with command(store, tmp_path / "killed") as process:
        trainer(store, process)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not store.exists(f"{stage_path(ADAPT)}/done")
    finish(store, tmp_path / "killed")
    assert_same_results(
        (store, tmp_path / "killed"), (undisturbed, tmp_path / "undisturbed"), (WARMUP, ADAPT)
    )
    events = store.children(f"{stage_path(ADAPT)}/tensorboard")
    assert [name for name in events if name.startswith("events.out.tfevents")] == events != []
    # No lease is left anywhere, nor half a file: an object store shows none.
    assert not [
        n for n in store.children("populations") if store.children(f"populations/{n}/leases")
    ]
