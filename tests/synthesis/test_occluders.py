import numpy as np
import pytest

from posebridge.synthesis.occluders import caregiver_hand, enlarged, lead, toy


@pytest.mark.parametrize("seed", range(12))
def test_a_toy_rests_on_its_place_and_belongs_to_nobody(seed: int) -> None:
    place = (0.1, -0.2, 0.05)
    meshes = toy(np.random.default_rng(seed), place)
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    assert -0.01 < vertices[:, 2].min() - place[2] < 0.02
    assert np.linalg.norm(vertices[:, :2] - place[:2], axis=1).max() < 0.15
    assert {mesh.instance for mesh in meshes} == {0}


def test_a_lead_goes_from_its_start_to_its_end() -> None:
    start, end = np.array([0.0, 0.0, 0.1]), np.array([0.5, 0.3, 0.0])
    wire = lead(np.random.default_rng(0), start, end)
    for point in (start, end):
        assert np.linalg.norm(wire.vertices - point, axis=1).min() < 0.01
    assert wire.instance == 0


@pytest.mark.parametrize("azimuth_deg", [0.0, 130.0])
def test_a_caregivers_hand_comes_from_its_azimuth_and_is_nobodys(azimuth_deg: float) -> None:
    at = np.array([0.05, 0.1, 0.15])
    (arm,) = caregiver_hand(
        np.random.default_rng(2), (float(at[0]), float(at[1]), float(at[2])), azimuth_deg
    )
    assert arm.instance == 0
    assert (arm.parts == 255).all()
    away = arm.vertices - at
    assert np.linalg.norm(away, axis=1).min() < 0.06
    far = away[np.linalg.norm(away, axis=1) > 0.2].mean(axis=0)
    turn = np.rad2deg(np.arctan2(far[1], far[0])) - azimuth_deg
    assert abs((turn + 180) % 360 - 180) < 15
    assert far[2] > 0  # the arm comes from above


def test_an_enlarged_toy_still_rests_on_its_place() -> None:
    place = (0.1, -0.2, 0.05)
    small = toy(np.random.default_rng(1), place)
    large = enlarged(small, place, 2.0)
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(
            np.ptp(other.vertices, axis=0), 2 * np.ptp(one.vertices, axis=0), atol=1e-5
        )
        assert abs(other.vertices[:, 2].min() - place[2]) <= 2 * 0.01 + abs(
            one.vertices[:, 2].min() - place[2]
        )
