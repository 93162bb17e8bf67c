"""Per-person errors and what is counted from them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from posebridge.leaderboard.people import (
    METRICS,
    SIZES,
    People,
    correct_and_labelled,
    people_reader,
    read_people,
    tally,
)
from posebridge.metrics.pck import pck

NAN = np.nan


def people(distance_px: list[list[float]], visibility: list[list[int]]) -> People:
    """People with boxes of 100 px."""
    number = len(distance_px)
    return People(
        ids=tuple("abcdefgh"[:number]),
        distance_px=np.array(distance_px),
        visibility=np.array(visibility, np.uint8),
        sizes_px={size: np.full(number, 100.0) for size in SIZES},
        failed=np.zeros(number, bool),
    )


def test_a_hit_is_nearer_than_the_threshold() -> None:
    counts = correct_and_labelled(people([[4.999, 5.0, 5.001]], [[2, 2, 2]]), "pck_box")
    assert [float(count[0]) for count in counts] == [1, 3]


def test_a_keypoint_without_a_label_counts_for_nothing() -> None:
    correct, labelled = correct_and_labelled(people([[0.0, NAN]], [[2, 0]]), "pck_box")
    assert (correct[0], labelled[0]) == (1, 1)


def test_a_keypoint_without_a_prediction_is_a_miss() -> None:
    correct, labelled = correct_and_labelled(people([[0.0, NAN]], [[2, 2]]), "pck_box")
    assert (correct[0], labelled[0]) == (1, 2)


def test_visible_metrics_leave_occluded_keypoints_out() -> None:
    some = people([[0.0, 0.0, 9.0]], [[1, 2, 2]])
    correct, labelled = correct_and_labelled(some, "pck_box_visible")
    assert (correct[0], labelled[0]) == (1, 2)


def test_a_person_without_a_size_counts_for_nothing() -> None:
    some = people([[0.0], [0.0]], [[2], [2]])
    some.sizes_px["head"][0] = NAN
    correct, labelled = correct_and_labelled(some, "pck_head")
    assert correct.tolist() == labelled.tolist() == [0, 1]


def test_an_unknown_metric_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of pck_box, pck_head, .* but got 'pck_foot'"):
        correct_and_labelled(people([[0.0]], [[2]]), "pck_foot")


@pytest.mark.parametrize("metric", METRICS)
def test_counts_add_up_to_the_metric(metric: str) -> None:
    generator = np.random.default_rng(0)
    some = People(
        ids=tuple(str(index) for index in range(50)),
        distance_px=np.where(
            generator.random((50, 17)) < 0.1, NAN, generator.random((50, 17)) * 12
        ),
        visibility=generator.integers(0, 3, (50, 17)).astype(np.uint8),
        sizes_px={
            size: np.where(generator.random(50) < 0.1, NAN, generator.uniform(50, 200, 50))
            for size in SIZES
        },
        failed=np.zeros(50, bool),
    )
    asked = some.visibility >= (2 if metric.endswith("_visible") else 1)
    oracle = pck(some.distance_px, asked, some.sizes_px[metric.split("_")[1]])
    correct, labelled = correct_and_labelled(some, metric)
    assert (correct.sum(), labelled.sum()) == (oracle.total, oracle.count)


def test_counts_agree_with_the_metric_to_the_last_bit() -> None:
    """At the threshold, and one float32 step to each side of it."""
    sizes = np.random.default_rng(0).uniform(10, 300, 1000).astype(np.float32)
    at = np.float32(0.05) * sizes
    distance = np.stack([np.nextafter(at, np.float32(0)), at, np.nextafter(at, np.float32(400))])
    some = People(
        ids=tuple(str(index) for index in range(1000)),
        distance_px=distance.T,
        visibility=np.full((1000, 3), 2, np.uint8),
        sizes_px=dict.fromkeys(SIZES, sizes),
        failed=np.zeros(1000, bool),
    )
    oracle = pck(some.distance_px, some.visibility > 0, sizes)
    correct, labelled = correct_and_labelled(some, "pck_box")
    assert (correct.sum(), labelled.sum()) == (oracle.total, oracle.count)


def test_what_is_written_is_read(tmp_path: Path, write_errors: Callable[..., None]) -> None:
    write_errors(tmp_path / "people" / "a.parquet", 0.5, seed=0)
    read = people_reader(tmp_path / "records.jsonl")("people/a.parquet")
    assert read is not None
    assert read.distance_px.shape == read.visibility.shape == (12, 17)
    assert read.ids[0] == "person-00"
    assert np.isnan(read.distance_px[read.visibility == 0]).all()
    assert np.isnan(read.sizes_px["head"]).sum() == 1


def test_missing_errors_are_none(tmp_path: Path) -> None:
    reader = people_reader(tmp_path / "records.jsonl")
    assert reader("people/a.parquet") is None
    assert reader("") is None


def test_a_file_that_is_cut_short_is_named(
    tmp_path: Path, write_errors: Callable[..., None]
) -> None:
    path = tmp_path / "a.parquet"
    write_errors(path, 0.5, seed=0)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="a.parquet must be a Parquet file of per-person errors"):
        read_people(path)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ValueError, match="lacks the columns person_id, distance_px"):
        read_people(path)


def test_a_person_who_is_there_twice_is_refused(
    tmp_path: Path, write_errors: Callable[..., None]
) -> None:
    path = tmp_path / "a.parquet"
    write_errors(path, 0.5, seed=0, ids=("same", "same", *(f"p{index}" for index in range(10))))
    with pytest.raises(ValueError, match="every person once, but got 1 repeated"):
        read_people(path)


def test_runs_are_put_in_one_order_of_people() -> None:
    first = people([[0.0], [9.0]], [[2], [2]])
    turned = People(
        ids=("b", "a"),
        distance_px=first.distance_px[::-1],
        visibility=first.visibility,
        sizes_px=first.sizes_px,
        failed=first.failed,
    )
    counted = tally([(0, first), (1, turned)], "pck_box")
    assert counted.people == ("a", "b")
    assert counted.seeds == (0, 1)
    assert counted.correct.tolist() == [[1, 0], [1, 0]]


def test_runs_on_other_people_are_refused() -> None:
    first = people([[0.0], [9.0]], [[2], [2]])
    fewer = people([[0.0]], [[2]])
    with pytest.raises(ValueError, match="1 people of seed 7 differ from those of seed 0"):
        tally([(0, first), (7, fewer)], "pck_box")
