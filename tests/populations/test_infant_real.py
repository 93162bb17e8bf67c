from functools import cache

import numpy as np
import pytest

from posebridge.populations.infant_real import FACTORS, MIN_VISIBLE_PX, RUNGS, InfantReal
from posebridge.populations.people import Sample


@cache
def _sample(rung: str, rotation_deg: float, index: int = 1) -> Sample:
    return InfantReal(rung=rung, rotation_deg=rotation_deg).render("train", index)


def _points(sample: Sample) -> np.ndarray:
    points = sample.people[0].keypoints_3d_mm
    assert points is not None
    return points


def test_the_embedded_sizes_are_those_of_the_design() -> None:
    assert InfantReal().splits() == {"train": 1000, "validation": 200, "test": 500}


def test_the_same_index_gives_the_same_bytes() -> None:
    again = InfantReal().render("train", 1)
    assert vars(again.image) == vars(_sample("C3", 180.0).image)


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (InfantReal(), "infant-real"),
        (InfantReal(rotation_deg=45.0), "infant-real ±45°"),
        (InfantReal(rung="C1"), "infant-real C1"),
        (InfantReal(rung="C0", rotation_deg=0.0), "infant-real C0 ±0°"),
        (InfantReal(bags=True), "infant-real in sleeping bags"),
        (InfantReal(factors=()), "infant-real plain"),
        (InfantReal(factors=("rotation",)), "infant-real rotation"),
        (InfantReal(factors=FACTORS[:4]), "infant-real without sensor"),
    ],
)
def test_labels_show_the_knobs(population: InfantReal, label: str) -> None:
    assert population.label == label


def test_every_rung_and_rotation_shows_the_same_infant() -> None:
    """Turning the camera about its line of sight keeps depths and distances to it."""
    headline = _points(_sample("C3", 180.0))
    for rung in RUNGS:
        for rotation_deg in (0.0, 180.0):
            points = _points(_sample(rung, rotation_deg))
            np.testing.assert_allclose(points[:, 2], headline[:, 2], atol=0.1)
            np.testing.assert_allclose(
                np.linalg.norm(points, axis=1), np.linalg.norm(headline, axis=1), atol=0.1
            )


def test_the_last_rung_changes_the_picture_and_no_label() -> None:
    clean, flawed = _sample("C2", 180.0), _sample("C3", 180.0)
    assert clean.image.encoded != flawed.image.encoded
    assert clean.image.depth_png == flawed.image.depth_png
    np.testing.assert_array_equal(clean.people[0].keypoints, flawed.people[0].keypoints)
    np.testing.assert_array_equal(clean.people[0].visibility, flawed.people[0].visibility)


def test_occluders_hide_and_never_show() -> None:
    hidden_more = 0
    for index in range(4):
        free, covered = (_sample(rung, 180.0, index).people[0] for rung in ("C1", "C2"))
        assert (covered.visibility <= free.visibility).all()
        hidden_more += int((covered.visibility < free.visibility).any())
        assert covered.area >= MIN_VISIBLE_PX
    assert hidden_more >= 1


@pytest.mark.parametrize(
    ("factors", "rung", "rotation_deg"),
    [(FACTORS, "C3", 180.0), (FACTORS[:4], "C2", 180.0), (FACTORS[:2], "C0", 0.0)],
)
def test_the_factors_of_a_rung_are_the_rung(
    factors: tuple[str, ...], rung: str, rotation_deg: float
) -> None:
    drawn = InfantReal(factors=factors).render("train", 1)
    assert vars(drawn.image) == vars(_sample(rung, rotation_deg).image)


def test_each_factor_changes_the_picture_and_leaves_the_infant() -> None:
    """Distances between keypoints are those of the body; the camera may be another."""
    plain = InfantReal(factors=()).render("train", 1)
    for factor in FACTORS:
        changed = InfantReal(factors=(factor,)).render("train", 1)
        assert changed.image.encoded != plain.image.encoded
        np.testing.assert_allclose(_distances(changed), _distances(plain), atol=0.1)


def test_an_address_does_not_know_factors_that_are_not_given() -> None:
    assert "factors" not in InfantReal().identity()
    fingerprints = {InfantReal(factors=(factor,)).fingerprint() for factor in FACTORS}
    assert len(fingerprints | {InfantReal(factors=()).fingerprint()}) == len(FACTORS) + 1


def test_unknown_factors_are_refused() -> None:
    with pytest.raises(ValueError, match="factors must be some of clothes, .* but got light"):
        InfantReal(factors=("light",))
    with pytest.raises(ValueError, match="each once, but got sensor, sensor"):
        InfantReal(factors=("sensor", "sensor"))
    with pytest.raises(ValueError, match="stand in place of a rung, but got rung='C1'"):
        InfantReal(rung="C1", factors=())


def _distances(sample: Sample) -> np.ndarray:
    points = _points(sample)
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=-1))


def test_unknown_rungs_and_turns_are_refused() -> None:
    with pytest.raises(ValueError, match="rung must be one of C0, C1, C2, C3, but got 'C4'"):
        InfantReal(rung="C4")
    with pytest.raises(ValueError, match=r"rotation_deg must lie in \[0, 180\], but got 200"):
        InfantReal(rotation_deg=200.0)
    with pytest.raises(ValueError, match="train must not be negative"):
        InfantReal(train=-1)


def test_poses_and_views_change_no_address_while_they_are_the_usual_ones() -> None:
    """The fingerprint that published results stand on."""
    assert InfantReal().fingerprint() == "4e4ad4bda723"
    assert InfantReal(poses=("supine",), view="any").fingerprint() == "4e4ad4bda723"
    others = {
        InfantReal(poses=("prone",)).fingerprint(),
        InfantReal(view="diagonal").fingerprint(),
    }
    assert len(others | {"4e4ad4bda723"}) == 3


def test_every_posture_can_be_asked_for() -> None:
    population = InfantReal(rung="C0", rotation_deg=0.0, poses=("prone", "sitting"))
    assert population.label == "infant-real C0 ±0° prone+sitting"
    people = [population.render("train", index).people[0] for index in range(7)]
    assert {person.attributes["posture"] for person in people} == {"prone", "sitting"}


def test_a_finer_pose_is_told_beside_syrips_posture() -> None:
    crawling = InfantReal(rung="C0", poses=("crawling",)).render("train", 0).people[0]
    assert (crawling.attributes["posture"], crawling.attributes["pose"]) == ("prone", "crawling")
    assert "pose" not in _sample("C3", 180.0).people[0].attributes


def test_another_view_is_the_same_infant() -> None:
    above = InfantReal(rung="C0", view="top-down").render("train", 1)
    aslant = InfantReal(rung="C0", view="diagonal").render("train", 1)
    spans = [_points(sample)[5] - _points(sample)[12] for sample in (above, aslant)]
    assert np.linalg.norm(spans[0]) == pytest.approx(np.linalg.norm(spans[1]), abs=0.1)


def test_unknown_poses_and_views_are_refused() -> None:
    with pytest.raises(ValueError, match=r"poses must be some of supine, .*but got hanging"):
        InfantReal(poses=("hanging",))
    with pytest.raises(ValueError, match="view must be one of any, top-down, diagonal"):
        InfantReal(view="below")
