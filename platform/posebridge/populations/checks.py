"""What a row of people must satisfy; what does not is left out and counted, never silently.

Writers count what they reject in the manifest; readers check again, because a file can come from
elsewhere. A labelled keypoint outside the image rejects the person: whoever makes or imports a
population sets keypoints that fall outside to visibility 0 knowingly, so one that is still
labelled there is a wrong annotation.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from posebridge.skeletons import Skeleton

UNKNOWN_IMAGE = "unknown image"
WRONG_KEYPOINT_COUNT = "wrong number of keypoints"
INVALID_VISIBILITY = "visibility not 0, 1 or 2"
INVALID_BOX = "box not four finite numbers"
EMPTY_BOX = "box without area"
BOX_OUTSIDE = "box outside the image"
INVALID_KEYPOINT = "keypoint not finite"
KEYPOINT_OUTSIDE = "labelled keypoint outside the image"
DUPLICATE_PERSON = "duplicate person id"
IMAGE_WITHOUT_PEOPLE = "image without people"
"""Counted by the shard writer, which leaves such images out."""
UNDECODABLE = "undecodable image"
"""Counted by whoever decodes: only then does it show."""
NOT_A_PERSON = "annotation not of a person"
CROWD = "annotation of a crowd"
NO_KEYPOINTS = "no labelled keypoint"
MISSING_IMAGE = "missing image"
NOT_AN_IMAGE = "file that is no image"
OTHER_SIZE = "image of another size than annotated"
"""These six are counted when a population is imported."""

REASONS = (
    UNKNOWN_IMAGE,
    WRONG_KEYPOINT_COUNT,
    INVALID_VISIBILITY,
    INVALID_BOX,
    EMPTY_BOX,
    BOX_OUTSIDE,
    INVALID_KEYPOINT,
    KEYPOINT_OUTSIDE,
    DUPLICATE_PERSON,
)
"""Why a person is left out; each is counted under the first that applies, in this order."""

CHECKED_COLUMNS = ("person_id", "box", "keypoints", "visibility", "height", "width")
"""What `check_people` reads."""


def check_people(table: pa.Table, skeleton: Skeleton) -> tuple[pa.Table, Counter[str]]:
    """Keep the people that can be trained on and evaluated.

    Coordinates must be finite, (0, 0) where not labelled. The image is closed: a keypoint on its
    border is inside.

    Args:
        table: people, each with the `height` and `width` of their image, null where the image is
            not known.
        skeleton: of the population.

    Returns:
        The rows that are kept, in order, and how many were left out for each of `REASONS`.
    """
    count = table.num_rows
    reason = np.zeros(count, np.int64)

    def reject(mask: NDArray[np.bool_] | np.bool_, why: str) -> None:
        reason[mask & (reason == 0)] = REASONS.index(why) + 1

    height, width = (_numbers(table[name]) for name in ("height", "width"))
    reject(np.isnan(height) | np.isnan(width), UNKNOWN_IMAGE)
    keypoints = _rows(table["keypoints"], 2 * skeleton.num_keypoints)
    visibility = _rows(table["visibility"], skeleton.num_keypoints)
    box = _rows(table["box"], 4)
    reject(_not_a_row(keypoints) | _not_a_row(visibility), WRONG_KEYPOINT_COUNT)
    reject(~np.isin(visibility, (0, 1, 2)).all(axis=1), INVALID_VISIBILITY)
    reject(~np.isfinite(box).all(axis=1), INVALID_BOX)
    left, top, box_width, box_height = box.T
    reject(~((box_width > 0) & (box_height > 0)), EMPTY_BOX)
    overlaps_x = (left < width) & (left + box_width > 0)
    overlaps_y = (top < height) & (top + box_height > 0)
    reject(~(overlaps_x & overlaps_y), BOX_OUTSIDE)
    reject(~np.isfinite(keypoints).all(axis=1), INVALID_KEYPOINT)
    reject(_labelled_outside(keypoints, visibility, height, width), KEYPOINT_OUTSIDE)
    reject(_repeated(table["person_id"], reason == 0), DUPLICATE_PERSON)
    if not reason.any():
        return table, Counter()
    counts = Counter(REASONS[code - 1] for code in reason[reason > 0].tolist())
    return table.filter(pa.array(reason == 0)), counts


def _numbers(column: pa.ChunkedArray) -> Float64[np.ndarray, " row"]:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), np.float64)


# A row of the wrong length is marked by infinities: negative ones, so that a NaN that was stored
# stays a NaN.
_WRONG_LENGTH = -np.inf


def _rows(column: pa.ChunkedArray, length: int) -> Float64[np.ndarray, "row length"]:
    """The lists of a column as an array; a list of another length becomes a row of −∞."""
    lengths = pc.fill_null(pc.list_value_length(column), -1)
    fits = np.asarray(pc.equal(lengths, length).to_numpy(), bool)
    rows = np.full((len(column), length), _WRONG_LENGTH)
    flat = pc.list_flatten(column.filter(pa.array(fits)))
    rows[fits] = _numbers(flat).reshape(-1, length)
    return rows


def _not_a_row(rows: Float64[np.ndarray, "row length"]) -> Bool[np.ndarray, " row"]:
    return np.asarray((rows == _WRONG_LENGTH).all(axis=1))


def _labelled_outside(
    keypoints: Float64[np.ndarray, "row coordinate"],
    visibility: Float64[np.ndarray, "row keypoint"],
    height: Float64[np.ndarray, " row"],
    width: Float64[np.ndarray, " row"],
) -> Bool[np.ndarray, " row"]:
    x, y = keypoints[:, 0::2], keypoints[:, 1::2]
    inside_x = (x >= 0) & (x <= width[:, None])
    inside_y = (y >= 0) & (y <= height[:, None])
    return np.asarray(((visibility > 0) & ~(inside_x & inside_y)).any(axis=1))


def _repeated(
    column: pa.ChunkedArray, counted: Bool[np.ndarray, " row"]
) -> Bool[np.ndarray, " row"]:
    """Rows whose id an earlier counted row has."""
    names = np.asarray(column.to_pylist(), dtype=object)
    seen: set[str] = set()
    repeated = np.zeros(len(names), bool)
    for row in np.flatnonzero(counted).tolist():
        repeated[row] = names[row] in seen
        seen.add(names[row])
    return repeated
