"""Rendered infants at home: the target, with a ladder of difficulties.

The ladder of four rungs, each with all that the one before has:

| rung | rotation_deg | what is new |
|------|--------------|-------------|
| C0   | 0            | printed clothes and sheets, toys around, free light, a tilted camera |
| C1   | 180          | the picture is turned by any angle |
| C2   | 180          | occluders: a blanket, toys on the infant, leads, a caregiver's hand |
| C3   | 180          | the camera's flaws: noise, blur, compression, colour casts |

`InfantReal(rung="C0", rotation_deg=0.0)` to `InfantReal(rung="C3", rotation_deg=180.0)` are these
rungs. Rotation is a knob of its own, so that a rotation gap never passes for another:
`InfantReal(rung="C3", rotation_deg=45.0)` is the row beside the headline. C0 and C1 differ in
nothing but the rotation asked for.

The knobs were set by how published MoveNet Lightning does on the training split, before anything
was adapted, and never by an adapted network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from posebridge.identity import later
from posebridge.populations.embedded import SinglePerson
from posebridge.populations.infant_knobs import ANY_VIEW, ONLY_SUPINE, check_knobs, shown
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene

RUNGS = ("C0", "C1", "C2", "C3")
FACTORS = ("clothes", "clutter", "rotation", "occluders", "sensor")
"""What C3 has that a plain picture has not, in the order of the ladder."""
MIN_VISIBLE_PX = 1500
"""An infant of whom less is seen gets other occluders."""

_MAX_ATTEMPTS = 8
_RUNG_FACTORS = {  # C0 is not turned because its rotation_deg is 0
    "C0": FACTORS[:3],
    "C1": FACTORS[:3],
    "C2": FACTORS[:4],
    "C3": FACTORS,
}


@dataclass(frozen=True)
class InfantReal(SinglePerson):
    """Infants at home. The headline is supine ones, C3 and full rotation, the defaults.

    The same index shows the same infant in the same pose, clothes, bed and light on every rung, at
    every rotation and in every view.

    Attributes:
        train: images in the split that is trained on (without labels).
        validation: images in the split that choices are made on.
        test: images in the split that is reported.
        rung: "C0" to "C3", what stands between the infant and the viewer.
        rotation_deg: the picture is turned by up to this much to either side, in [0, 180].
        poses: some of `synthesis.infant_poses.INFANT_POSES`, each as often as the others. The
            attribute `posture` says which of SyRIP's four it is, `pose` which of these.
        view: "any" is roughly from above (before those who sit or stand), "top-down", "diagonal".
        factors: exactly these of `FACTORS` instead of the rung's, to tell what each does; none of
            them is an infant in plain clothes on a plain sheet, head up, and a good camera.
        bags: a sleeping bag around everyone who lies with the legs down.
    """

    name: ClassVar[str] = "infant-real"

    train: int = 1000
    validation: int = 200
    test: int = 500
    rung: str = "C3"
    rotation_deg: float = 180.0
    poses: tuple[str, ...] = later(ONLY_SUPINE)
    view: str = later(ANY_VIEW)
    factors: tuple[str, ...] | None = later(None)
    bags: bool = later(False)

    def __post_init__(self) -> None:
        """Refuse an unknown rung, pose, view or factor, and a turn outside [0, 180]."""
        super().__post_init__()
        check_knobs(self.poses, self.view)
        if self.rung not in RUNGS:
            raise ValueError(f"rung must be one of {', '.join(RUNGS)}, but got {self.rung!r}.")
        if not 0.0 <= self.rotation_deg <= 180.0:
            raise ValueError(
                f"rotation_deg must lie in [0, 180], but got {self.rotation_deg}. 180 is any turn."
            )
        if self.factors is not None:
            _check_factors(self.factors, self.rung)

    @property
    def label(self) -> str:
        """The name, and each knob that differs from the headline's."""
        rung = "" if self.rung == "C3" else f" {self.rung}"
        turn = "" if self.rotation_deg == 180.0 else f" ±{self.rotation_deg:g}°"
        worn = " in sleeping bags" if self.bags else ""
        return self.name + rung + turn + shown(self.poses, self.view) + _named(self.factors) + worn

    def photo(self, split: str, index: int) -> Photograph:
        """The first draw of the occluders that leaves enough of the infant to see."""
        factors = _RUNG_FACTORS[self.rung] if self.factors is None else self.factors
        knobs = InfantKnobs(
            self.rotation_deg if "rotation" in factors else 0.0,
            clothes="clothes" in factors,
            clutter="clutter" in factors,
            occluders="occluders" in factors,
            flaws="sensor" in factors,
            poses=self.poses,
            view=self.view,
            bags=self.bags,
        )
        for attempt in range(_MAX_ATTEMPTS):
            scene = infant_scene(self.streams(split, index), knobs, attempt=attempt)
            photo = photograph(scene, supersample=2)
            if photo.people[0].area_px >= MIN_VISIBLE_PX or not knobs.occluders:
                break
        return photo


def _check_factors(factors: Sequence[str], rung: str) -> None:
    wrong = [factor for factor in factors if factor not in FACTORS]
    if wrong or len(set(factors)) < len(factors):
        raise ValueError(
            f"factors must be some of {', '.join(FACTORS)}, each once, but got "
            f"{', '.join(factors)}."
        )
    if rung != RUNGS[-1]:
        raise ValueError(
            f"factors stand in place of a rung, but got {rung=} beside them. Leave the rung out."
        )


def _named(factors: Sequence[str] | None) -> str:
    if factors is None:
        return ""
    missing = [factor for factor in FACTORS if factor not in factors]
    if len(missing) == 1:
        return f" without {missing[0]}"
    return f" {'+'.join(factors) or 'plain'}"
