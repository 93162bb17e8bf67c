import zlib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.figures import standing_figure
from posebridge.synthesis.lap_blankets import lap_blanket
from posebridge.synthesis.people import Figure
from posebridge.synthesis.pose_samples import ADULT_LIMITS, clip_angles
from posebridge.synthesis.scenes import Scene, Streams
from posebridge.synthesis.seated_poses import SEATED_AGE, wheelchair_pose
from posebridge.synthesis.seats import Seat, free_height, measure_seat, skin_of
from posebridge.synthesis.self_contact import DEEP, capsules
from posebridge.synthesis.tailoring import FEET, FOREARMS, HANDS, SHINS, THIGHS
from posebridge.synthesis.wheelchair_scenes import WheelchairKnobs, view_name, wheelchair_scene
from posebridge.synthesis.wheelchairs import armrest_z, draw_style, wheelchair

BARE = WheelchairKnobs((0.0, 40.0), blanket=0, guards=0, tray=0, desk=0, roll_deg=10.0)
BODY = Body.load()


def _streams(seed: int) -> Streams:
    return lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())])


@cache
def _seated(seed: int) -> tuple[Figure, Seat]:
    pose = wheelchair_pose(np.random.default_rng(seed))
    figure = standing_figure(Phenotype(weight=0.2 + 0.1 * (seed % 7)), pose, lift_m=0.11)
    return figure, measure_seat(figure)


@cache
def _scene(knobs: WheelchairKnobs, seed: int = 1) -> Scene:
    return wheelchair_scene(_streams(seed), knobs)


def test_seated_poses_respect_the_range_of_motion_and_each_other() -> None:
    rng, shaped = np.random.default_rng(0), BODY.shape(Phenotype(age=SEATED_AGE))
    volume, samples = capsules(BODY, shaped), [wheelchair_pose(rng) for _ in range(120)]
    assert all(clip_angles(s.angles, ADULT_LIMITS) == s.angles for s in samples)
    deep = [volume.overlap(BODY.pose_bones(shaped, s.angles, s.root)) >= DEEP for s in samples]
    assert np.mean(deep) < 0.02


@pytest.mark.parametrize("seed", range(6))
def test_the_seat_carries_the_body_and_the_plates_the_feet(seed: int) -> None:
    figure, seat = _seated(seed)
    assert 0.3 < seat.z < 0.75
    thighs = skin_of(figure, *THIGHS)
    behind = thighs[thighs[:, 1] > seat.front_y + 0.12]
    assert behind[:, 2].min() > seat.z - 0.05
    assert abs(behind[:, 2].min() - seat.z) < 0.08
    assert seat.front_y < seat.back_y - 0.25
    for foot, part in zip(seat.feet, FEET, strict=True):
        assert foot.z == pytest.approx(float(skin_of(figure, part)[:, 2].min()))
    assert seat.feet[0].x > 0 > seat.feet[1].x


@pytest.mark.parametrize("seed", range(6))
def test_a_chair_stands_on_the_floor_and_its_seat_and_plates_hold_nobody_inside(seed: int) -> None:
    figure, seat = _seated(seed)
    meshes = wheelchair(seat, draw_style(np.random.default_rng(seed)))
    points = np.concatenate([mesh.vertices for mesh in meshes])
    assert -0.01 < points[:, 2].min() < 0.02
    assert np.abs(points[:, 0]).max() < 0.5
    for foot in seat.feet:
        under = np.hypot(points[:, 0] - foot.x, points[:, 1] - foot.y) < 0.16
        tops = points[under & (points[:, 2] < foot.z + 0.005)]
        assert tops[:, 2].max() > foot.z - 0.03
    assert seat.z + 0.16 < armrest_z(seat) < seat.z + 0.28


@pytest.mark.parametrize("seed", range(8))
def test_no_leg_pokes_through_a_blanket(seed: int) -> None:
    """Every vertex of a thigh or shin over the sheet's grid lies behind its nearest cloth."""
    figure, seat = _seated(seed)
    sheet = lap_blanket(figure, seat, np.random.default_rng(seed), tucked=False)
    lap = sheet.vertices[sheet.vertices[:, 1] > seat.knee_y + 0.04]
    for point in skin_of(figure, *THIGHS)[::7]:
        if point[1] < seat.knee_y + 0.06 or point[1] > lap[:, 1].max():
            continue
        near = np.argsort(np.hypot(*(lap[:, :2] - point[:2]).T))[:4]
        assert point[2] < lap[near, 2].max()
    front = sheet.vertices[sheet.vertices[:, 1] <= seat.knee_y - 0.03]
    for point in skin_of(figure, *SHINS)[::7]:
        if point[2] < front[:, 2].min() or point[2] > front[:, 2].max():
            continue
        near = np.argsort(np.hypot(*(front[:, ::2] - point[::2]).T))[:4]
        assert point[1] > front[near, 1].min()


def test_a_board_lies_over_the_thighs_and_under_the_arms_or_not_at_all() -> None:
    fits = 0
    for seed in range(30):
        figure, seat = _seated(seed)
        near = seat.back_y - 0.24
        half = seat.half_width
        height = free_height(figure, seat, half_width=half, from_y=seat.knee_y, to_y=near)
        if height is None:
            continue
        fits += 1
        arms = skin_of(figure, *FOREARMS, *HANDS)
        over = (np.abs(arms[:, 0]) < half) & (arms[:, 1] > seat.knee_y) & (arms[:, 1] < near)
        assert seat.thigh_z < height < arms[over][:, 2].min()
    assert fits >= 3


@pytest.mark.parametrize(
    "knobs",
    [
        replace(BARE, blanket=1.0),
        replace(BARE, guards=1.0),
        replace(BARE, tray=1.0),
        replace(BARE, desk=1.0),
    ],
)
def test_a_fitting_leaves_the_person_as_they_are(knobs: WheelchairKnobs) -> None:
    one, other = _scene(BARE), _scene(knobs)
    np.testing.assert_array_equal(one.people[0].keypoints, other.people[0].keypoints)
    assert (one.camera, one.lights, one.sensor) == (other.camera, other.lights, other.sensor)
    mine = [
        [mesh for mesh in scene.meshes if mesh.instance == 1 or len(mesh.vertices) > 5000]
        for scene in (one, other)
    ]
    np.testing.assert_array_equal(mine[0][0].vertices, mine[1][0].vertices)


def test_turning_the_chair_turns_the_person_with_it() -> None:
    one, other = _scene(BARE), _scene(replace(BARE, yaw_deg=(150.0, 180.0)))
    start, turned = one.people[0].keypoints, other.people[0].keypoints
    np.testing.assert_allclose(start[:, 2], turned[:, 2], atol=1e-4)
    np.testing.assert_allclose(
        np.linalg.norm(start[:, :2], axis=1), np.linalg.norm(turned[:, :2], axis=1), atol=1e-4
    )
    assert other.people[0].attributes["view"] == "rear"


@pytest.mark.parametrize(
    ("yaw", "name"), [(-30, "front"), (60, "side"), (-124, "side"), (170, "rear")]
)
def test_views_have_names(yaw: float, name: str) -> None:
    assert view_name(yaw) == name
