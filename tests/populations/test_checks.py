from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from populations.toy import toy_person
from posebridge.populations import checks
from posebridge.populations.checks import check_people
from posebridge.populations.people import people_table
from posebridge.skeletons import COCO17, CROWDPOSE14


def _table(**changes: Any) -> pa.Table:  # noqa: ANN401 - a value of any column
    """Three good people in images of 48 × 64 px, with columns of the middle one replaced."""
    rng = np.random.default_rng(0)
    table = people_table([toy_person(f"person-{i}", f"image-{i}", rng) for i in range(3)])
    rows = table.to_pylist()
    for row in rows:
        row |= {"height": 48, "width": 64}
    rows[1] |= changes
    schema = table.schema.append(pa.field("height", pa.int32()))
    return pa.Table.from_pylist(rows, schema=schema.append(pa.field("width", pa.int32())))


def _keypoints(x: float, y: float) -> list[float]:
    return [20.0, 20.0] * 16 + [x, y]


_LABELLED = [2] * 17
_LAST_UNLABELLED = [2] * 16 + [0]
_NAN = float("nan")


def test_good_people_are_all_kept() -> None:
    table = _table()
    kept, rejected = check_people(table, COCO17)
    assert kept.equals(table)
    assert rejected == Counter()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"height": None}, checks.UNKNOWN_IMAGE),
        ({"keypoints": [1.0] * 32}, checks.WRONG_KEYPOINT_COUNT),
        ({"keypoints": []}, checks.WRONG_KEYPOINT_COUNT),
        ({"visibility": [2] * 16}, checks.WRONG_KEYPOINT_COUNT),
        ({"visibility": [3] * 17}, checks.INVALID_VISIBILITY),
        ({"visibility": [None] * 17}, checks.INVALID_VISIBILITY),
        ({"box": [1.0, 1.0, 5.0]}, checks.INVALID_BOX),
        ({"box": [1.0, _NAN, 5.0, 5.0]}, checks.INVALID_BOX),
        ({"box": [1.0, 1.0, 0.0, 5.0]}, checks.EMPTY_BOX),
        ({"box": [1.0, 1.0, 5.0, -5.0]}, checks.EMPTY_BOX),
        ({"box": [64.0, 1.0, 5.0, 5.0]}, checks.BOX_OUTSIDE),
        ({"box": [1.0, -9.0, 5.0, 9.0]}, checks.BOX_OUTSIDE),
        ({"keypoints": _keypoints(_NAN, 1.0)}, checks.INVALID_KEYPOINT),
        ({"keypoints": _keypoints(1.0, float("inf"))}, checks.INVALID_KEYPOINT),
        (
            {"keypoints": _keypoints(64.5, 1.0), "visibility": _LABELLED},
            checks.KEYPOINT_OUTSIDE,
        ),
        (
            {"keypoints": _keypoints(1.0, -0.5), "visibility": _LABELLED},
            checks.KEYPOINT_OUTSIDE,
        ),
        ({"person_id": "person-0"}, checks.DUPLICATE_PERSON),
    ],
)
def test_each_fault_rejects_its_person_and_is_counted(
    changes: dict[str, Any], reason: str
) -> None:
    kept, rejected = check_people(_table(**changes), COCO17)
    assert rejected == Counter({reason: 1})
    assert kept["image_id"].to_pylist() == ["image-0", "image-2"]


@pytest.mark.parametrize(
    "changes",
    [
        {"keypoints": _keypoints(64.0, 48.0), "visibility": _LABELLED},
        {"keypoints": _keypoints(900.0, -3.0), "visibility": _LAST_UNLABELLED},
        {"box": [-5.0, -5.0, 20.0, 20.0]},
        {"visibility": [0] * 17},
    ],
)
def test_what_only_looks_odd_is_kept(changes: dict[str, Any]) -> None:
    """A keypoint on the border, an unlabelled one outside, a box cut by the border, no label."""
    kept, rejected = check_people(_table(**changes), COCO17)
    assert (kept.num_rows, rejected) == (3, Counter())


def test_a_skeleton_that_does_not_fit_rejects_everybody() -> None:
    kept, rejected = check_people(_table(), CROWDPOSE14)
    assert kept.num_rows == 0
    assert rejected == Counter({checks.WRONG_KEYPOINT_COUNT: 3})


def test_a_person_with_several_faults_is_counted_once() -> None:
    changes = {"box": [0.0, 0.0, 0.0, 0.0], "keypoints": _keypoints(_NAN, _NAN)}
    _, rejected = check_people(_table(**changes), COCO17)
    assert rejected == Counter({checks.EMPTY_BOX: 1})


def test_a_rejected_person_does_not_make_a_good_one_a_duplicate() -> None:
    changes = {"person_id": "person-2", "box": [0.0, 0.0, 0.0, 0.0]}
    kept, rejected = check_people(_table(**changes), COCO17)
    assert rejected == Counter({checks.EMPTY_BOX: 1})
    assert kept["person_id"].to_pylist() == ["person-0", "person-2"]


def test_no_people_are_no_fault() -> None:
    kept, rejected = check_people(_table().slice(0, 0), COCO17)
    assert (kept.num_rows, rejected) == (0, Counter())
