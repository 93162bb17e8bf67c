from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from populations.importers.reading import people
from populations.importers.writing import standing, write_lsp
from posebridge.populations.importers.lsp import LeedsSports
from posebridge.populations.importers.source import SourceError
from posebridge.skeletons import BODY16


@pytest.fixture
def lsp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    halves = {"first": (1, 2), "second": (1001,)}
    monkeypatch.setattr("posebridge.populations.importers.lsp.HALVES", halves)
    return write_lsp(tmp_path)


def test_fourteen_of_sixteen_keypoints_are_labelled(lsp: Path) -> None:
    first = people(LeedsSports(), lsp, "first")[0]
    unlabelled = [BODY16.keypoints[i] for i in np.flatnonzero(first.visibility == 0)]
    assert unlabelled == ["pelvis", "thorax"]
    labelled = first.visibility > 0
    assert np.array_equal(first.keypoints[labelled], standing(BODY16)[labelled])
    assert (first.keypoints[~labelled] == 0).all()


def test_a_joint_that_the_file_says_is_hidden_is_hidden(lsp: Path) -> None:
    first = people(LeedsSports(), lsp, "first")[0]
    hidden = [BODY16.keypoints[i] for i in np.flatnonzero(first.visibility == 1)]
    assert hidden == ["right_ankle"]


def test_a_joint_outside_the_image_is_not_labelled(lsp: Path) -> None:
    joints = scipy.io.loadmat(lsp / "joints.mat")["joints"]
    joints[:2, 11, 0] = -3
    scipy.io.savemat(lsp / "joints.mat", {"joints": joints})
    first, second = people(LeedsSports(), lsp, "first")
    wrist = BODY16.index("left_wrist")
    assert (first.visibility[wrist], second.visibility[wrist]) == (0, 2)


def test_the_halves_are_apart(lsp: Path) -> None:
    assert [one.person_id for one in people(LeedsSports(), lsp, "second")] == ["im1001"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"points": np.zeros(3)}, r"must be a MATLAB file .* with 'joints', but is not: 'joints'"),
        ({"joints": np.zeros((14, 3, 10000))}, r"must be 3 × 14 × 2000, but is \(14, 3, 10000\)"),
    ],
)
def test_another_matlab_file_is_refused(lsp: Path, content: Any, message: str) -> None:
    scipy.io.savemat(lsp / "joints.mat", content)
    with pytest.raises(SourceError, match=message):
        people(LeedsSports(), lsp, "first")


def test_a_file_that_is_not_of_matlab_is_refused(lsp: Path) -> None:
    (lsp / "joints.mat").write_text("joints")
    with pytest.raises(SourceError, match=r"joints\.mat in .* must be a MATLAB file"):
        people(LeedsSports(), lsp, "first")
