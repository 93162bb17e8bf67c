import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def _quick(name: str, *options: str) -> dict[str, Any]:
    """The last line that a quick run of a benchmark prints."""
    command = [sys.executable, str(EXPERIMENTS / f"{name}.py"), "--quick", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return printed


def _encloses(interval: list[float], value: float) -> bool:
    low, high = interval
    return low <= value <= high


@pytest.mark.long
@pytest.mark.slow
def test_loading_is_compared_with_a_dataloader_and_a_bare_loop(tmp_path: Path) -> None:
    printed = _quick("benchmark_loading", "--store", str(tmp_path))
    for name in ("ours_over_dataloader", "ours_over_bare_loop"):
        assert printed[name] > 0
        assert _encloses(printed[f"{name}_interval"], printed[name])
    assert set(printed["images_per_s"]) == {"ours", "dataloader_1", "dataloader_2", "bare_loop"}


@pytest.mark.slow
def test_a_step_of_the_engine_is_compared_with_a_bare_one() -> None:
    """Only Lightning tells the share, and a quick run leaves it out."""
    printed = _quick("benchmark_step")
    assert printed["overhead"] is None
    assert _encloses(printed["overhead_ms_interval"], printed["overhead_ms"])
    assert printed["small"]["bare_ms"] > 0


@pytest.mark.slow
def test_reading_records_is_compared_with_parsing_json() -> None:
    printed = _quick("benchmark_records")
    assert printed["records"] == 1000
    assert printed["seconds_per_10000"] > 0
    assert printed["seconds_per_10000_of_the_json_parser"] > 0
    assert printed["peak_mib"] > 0


@pytest.mark.slow
def test_a_graph_of_a_hundred_stages_is_compared_with_plain_ray() -> None:
    printed = _quick("benchmark_graph")
    assert printed["stages"] == 100
    for name in ("overhead_ms_per_stage", "ours_over_plain_ray"):
        assert printed[name] > 0
        assert _encloses(printed[f"{name}_interval"], printed[name])


@pytest.mark.slow
@pytest.mark.long
def test_two_workers_are_compared_with_one() -> None:
    """Two workers and one that passes its people in two parts do the very same sums."""
    printed = _quick("benchmark_workers")
    assert printed["two_workers_over_one"]["ratio"] > 0
    assert printed["gradients"]["shared"] < 1e-5 < printed["gradients"]["mean_of_means"]
    differences = printed["largest_difference_from_1x1"]
    assert differences["1x1"] == {"weights": 0.0, "terms": 0.0}
    assert 0 < differences["2x1"]["weights"] < 0.5


@pytest.mark.slow
@pytest.mark.long
def test_the_engine_is_compared_with_a_bare_loop_on_the_same_bits() -> None:
    printed = _quick("benchmark_gpu")
    for found in printed["networks"].values():
        assert found["same_bits"] or printed["device"] != "cpu"
        assert _encloses(found["ours_over_bare_interval"], found["ours_over_bare"])
        assert found["loader_images_per_s"] > 0
        assert found["fed_images_per_s"] > 0


@pytest.mark.slow
def test_gradient_maps_are_compared_with_a_training_step_and_a_loop() -> None:
    printed = _quick("benchmark_guidance")
    for name in ("share_of_step", "drawn_share_of_step", "speedup_over_loop"):
        assert printed[name] > 0
        assert _encloses(printed[f"{name}_interval"], printed[name])
    assert set(printed["images_per_s"]) == {"estimator", "guided"}
