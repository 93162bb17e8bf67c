import numpy as np

from posebridge.synthesis.rooms import WALL_M, room


def test_the_same_seed_gives_the_same_room() -> None:
    one, other = (room(np.random.default_rng(4)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
        assert a.pattern == b.pattern
    assert len(room(np.random.default_rng(5))[0].colors) == len(one[0].colors)


def test_a_room_is_scenery_behind_the_person() -> None:
    for seed in range(20):
        floor, *others = room(np.random.default_rng(seed))
        assert floor.vertices[:, 2].max() == 0.0
        for mesh in (floor, *others):
            assert mesh.instance == 0
            assert (mesh.parts == 255).all()
        for mesh in others:
            assert 0.5 < mesh.vertices[:, 1].min() <= mesh.vertices[:, 1].max() < WALL_M + 0.3
