"""Tests of paths of poses and of the gradient maps that are drawn of them."""

from fractions import Fraction

import pytest
import torch
from torch import Tensor

from benchmark_guidance import drawn_one_by_one
from posebridge.heatmaps import encode_gaussian
from posebridge.networks.guides import Ends, Fusion, PosePath
from posebridge.networks.pose_paths import (
    Grid,
    Schedule,
    exact_weights,
    gradient_maps,
    interpolate,
    printed_weights,
    progress,
    single_weights,
)

GRID = Grid(height=8, width=6, stride=4, sigma_cells=1.0)
PEOPLE, KEYPOINTS = 3, 4
EACH_SCHEDULE = ("cosine", "ease_out", "linear", "linear_decreasing")


def _ends() -> tuple[Tensor, Ends]:
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor((24.0, 32.0))
    known = torch.ones(PEOPLE, KEYPOINTS, dtype=torch.bool)
    known[0, 1] = False
    keypoints = torch.rand(PEOPLE, KEYPOINTS, 2, generator=generator) * size
    nothing = torch.zeros(PEOPLE, KEYPOINTS, GRID.height, GRID.width)
    return torch.rand(KEYPOINTS, 2, generator=generator) * size, Ends(keypoints, known, nothing)


def _every_step(path: PosePath) -> Tensor:
    return torch.arange(path.num_steps).expand(PEOPLE, -1)


def _text(row: tuple[Fraction, ...]) -> str:
    return " ".join(map(str, row))


@pytest.mark.parametrize("poses", range(2, 9))
def test_each_exact_row_weighs_one_and_the_borders_are_single_poses(poses: int) -> None:
    weights = exact_weights(poses)
    assert len(weights) == poses + 2
    assert [sum(row) for row in weights] == [1] * (poses + 2)
    assert _text(weights[0]) == " ".join(["1"] + ["0"] * (poses - 1))
    assert _text(weights[-1]) == " ".join(["0"] * (poses - 1) + ["1"])


@pytest.mark.parametrize("poses", range(2, 9))
def test_exact_weights_move_on_from_step_to_step_over_two_neighbours(poses: int) -> None:
    places = []
    for row in exact_weights(poses):
        shown = [pose for pose, weight in enumerate(row) if weight]
        assert shown == list(range(shown[0], shown[-1] + 1))
        assert len(shown) <= 2
        places.append(sum(pose * weight for pose, weight in enumerate(row)))
    assert all(one < other for one, other in zip(places, places[1:], strict=False))


def test_exact_weights_give_both_worked_examples_of_the_paper() -> None:
    """S = 4: H_2 = max(2/3 G_0, 1/3 G_1) and H_4 = max(1/3 G_2, 2/3 G_3)."""
    assert _text(exact_weights(4)[2]) == "2/3 1/3 0 0"
    assert _text(exact_weights(4)[4]) == "0 0 1/3 2/3"


def test_of_two_poses_the_steps_are_thirds() -> None:
    assert [_text(row) for row in exact_weights(2)] == ["1 0", "2/3 1/3", "1/3 2/3", "0 1"]


@pytest.mark.parametrize("poses", range(3, 9))
def test_printed_weights_are_those_of_the_formula(poses: int) -> None:
    """Section 3.3.3, case by case."""
    size, steps = poses, poses + 2
    for t, row in enumerate(printed_weights(poses)):
        for s, weight in enumerate(row):
            if (t == 0 and s == 0) or (t == steps - 1 and s == size - 1):
                expected = Fraction(1)
            elif 1 <= t <= steps - 2 and abs(s - (t - 1)) <= size - 2:
                expected = Fraction(size - 2 - abs(s - (t - 1)), size - 1)
            else:
                expected = Fraction(0)
            assert weight == expected, (t, s)


def test_printed_weights_of_the_papers_own_setting_fuse_nothing() -> None:
    inner = [_text(row) for row in printed_weights(3)[1:4]]
    assert inner == ["1/2 0 0", "0 1/2 0", "0 0 1/2"]


def test_without_fusion_a_step_is_a_pose() -> None:
    assert [_text(row) for row in single_weights(3)] == ["1 0 0", "0 1 0", "0 0 1"]


@pytest.mark.parametrize(
    ("schedule", "inner"),
    [
        ("cosine", [0.1464466094, 0.5, 0.8535533906]),
        ("ease_out", [0.3826834324, 0.7071067812, 0.9238795325]),
        ("linear", [0.25, 0.5, 0.75]),
        ("linear_decreasing", [0.4375, 0.75, 0.9375]),
    ],
)
def test_schedules_have_their_values_at_five_poses(schedule: Schedule, inner: list[float]) -> None:
    found = progress(schedule, 5)
    expected = torch.tensor([0.0, *inner, 1.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def test_of_three_poses_cosine_and_linear_are_the_same() -> None:
    assert torch.allclose(progress("cosine", 3), progress("linear", 3))
    assert not torch.allclose(progress("cosine", 5), progress("linear", 5), atol=0.05)


def test_a_path_leads_from_the_start_to_each_end() -> None:
    start, ends = _ends()
    path = interpolate(start, ends.keypoints, progress("cosine", 3))
    torch.testing.assert_close(path[:, 0], start.expand(PEOPLE, -1, -1))
    torch.testing.assert_close(path[:, 1], (start + ends.keypoints) / 2)
    torch.testing.assert_close(path[:, 2], ends.keypoints)


@pytest.mark.parametrize("poses", [3, 4, 8])
@pytest.mark.parametrize("fusion", ["exact", "printed", "none"])
def test_the_sequence_is_what_a_loop_draws(poses: int, fusion: Fusion) -> None:
    path = PosePath(poses=poses, fusion=fusion, sigma=1.5)
    start, ends = _ends()
    found = path.maps(start, ends, _every_step(path), GRID)
    slow = torch.from_numpy(drawn_one_by_one(path, start, ends, GRID))
    torch.testing.assert_close(found, slow, atol=1e-6, rtol=0)


def test_drawn_steps_are_rows_of_the_whole_sequence() -> None:
    path = PosePath(poses=4)
    start, ends = _ends()
    whole = path.maps(start, ends, _every_step(path), GRID)
    steps = torch.tensor([[3, 0], [5, 5], [1, 4]])
    drawn = path.maps(start, ends, steps, GRID)
    assert torch.equal(drawn, whole[torch.arange(PEOPLE)[:, None], steps])


def test_the_borders_are_the_gaussians_of_the_two_poses() -> None:
    """In corner coordinates, x along the columns: as the truth is drawn."""
    path = PosePath()
    start, ends = _ends()
    maps = path.maps(start, ends, _every_step(path), GRID)
    everybody = torch.ones_like(ends.known)
    first, last = (
        encode_gaussian(keypoints, known, 8, 6, stride=4, sigma_cells=1.0)
        for keypoints, known in (
            (start.expand(PEOPLE, -1, -1), everybody),
            (ends.keypoints, ends.known),
        )
    )
    torch.testing.assert_close(maps[:, 0], first)
    torch.testing.assert_close(maps[:, -1], last)


@pytest.mark.parametrize("weights", [exact_weights(5), printed_weights(5), single_weights(5)])
def test_a_dropped_keypoint_shows_the_start_and_no_ghost(
    weights: tuple[tuple[Fraction, ...], ...],
) -> None:
    start, ends = _ends()
    path = interpolate(start, ends.keypoints, progress("linear", 5))
    steps = torch.arange(len(weights)).expand(PEOPLE, -1)
    maps = gradient_maps(path, ends.known, weights, steps, GRID)[0, :, 1]
    gaussian = encode_gaussian(
        start[None, 1:2], torch.tensor([[True]]), 8, 6, stride=4, sigma_cells=1.0
    )[0, 0]
    for row, shown in zip(weights, maps, strict=True):
        torch.testing.assert_close(shown, float(row[0]) * gaussian)


def test_where_the_end_lies_does_not_matter_for_a_dropped_keypoint() -> None:
    start, ends = _ends()
    elsewhere = ends.keypoints.clone()
    elsewhere[0, 1] += 7.0
    path = PosePath()
    moved = path.maps(start, Ends(elsewhere, ends.known, ends.heatmaps), _every_step(path), GRID)
    assert torch.equal(moved, path.maps(start, ends, _every_step(path), GRID))


def test_a_finer_grid_with_a_wider_sigma_shows_the_same_picture() -> None:
    """Sigma scales with the resolution: cell (i, j) at stride 4 is the mean place of four at 2."""
    path = PosePath()
    start, ends = _ends()
    coarse = path.maps(start, ends, _every_step(path), Grid(8, 6, 4, 2.0))
    fine = path.maps(start, ends, _every_step(path), Grid(16, 12, 2, 4.0))
    pooled = torch.nn.functional.avg_pool2d(fine.flatten(0, 1), 2).view_as(coarse)
    torch.testing.assert_close(pooled, coarse, atol=0.02, rtol=0)


@pytest.mark.parametrize("schedule", EACH_SCHEDULE)
def test_maps_carry_no_gradient_to_what_was_predicted(schedule: Schedule) -> None:
    start, ends = _ends()
    path = PosePath(schedule=schedule)
    asked = Ends(ends.keypoints.requires_grad_(), ends.known, ends.heatmaps)
    assert not path.maps(start, asked, _every_step(path), GRID).requires_grad


def test_the_mirrored_path_has_the_mirrored_maps() -> None:
    path = PosePath(poses=5, schedule="ease_out")
    start, ends = _ends()

    def mirrored(keypoints: Tensor) -> Tensor:
        return keypoints * torch.tensor((-1.0, 1.0)) + torch.tensor((24.0, 0.0))

    other = Ends(mirrored(ends.keypoints), ends.known, ends.heatmaps)
    found = path.maps(mirrored(start), other, _every_step(path), GRID)
    expected = path.maps(start, ends, _every_step(path), GRID).flip(-1)
    torch.testing.assert_close(found, expected)
