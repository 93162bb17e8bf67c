from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.body import Body, Phenotype, PoseAngles
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import Material, Mesh, Pattern
from posebridge.synthesis.people import Dressed, Figure, Looks, dress, skin_color, skin_mesh
from posebridge.synthesis.tailoring import Bottom, OnePiece, Top
from posebridge.synthesis.wardrobe import Garment

HAIR = Hair((0.05, 0.03, 0.02), density=0.9, brows=0.7)
LOOKS = Looks(0.3, 0.3, HAIR, (0.2, 0.12, 0.07), False, 0.0, 1)
SHIRT = Garment(Top(sleeve=1.9, hem=-0.1), (0.8, 0.1, 0.1), Pattern(), 0.008)
TROUSERS = Garment(Bottom(leg=1.9), (0.1, 0.1, 0.5), Pattern(), 0.006)


@cache
def _figure(age: float = 0.66) -> Figure:
    body = Body.load()
    shaped = body.shape(Phenotype(age=age))
    posed = body.pose(shaped, PoseAngles(), np.eye(3))
    return Figure(body, shaped, posed.vertices, posed.bone_heads)


def _clothes(dressed: Dressed) -> list[Mesh]:
    return [mesh for mesh in dressed.meshes if mesh.material is Material.CLOTH]


def test_every_mesh_belongs_to_the_person_and_is_finite() -> None:
    looks = replace(LOOKS, hair=replace(HAIR, thickness=0.2, length=4.0))
    dressed = dress(_figure(), looks, (TROUSERS, SHIRT), instance=3)
    assert len(dressed.meshes) == 6  # skin, eyes, short and long hair, two garments
    for mesh in dressed.meshes:
        assert mesh.instance == 3
        assert mesh.parts.max() < 14
        assert np.isfinite(mesh.vertices).all()
        assert 0 <= mesh.colors.min() <= mesh.colors.max() <= 1


def test_skin_below_cloth_is_cut_away_and_bare_skin_is_kept() -> None:
    figure = _figure()
    skin = dress(figure, LOOKS, (TROUSERS, SHIRT), instance=1).meshes[0]
    assert skin.keep is not None
    chest = figure.body.depth_probes[11:13].ravel()  # around the hips
    members = figure.body.group_vertices["body"]
    at_hips = np.isin(members, chest)
    face = (skin.parts == 0) & (skin.rest[:, 2] > skin.rest[:, 2].max() - 0.1)
    assert (skin.keep[at_hips] < 0).mean() > 0.9
    assert (skin.keep[face] > 0).all()
    assert dress(figure, LOOKS, (), instance=1).meshes[0].keep is None


def test_an_outer_garment_lies_outside_an_inner_one_and_hides_it() -> None:
    figure = _figure()
    under = Garment(OnePiece(sleeve=1.9, leg=1.9), (0.5, 0.5, 0.5), Pattern(), 0.006)
    over = replace(under, thickness=0.006)
    inner, outer = _clothes(dress(figure, LOOKS, (under, over), instance=1))
    body = figure.body.group_vertices["tights"]
    ground = figure.vertices[body]
    for mesh, low_mm, high_mm in ((inner, 4, 20), (outer, 12, 40)):
        rest = {tuple(p): i for i, p in enumerate(figure.shaped.vertices[body])}
        at = [rest[tuple(p)] for p in mesh.rest]
        gap = 1000 * np.linalg.norm(mesh.vertices - ground[at], axis=1)
        assert low_mm < np.median(gap) < high_mm
    assert inner.keep is not None
    assert outer.keep is not None
    assert (inner.keep >= 0).mean() < 0.2 < (outer.keep >= 0).mean()


def test_cloth_adds_to_the_radii_of_the_keypoints_below_it_only() -> None:
    figure = _figure()
    bare = dress(figure, LOOKS, (), instance=1).radii_m
    shirt = dress(figure, LOOKS, (SHIRT,), instance=1).radii_m
    np.testing.assert_allclose(shirt[:5], bare[:5])
    np.testing.assert_allclose(shirt[13:], bare[13:])
    assert (shirt[5:9] > bare[5:9] + 0.005).all()


def test_closed_eyes_show_lids() -> None:
    figure = _figure(-0.3)
    eyes = dress(figure, LOOKS, (), instance=1).meshes[1]
    lids = dress(figure, replace(LOOKS, eyes_closed=True), (), instance=1).meshes[1]
    assert len(np.unique(eyes.colors, axis=0)) == 3
    assert len(np.unique(lids.colors, axis=0)) == 1


def test_skin_tones_darken_evenly() -> None:
    brightness = [skin_color(tone).mean() for tone in np.linspace(0, 1, 9)]
    assert (np.diff(brightness) < 0).all()
    np.testing.assert_allclose(skin_color(0.5), [0.62, 0.40, 0.28])
    pale, dark = (
        skin_mesh(_figure(), replace(LOOKS, skin_tone=t), instance=1).colors.mean() for t in (0, 1)
    )
    assert pale > 2 * dark


@pytest.mark.parametrize("age", [-0.3, 0.66])
def test_hair_covers_the_crown_and_not_the_face(age: float) -> None:
    figure = _figure(age)
    looks = replace(LOOKS, hair=replace(HAIR, thickness=0.2))
    cap = dress(figure, looks, (), instance=1).meshes[2]
    assert cap.material is Material.HAIR
    assert cap.keep is not None
    shown = cap.rest[cap.keep > 0] / [1, 1, 0.25]  # rest is squeezed along the strands
    heads = figure.shaped.bone_heads
    eyes = heads[[figure.body.bone("eye.L"), figure.body.bone("eye.R")]]
    crown = figure.shaped.vertices[figure.body.head_top]
    assert np.linalg.norm(shown - crown, axis=1).min() < 0.03
    span = abs(eyes[0, 0] - eyes[1, 0])
    before_the_eyes = (shown[:, 1] < eyes[0, 1]) & (shown[:, 2] < eyes[0, 2] + 0.8 * span)
    assert not before_the_eyes.any()
