from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from posebridge.synthesis.batching import concatenate, vertex_normals
from posebridge.synthesis.meshes import (
    NO_PART,
    Mesh,
    Pattern,
    PatternKind,
    box,
    grid,
    sphere,
    tube,
)

GREY = (0.5, 0.5, 0.5)


def _volume(mesh: Mesh) -> float:
    """Of a closed mesh, by the divergence theorem; positive if all faces turn outwards."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def _circle(count: int) -> NDArray[np.float64]:
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)


def test_a_box_has_its_volume_and_place() -> None:
    mesh = box((1.0, 2.0, 3.0), (0.2, 0.4, 0.6), color=GREY)
    assert abs(_volume(mesh)) == pytest.approx(0.048, rel=1e-5)
    np.testing.assert_allclose(mesh.vertices.min(axis=0), [0.9, 1.8, 2.7], atol=1e-6)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), [1.1, 2.2, 3.3], atol=1e-6)


def test_a_turned_box_keeps_its_rest_coordinates() -> None:
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    straight = box((0.0, 0.0, 0.0), (0.2, 0.4, 0.6), color=GREY)
    turned = box((0.0, 0.0, 0.0), (0.2, 0.4, 0.6), color=GREY, rotation=quarter)
    np.testing.assert_allclose(turned.rest, straight.rest)
    np.testing.assert_allclose(np.ptp(turned.vertices, axis=0), [0.4, 0.2, 0.6], atol=1e-6)


def test_the_sides_of_a_box_are_flat() -> None:
    batch = concatenate([box((0.0, 0.0, 0.0), (1.0, 2.0, 3.0), color=GREY)])
    assert np.sort(np.abs(batch.normals), axis=1)[:, :2].max() < 1e-6


def test_a_sphere_has_its_radius_and_nearly_its_volume() -> None:
    mesh = sphere((0.1, 0.2, 0.3), 0.5, color=GREY, rings=60, segments=120)
    np.testing.assert_allclose(np.linalg.norm(mesh.rest, axis=1), 0.5, rtol=1e-5)
    assert abs(_volume(replace(mesh, vertices=mesh.rest))) == pytest.approx(
        4 / 3 * np.pi * 0.125, rel=0.01
    )


def test_the_normals_of_a_sphere_point_along_its_radius() -> None:
    mesh = sphere((0.0, 0.0, 0.0), 1.0, color=GREY, rings=40, segments=80)
    along = np.abs((vertex_normals(mesh.vertices, mesh.faces) * mesh.rest).sum(axis=1))
    assert along.min() > 0.999


def test_a_straight_tube_is_a_closed_prism() -> None:
    """The cross-section of n sides has the area n/2 · r² · sin(2π/n)."""
    path = np.linspace([0.0, 0.0, 0.0], [0.0, 0.0, 2.0], 5)
    mesh = tube(path, 0.1, color=GREY, sides=12)
    assert abs(_volume(mesh)) == pytest.approx(2.0 * 6 * 0.01 * np.sin(np.pi / 6), rel=0.01)


def test_the_rest_coordinates_of_a_tube_measure_its_length() -> None:
    mesh = tube(np.array([[0.0, 0, 0], [3.0, 0, 0], [3.0, 4.0, 0]]), 0.1, color=GREY)
    assert mesh.rest[:, 2].max() == pytest.approx(7.0)


def test_a_closed_tube_is_a_ring_without_ends() -> None:
    """Pappus: the volume of a torus is 2π² · R · r²."""
    mesh = tube(_circle(200), 0.05, color=GREY, sides=40, closed=True)
    assert abs(_volume(mesh)) == pytest.approx(2 * np.pi**2 * 0.05**2, rel=0.02)


def test_a_grid_has_rows_along_y_and_columns_along_x() -> None:
    heights = np.arange(6.0).reshape(2, 3)
    mesh = grid(heights, x_m=(0.0, 2.0), y_m=(10.0, 11.0), color=GREY)
    np.testing.assert_allclose(mesh.vertices[4], [1.0, 11.0, 4.0])
    assert len(mesh.faces) == 4


def test_batching_shifts_faces_and_remembers_owners() -> None:
    first, second = sphere((0, 0, 0), 1.0, color=GREY), box((0, 0, 0), (1, 1, 1), color=GREY)
    batch = concatenate([first, replace(second, instance=3)])
    own = batch.faces[batch.owner == 1]
    np.testing.assert_array_equal(own, second.faces + len(first.vertices))
    np.testing.assert_array_equal(batch.surfaces["instance"], [0, 3])
    assert (batch.parts == NO_PART).all()


def test_batching_carries_the_pattern() -> None:
    pattern = Pattern(PatternKind.STRIPES, color=(0.1, 0.2, 0.3), period_m=0.07, seed=5)
    mesh = replace(box((0, 0, 0), (1, 1, 1), color=GREY), pattern=pattern)
    row = concatenate([mesh]).surfaces[0]
    assert row["kind"] == PatternKind.STRIPES
    assert row["period"] == 0.07
    assert row["seed"] == 5
    np.testing.assert_array_equal(row["color"], [0.1, 0.2, 0.3])


def test_an_empty_scene_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one mesh"):
        concatenate([])


def test_faces_beyond_the_vertices_are_refused() -> None:
    mesh = box((0, 0, 0), (1, 1, 1), color=GREY)
    with pytest.raises(ValueError, match="faces must index the 24 vertices"):
        replace(mesh, faces=mesh.faces + 1)


def test_arrays_of_another_length_are_refused() -> None:
    mesh = box((0, 0, 0), (1, 1, 1), color=GREY)
    with pytest.raises(ValueError, match="colors must have one row per vertex, but got 23"):
        replace(mesh, colors=mesh.colors[1:])


def test_people_are_numbered_up_to_254() -> None:
    with pytest.raises(ValueError, match=r"instance must be in 0\.\.254, but got 255"):
        replace(box((0, 0, 0), (1, 1, 1), color=GREY), instance=255)
