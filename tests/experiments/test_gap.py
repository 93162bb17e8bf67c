"""What the ladder of infants takes from the factors' rows is the ladder's own."""

from dataclasses import replace

import pytest

import gap
from posebridge.populations.infant_real import InfantReal


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rung", "declared"),
    [
        ("C2, any way up", InfantReal(rung="C2", test=gap.PEOPLE)),
        ("C3, upright", InfantReal(rotation_deg=0.0, test=gap.PEOPLE)),
    ],
)
def test_rows_without_a_factor_show_the_pictures_of_their_rung(
    rung: str, declared: InfantReal
) -> None:
    shown, own = (population.render("test", 3) for population in (gap.LADDER[rung], declared))
    assert shown.image.encoded == own.image.encoded
    assert (shown.people[0].keypoints == own.people[0].keypoints).all()


def test_the_ladder_has_every_rung_and_is_measured() -> None:
    assert {name[:2] for name in gap.LADDER} == {"C0", "C1", "C2", "C3"}
    assert set(gap.LADDER.values()) <= set(gap.EXPERIMENT.targets)
    labels = [target.label for target in gap.EXPERIMENT.targets]
    assert len(set(labels)) == len(labels)
    assert replace(gap.HARD, train=1000, validation=200, test=500) == InfantReal()
