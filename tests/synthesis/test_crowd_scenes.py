import zlib
from functools import cache

import numpy as np

from posebridge.synthesis.crowd_scenes import CrowdKnobs, crowd_scene
from posebridge.synthesis.scenes import Scene, Streams

LOOSE = CrowdKnobs(people=(4, 4), index=(0.0, 0.05), roll_deg=0.0)
TIGHT = CrowdKnobs(people=(4, 4), index=(0.9, 1.2), roll_deg=0.0)


def _streams(seed: int) -> Streams:
    return lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())])


@cache
def _scene(knobs: CrowdKnobs, seed: int = 3, attempt: int = 0) -> Scene:
    return crowd_scene(_streams(seed), knobs, attempt=attempt)


def test_everybody_has_pixels_of_their_own_and_stands_on_the_floor() -> None:
    scene = _scene(TIGHT)
    assert [person.instance for person in scene.people] == [1, 2, 3, 4]
    for person in scene.people:
        assert abs(float(person.skin[:, 2].min()) - 0.011) < 1e-3
        mine = [mesh for mesh in scene.meshes if mesh.instance == person.instance]
        assert len(mine) >= 4


def test_nobody_stands_in_another() -> None:
    for seed in range(3):
        people = _scene(TIGHT, seed).people
        for i, one in enumerate(people):
            for other in people[:i]:
                apart = one.keypoints[:, None] - other.keypoints[None]
                assert np.linalg.norm(apart, axis=-1).min() > 0.1


def test_people_stand_closer_where_more_overlap_is_wanted() -> None:
    def width(scene: Scene) -> float:
        return float(np.ptp([person.keypoints[0, 0] for person in scene.people]))

    assert width(_scene(TIGHT)) < 0.7 * width(_scene(LOOSE))


def test_everybody_is_in_the_picture() -> None:
    scene = _scene(LOOSE)
    for person in scene.people:
        positions, _ = scene.camera.project(person.keypoints)
        size = [scene.camera.width, scene.camera.height]
        assert ((positions > -8) & (positions < np.array(size) + 8)).all()


def test_another_attempt_moves_the_same_people() -> None:
    one, other = _scene(TIGHT), _scene(TIGHT, attempt=1)
    assert [p.attributes for p in one.people] == [p.attributes for p in other.people]
    moved = np.abs(one.people[0].keypoints - other.people[0].keypoints).max()
    assert moved > 0.01
