"""BlazePose on real weights where they have been fetched, and what it says where they are not."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawn_figure import FIGURE, JOINTS
from posebridge.networks.blazepose import INPUT_PX, BlazePose, weights_path
from posebridge.skeletons import BLAZEPOSE33, COCO17, keypoint_map

WEIGHTS = weights_path(os.environ)
needs_runtime = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None,
    reason="ai-edge-litert is not installed: pip install 'posebridge[witness]'",
)
needs_weights = pytest.mark.skipif(
    not WEIGHTS.is_file(),
    reason=f"no weights at {WEIGHTS}: run `python -m posebridge.networks.blazepose`",
)


@pytest.fixture(scope="module")
def blazepose() -> BlazePose:
    return BlazePose(WEIGHTS)


def _figure() -> np.ndarray:
    """The drawn figure in the top left corner of a black picture."""
    stored = cv2.imread(str(FIGURE))
    assert stored is not None
    picture = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
    picture[: stored.shape[0], : stored.shape[1]] = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    return picture


@pytest.mark.slow
@needs_runtime
@needs_weights
def test_landmarks_stand_on_the_drawn_figure(blazepose: BlazePose) -> None:
    """Its joints were drawn at these pixels; a figure without feet leaves the ankles open."""
    found = blazepose(_figure())
    for name, position in JOINTS.items():
        assert np.linalg.norm(found.keypoints[BLAZEPOSE33.index(name)] - position) < 20
    coco, _ = keypoint_map(BLAZEPOSE33, COCO17)(found.keypoints, found.visibility > 0.5)
    assert np.isfinite(coco).all()
    assert found.presence > 0.5
    assert ((found.visibility >= 0) & (found.visibility <= 1)).all()


@pytest.mark.slow
@needs_runtime
@needs_weights
def test_nobody_is_present_in_an_empty_picture(blazepose: BlazePose) -> None:
    assert blazepose(np.full((INPUT_PX, INPUT_PX, 3), 127, np.uint8)).presence < 0.5


@pytest.mark.slow
@needs_runtime
@needs_weights
def test_a_picture_of_another_size_is_refused(blazepose: BlazePose) -> None:
    with pytest.raises(ValueError, match="pictures of 256 × 256 × 3, but got 64 × 64 × 3: crop"):
        blazepose(np.zeros((64, 64, 3), np.uint8))


def test_absent_weights_are_answered_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"BlazePose's weights must be at .*, but there is no file: run `python -m "
        r"posebridge\.networks\.blazepose`, once",
    ):
        BlazePose(weights_path({"XDG_CACHE_HOME": str(tmp_path)}))


@pytest.mark.slow
@needs_weights
def test_an_absent_runtime_is_answered_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ValueError, match=r"ai-edge-litert, but got .*posebridge\[witness\]"):
        BlazePose(WEIGHTS)


def test_where_nothing_can_be_fetched_the_command_says_why_in_one_line(tmp_path: Path) -> None:
    """There is no npm on an empty path."""
    environment = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "posebridge.networks.blazepose"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "is fetched by npm, but there is no npm: install Node.js" in line
